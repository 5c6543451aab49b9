/** Types of what is told of jobs, and the arguments that start them share. */
import type { Members } from '../../block/option.ts'
import { opt } from '../../block/option.ts'
import { JOB_TYPES, type JobType } from '../../jobs/kind.ts'
import type { JobOptions } from '../../jobs/registry.ts'
import { NEXT, type JobStatus } from '../../jobs/status.ts'

/** The table names each once, in the order of a job's life. */
const STATUSES = Object.keys(NEXT) as readonly JobStatus[]

export const JOB_STATUS = opt.enum('JobStatus', STATUSES)
/** The one that takes the place of several is in the schema where it can be started. */
export const JOB_TYPE = opt.of<JobType>({
  kind: 'enum',
  name: 'JobType',
  values: JOB_TYPES.map((name) => (name === 'copy' ? { name, when: 'successors' } : { name })),
})
export const ON_ERROR = opt.enum('BlockdevOnError', ['report', 'ignore', 'enospc', 'stop', 'auto'])
/** Whether an image that is brought along is there, or is made. */
export const NEW_IMAGE_MODE = opt.enum('NewImageMode', ['existing', 'absolute-paths'])
export const IO_STATUS = opt.enum('BlockDeviceIoStatus', ['ok', 'failed', 'nospace'])
const OPERATION = opt.enum('IoOperationType', ['read', 'write'])
const ACTION = opt.enum('BlockErrorAction', ['ignore', 'report', 'stop'])

const PROGRESS = {
  type: JOB_TYPE({ doc: 'Kind of job.' }),
  device: opt.str({ doc: 'Name of the job.' }),
  len: opt.int({ doc: 'How far it will go.' }),
  offset: opt.int({ doc: 'How far it is.' }),
  speed: opt.int({ doc: 'Bytes per second at most, or 0.' }),
} as const satisfies Members

/** What most commands that start jobs take in the end. */
export const JOB_ENDING = {
  'auto-finalize': opt.bool({ default: true, doc: 'Take effect without being told.' }),
  'auto-dismiss': opt.bool({ default: true, doc: 'Be forgotten without being told.' }),
} as const satisfies Members

/** First argument of all block jobs' commands. */
export const JOB_ID = opt.str({ optional: true, doc: 'Name of the job.' })

interface JobArgs {
  readonly 'job-id'?: string | undefined
  readonly speed?: number | undefined
  readonly 'auto-finalize'?: boolean | undefined
  readonly 'auto-dismiss'?: boolean | undefined
}

/** What is said of the job itself, for the registry. */
export function jobOptions(args: JobArgs): JobOptions {
  return {
    id: args['job-id'],
    speed: args.speed,
    autoFinalize: args['auto-finalize'],
    autoDismiss: args['auto-dismiss'],
  }
}

/** The same, for jobs that run in a chain. */
export const CHAIN_JOB = {
  speed: opt.int({
    default: 0,
    when: 'jobs.speed',
    doc: 'Bytes per second at most, 0 for no limit.',
  }),
  'on-error': ON_ERROR({ default: 'report', doc: 'What becomes of it when a request fails.' }),
  'filter-node-name': opt.str({ optional: true, doc: 'Name of the node that is put in.' }),
  ...JOB_ENDING,
} as const satisfies Members

/** Of block jobs. */
export const BLOCK_JOB_EVENTS: Readonly<Record<string, Members>> = {
  BLOCK_JOB_COMPLETED: {
    ...PROGRESS,
    error: opt.str({ optional: true, doc: 'Why it failed.' }),
  },
  BLOCK_JOB_CANCELLED: PROGRESS,
  BLOCK_JOB_ERROR: {
    device: opt.str({ doc: 'Name of the job.' }),
    operation: OPERATION({ doc: 'What failed.' }),
    action: ACTION({ doc: 'What becomes of the job.' }),
  },
  BLOCK_JOB_READY: PROGRESS,
  BLOCK_JOB_PENDING: {
    type: JOB_TYPE({ doc: 'Kind of job.' }),
    id: opt.str({ doc: 'Name of the job.' }),
  },
}

/** Of every job. */
export const JOB_STATUS_CHANGE: Members = {
  id: opt.str({ doc: 'Name of the job.' }),
  status: JOB_STATUS({ doc: 'Where it is in its life now.' }),
}
