/** What generator and coverage know of jobs: which command starts which kind, and which verbs each kind takes while it is at rest. */
import type { Value } from '../../dsl/plan.ts'
import { isList, member, text } from '../json.ts'

/** The kind of job that a command or an action starts, by its name. */
const STARTS: Readonly<Record<string, string>> = {
  'block-commit': 'commit',
  'block-stream': 'stream',
  'blockdev-backup': 'backup',
  'blockdev-create': 'create',
  'blockdev-mirror': 'mirror',
  'drive-backup': 'backup',
  'drive-mirror': 'mirror',
}

/** `job-pause` and `block-job-pause` are one verb. */
const VERB = /^(?:block-)?job-([a-z-]+)$/

/** Statuses of jobs at rest in which a verb is accepted. */
const STATUSES: Readonly<Record<string, readonly string[]>> = {
  cancel: ['running', 'paused', 'ready', 'standby', 'waiting', 'pending'],
  pause: ['running', 'ready'],
  resume: ['paused', 'standby'],
  'set-speed': ['running', 'paused', 'ready', 'standby'],
  complete: ['ready', 'standby'],
  finalize: ['pending'],
  dismiss: ['concluded'],
}

/** Verbs of which a kind at rest never is in such a status. */
const NEVER: Readonly<Record<string, readonly string[]>> = {
  backup: ['complete'],
  // It has no speed, so it is over before anybody can pause it, and finalizes itself.
  create: ['cancel', 'pause', 'resume', 'set-speed', 'complete', 'finalize'],
  stream: ['complete'],
}

export const JOB_KINDS: readonly string[] = [...new Set(Object.values(STARTS))].sort()
export const JOB_VERBS: readonly string[] = Object.keys(STATUSES)

export function verbOf(command: string): string | undefined {
  const verb = VERB.exec(command)?.[1]
  return verb !== undefined && verb in STATUSES ? verb : undefined
}

export function statusesOf(verb: string): readonly string[] {
  return STATUSES[verb] ?? []
}

/** Whether some job of the kind, at rest, takes the verb. */
export function takes(kind: string, verb: string): boolean {
  return NEVER[kind]?.includes(verb) !== true
}

export function starterOf(kind: string): string {
  return Object.keys(STARTS).find((command) => STARTS[command] === kind) ?? ''
}

/** The kinds that a command starts if it is accepted, those of actions included. */
export function startedKinds(command: string, args: Value | undefined): readonly string[] {
  if (command !== 'transaction') return command in STARTS ? [STARTS[command] ?? ''] : []
  const actions = member(args, 'actions')
  return (isList(actions) ? actions : []).flatMap((action) => {
    const type = text(member(action, 'type')) ?? ''
    return type in STARTS ? [STARTS[type] ?? ''] : []
  })
}
