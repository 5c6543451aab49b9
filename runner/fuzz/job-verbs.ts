/** How verbs of jobs are drawn: for jobs that take them, or for one that is started first. */
import type { Focus } from './commands.ts'
import type { Draw, Provider } from './draw.ts'
import { JOB_KINDS, starterOf, statusesOf, takes, verbOf } from './job-kinds.ts'
import { FASTEST, SLOWEST } from './job-starts.ts'
import type { JobState } from './state.ts'
import type { Members } from './step.ts'

export function verb(command: string): (draw: Draw, focus: Focus) => Members {
  const name = verbOf(command) ?? ''
  const isOld = command.startsWith('block-job-')
  const kinds = JOB_KINDS.filter((kind) => takes(kind, name) && !(isOld && kind === 'create'))
  const isNamedDevice = isOld && !['finalize', 'dismiss'].includes(name)
  return (draw, focus) => {
    const { random } = draw
    const job = focus.given === undefined ? wantedJob(draw, focus, name, kinds) : undefined
    const id = job?.id ?? 'nosuch'
    return {
      [isNamedDevice ? 'device' : 'id']: id,
      ...(command === 'block-job-cancel' && random.chance(0.4)
        ? { force: random.chance(0.5) }
        : {}),
      ...(name === 'set-speed' ? { speed: random.pick([0, FASTEST, SLOWEST, 0, -1]) } : {}),
      ...focus.given,
    }
  }
}

/** One that takes the verb, mostly; if there is none, one is started that will. */
function wantedJob(
  draw: Draw,
  focus: Focus,
  name: string,
  kinds: readonly string[],
): JobState | undefined {
  const { random, state } = draw
  if (random.chance(0.15)) return random.pick(state.jobs)
  const statuses = statusesOf(name)
  const fitting = state.jobs.filter(
    ({ type, status }) =>
      statuses.includes(status) &&
      kinds.includes(type) &&
      (focus.job === undefined || focus.job.type === type),
  )
  const fit = random.pick(fitting)
  if (fit !== undefined) return fit
  const kind = focus.job?.type ?? random.pick(kinds)
  if (kind === undefined) return random.pick(state.jobs)
  const status = random.pick(reachable(kind, statuses)) ?? 'concluded'
  draw.focus = { ...focus, job: { ...focus.job, type: kind, status } }
  draw.need(providerOf(name, { ...focus.job, type: kind, status }))
  return random.pick(state.jobs)
}

/** A step after which there is a job of the kind in the status. */
function providerOf(verb: string, job: NonNullable<Focus['job']>): Provider {
  if (verb === 'resume') {
    return { command: 'job-pause', focus: { job: { type: job.type, status: 'running' } } }
  }
  const { type, status } = job
  if (type === 'mirror' && (status === 'pending' || status === 'concluded')) {
    return { command: 'job-complete', focus: { job: { type, status: 'ready', end: status } } }
  }
  return { command: starterOf(type), focus: { job } }
}

/** Those that a start alone can bring about. */
function reachable(kind: string, statuses: readonly string[]): readonly string[] {
  const able = ['pending', 'concluded', ...(kind === 'create' ? [] : ['running'])]
  const ready = kind === 'mirror' || kind === 'commit' ? ['ready'] : []
  return statuses.filter((status) => [...able, ...ready].includes(status))
}
