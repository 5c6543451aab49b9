/** The life of a job as data: which status may follow which, and which verbs each one takes. */
import { assert } from '../util/assert.ts'
import { BlockError } from '../util/errors.ts'

/** Each status and the statuses it may move to. */
export const NEXT = {
  undefined: ['created'],
  created: ['running', 'aborting', 'null'],
  running: ['paused', 'ready', 'waiting', 'aborting'],
  paused: ['running'],
  ready: ['standby', 'waiting', 'aborting'],
  standby: ['ready'],
  waiting: ['pending', 'aborting'],
  pending: ['aborting', 'concluded'],
  aborting: ['aborting', 'concluded'],
  concluded: ['null'],
  null: [],
} as const satisfies Record<string, readonly string[]>

export type JobStatus = keyof typeof NEXT

const AT_WORK = ['created', 'running', 'paused', 'ready', 'standby'] as const

/** Each thing that clients may ask of a job, and the statuses in which it listens. */
export const ACCEPTS = {
  cancel: [...AT_WORK, 'waiting', 'pending'],
  pause: AT_WORK,
  resume: AT_WORK,
  'set-speed': AT_WORK,
  complete: ['ready', 'standby'],
  finalize: ['pending'],
  dismiss: ['concluded'],
} as const satisfies Record<string, readonly JobStatus[]>

export type JobVerb = keyof typeof ACCEPTS

/** Statuses in which a job has come to a result of its own. */
const COMPLETED: readonly JobStatus[] = ['waiting', 'pending', 'aborting', 'concluded', 'null']

export function isCompleted(status: JobStatus): boolean {
  return COMPLETED.includes(status)
}

/** Our own code asked for this move, so a wrong one is a bug. */
export function assertTransition(from: JobStatus, to: JobStatus): void {
  assert((NEXT[from] as readonly JobStatus[]).includes(to), `job cannot go from ${from} to ${to}`)
}

/** A client asked for this verb, so a wrong one is an error to report. */
export function checkVerb(id: string, status: JobStatus, verb: JobVerb): void {
  if ((ACCEPTS[verb] as readonly JobStatus[]).includes(status)) return
  throw new BlockError(`Job '${id}' in state '${status}' cannot accept command verb '${verb}'`, {
    errno: 'EPERM',
  })
}
