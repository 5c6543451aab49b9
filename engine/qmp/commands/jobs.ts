/** Commands about jobs that run: in two families, `job-*` for all and `block-job-*` for block jobs. */
import type { Members, Values } from '../../block/option.ts'
import { opt, shape } from '../../block/option.ts'
import type { Job } from '../../jobs/job.ts'
import type { Jobs } from '../../jobs/registry.ts'
import type { MaybePromise } from '../../util/async.ts'
import { BlockError } from '../../util/errors.ts'
import type { Command } from '../command.ts'
import { defineCommand } from '../command.ts'
import { IO_STATUS, JOB_STATUS, JOB_TYPE } from '../schema/jobs.ts'

export const JOB_BY_ID = { id: opt.str({ doc: 'Name of the job.' }) } as const satisfies Members
const BY_DEVICE = { device: opt.str({ doc: 'Name of the job.' }) } as const satisfies Members

type Verb = (job: Job, jobs: Jobs) => MaybePromise<void>

interface VerbAbout {
  readonly doc: string
  readonly run: Verb
}

/** What both families do alike. Some of the older one also call the job `id`. */
const VERBS: Readonly<Record<string, VerbAbout & { readonly blockJobIs: 'device' | 'id' }>> = {
  pause: {
    doc: 'Pauses a job.',
    blockJobIs: 'device',
    run(job) {
      job.userPause()
    },
  },
  resume: {
    doc: 'Lets a paused job go on.',
    blockJobIs: 'device',
    run(job) {
      job.userResume()
    },
  },
  complete: {
    doc: 'Ends a job that is ready.',
    blockJobIs: 'device',
    run: (job) => job.complete(),
  },
  dismiss: {
    doc: 'Forgets a job that is over.',
    blockJobIs: 'id',
    async run(job) {
      job.checkVerb('dismiss')
      await job.dismiss()
    },
  },
  finalize: {
    doc: 'Lets a pending job, and all that end with it, take effect.',
    blockJobIs: 'id',
    async run(job) {
      job.checkVerb('finalize')
      await job.group.finalize()
    },
  },
}

function ofJobs(verb: string, { doc, run }: VerbAbout): Command {
  return defineCommand({
    name: `job-${verb}`,
    doc,
    args: JOB_BY_ID,
    run: ({ engine: { jobs } }, { id }) => run(jobs.find(id), jobs),
  })
}

function ofBlockJobs(verb: string, about: (typeof VERBS)[string]): Command {
  const { blockJobIs, doc, run } = about
  const define = <const M extends Members>(args: M, idOf: (args: Values<M>) => string): Command =>
    defineCommand({
      name: `block-job-${verb}`,
      doc,
      args,
      run: ({ engine: { jobs } }, given) => run(jobs.findBlockJob(idOf(given)), jobs),
    })
  return blockJobIs === 'id'
    ? define(JOB_BY_ID, ({ id }) => id)
    : define(BY_DEVICE, ({ device }) => device)
}

const jobCancel = defineCommand({
  name: 'job-cancel',
  doc: 'Cancels a job at once.',
  args: JOB_BY_ID,
  async run({ engine: { jobs } }, { id }) {
    const job = jobs.find(id)
    job.checkVerb('cancel')
    await jobs.cancel(job, true)
  },
})

const blockJobCancel = defineCommand({
  name: 'block-job-cancel',
  doc: 'Cancels a block job; one that is ready ends well, but for its change of the graph.',
  args: { ...BY_DEVICE, force: opt.bool({ optional: true, doc: 'Cancel it at once.' }) },
  async run({ engine: { jobs } }, { device, force = false }) {
    const job = jobs.findBlockJob(device)
    if (job.userPaused && !force) {
      throw new BlockError(`The block job for device '${device}' is currently paused`)
    }
    job.checkVerb('cancel')
    await jobs.cancel(job, force)
  },
})

const blockJobSetSpeed = defineCommand({
  name: 'block-job-set-speed',
  when: 'jobs.speed',
  doc: 'Limits how fast a block job goes.',
  args: { ...BY_DEVICE, speed: opt.int({ doc: 'Bytes per second, 0 for no limit.' }) },
  run({ engine: { jobs } }, { device, speed }) {
    jobs.findBlockJob(device).setSpeed(speed)
  },
})

const queryJobs = defineCommand({
  name: 'query-jobs',
  doc: 'All jobs, newest first.',
  args: {},
  returns: shape.list(
    shape.struct('JobInfo', {
      id: opt.str({ doc: 'Name of the job.' }),
      type: JOB_TYPE({ doc: 'Kind of job.' }),
      status: JOB_STATUS({ doc: 'Where it is in its life.' }),
      'current-progress': opt.int({ doc: 'How far it is.' }),
      'total-progress': opt.int({ doc: 'How far it will go.' }),
      error: opt.str({ optional: true, doc: 'Why it failed.' }),
    }),
  ),
  run: ({ engine: { jobs } }) =>
    jobs.list().map((job) => ({
      id: job.id,
      type: job.about.type,
      status: job.status,
      'current-progress': job.progress.done,
      'total-progress': job.progress.total,
      error: job.error?.message,
    })),
})

const queryBlockJobs = defineCommand({
  name: 'query-block-jobs',
  doc: 'All block jobs, newest first.',
  args: {},
  returns: shape.list(
    shape.struct('BlockJobInfo', {
      type: opt.str({ doc: 'Kind of job.' }),
      device: opt.str({ doc: 'Name of the job.' }),
      len: opt.int({ doc: 'How far it will go.' }),
      offset: opt.int({ doc: 'How far it is.' }),
      busy: opt.bool({ doc: 'It is at work.' }),
      paused: opt.bool({ doc: 'It was told to pause.' }),
      speed: opt.int({ doc: 'Bytes per second at most, or 0.' }),
      'io-status': IO_STATUS({ doc: 'What became of its requests.' }),
      ready: opt.bool({ doc: 'It may be completed.' }),
      status: JOB_STATUS({ doc: 'Where it is in its life.' }),
      'auto-finalize': opt.bool({ doc: 'It finalizes itself.' }),
      'auto-dismiss': opt.bool({ doc: 'It dismisses itself.' }),
      error: opt.str({ optional: true, doc: 'Why it failed.' }),
    }),
  ),
  run: ({ engine: { jobs } }) =>
    jobs
      .list()
      .filter(({ about }) => about.isBlockJob)
      .map(describeBlockJob),
})

function describeBlockJob(job: Job): Readonly<Record<string, unknown>> {
  return {
    type: job.about.type,
    device: job.id,
    len: job.progress.total,
    offset: job.progress.done,
    busy: job.busy,
    paused: job.heldBack,
    speed: job.speed,
    'io-status': job.ioStatus,
    ready: job.isReady,
    status: job.status,
    'auto-finalize': job.about.autoFinalize,
    'auto-dismiss': job.about.autoDismiss,
    error: job.error?.message,
  }
}

export const JOB_COMMANDS: readonly Command[] = [
  queryJobs,
  queryBlockJobs,
  jobCancel,
  blockJobCancel,
  blockJobSetSpeed,
  ...Object.entries(VERBS).flatMap(([verb, about]) => [
    ofJobs(verb, about),
    ofBlockJobs(verb, about),
  ]),
]
