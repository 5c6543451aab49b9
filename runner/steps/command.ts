/** What `qmp` and the sugar over it share: send a command, show it, hold the reply to its claims. */
import type { Claim, Expectation } from '../../dsl/plan-claims.ts'
import type { StepCommon, Value } from '../../dsl/plan.ts'
import { member, text } from '../json.ts'
import type { Shown } from '../notation.ts'
import type { Play } from '../play.ts'
import { GoneError, type Reply } from '../session.ts'
import type { Detail, Fact } from '../transcript.ts'
import { saveBeside } from './save.ts'

/** Commands after which a job has nothing more to say. */
const DISMISS = new Set(['job-dismiss', 'block-job-dismiss'])

export interface CommandCall {
  readonly command: string
  readonly args: Value | undefined
  readonly oob: boolean
  readonly expect: Expectation
  readonly returns: Claim | undefined
  readonly save: StepCommon['save']
  /** The runner's own NBD server serves what the command makes. */
  readonly hosted?: boolean
  /** How the golden shows the request. */
  readonly label: string
  readonly head: string
  readonly members: Readonly<Record<string, Shown>>
}

/** Whether the command worked. */
export async function callCommand(play: Play, call: CommandCall): Promise<boolean> {
  if (call.hosted !== true) await play.hidden.hide(call.command)
  const reply = await send(play, call)
  play.transcript.add(replyFact(play, call, reply))
  if (reply.kind === 'return') {
    play.hidden.note(call.command, call.args)
    play.jobs.command(call.command, call.args)
    play.last = reply.value
    if (call.command === 'quit') play.expectEnd()
    const id = text(member(call.args, 'id'))
    if (DISMISS.has(call.command) && id !== undefined) play.jobToPrint = id
  }
  play.judge(reply, call.expect)
  if (call.returns !== undefined) {
    play.check(call.returns, reply.kind === 'return' ? reply.value : undefined)
  }
  if (reply.kind === 'return') await saveBeside(play, call.save)
  return reply.kind === 'return'
}

/** The reply. A command that the target dies of stands in the transcript too. */
async function send(play: Play, call: CommandCall): Promise<Reply> {
  try {
    return await play.session.command(call.command, call.args, play.withinMs, call.oob)
  } catch (error) {
    if (!(error instanceof GoneError) || error.reason !== 'closed') throw error
    play.transcript.add({ ...requestFact(call), outcome: 'gone' })
    throw error
  }
}

function requestFact(call: CommandCall): Extract<Fact, { readonly kind: 'statement' }> {
  return {
    kind: 'statement',
    label: call.label,
    head: call.head,
    members: call.members,
    details: [],
  }
}

export function replyFact(
  play: Play,
  call: Pick<CommandCall, 'label' | 'head' | 'members' | 'command'>,
  reply: Reply,
): Fact {
  return {
    kind: 'statement',
    label: call.label,
    head: call.head,
    members: call.members,
    outcome: showOutcome(reply),
    details: showDetails(play, call.command, reply),
  }
}

export function showOutcome(reply: Reply): string {
  return reply.kind === 'return' ? 'ok' : reply.class
}

export function showDetails(play: Play, command: string, reply: Reply): readonly Detail[] {
  if (reply.kind === 'error') {
    return [{ kind: 'text', text: play.normaliser.prose(reply.desc) }]
  }
  if (isEmptyMap(reply.value)) return []
  return [{ kind: 'value', value: play.shown(reply.value, command) }]
}

function isEmptyMap(value: Value): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.keys(value).length === 0
  )
}
