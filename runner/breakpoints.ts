/**
 * Faults while the target runs. The engine offers breakpoints and rules directly, a full QEMU
 * breakpoints through its human monitor, a storage daemon nothing; hence `fault.suspend`,
 * `fault.add` and `fault.clear` are needs.
 */
import type { FaultRule, Span, Value } from '../dsl/plan.ts'
import { BlockError } from '../engine/client.ts'
import { runtimeRule, suspendEvent } from './faults.ts'
import type { Play } from './play.ts'
import { loadGraph } from './steps/graph.ts'
import { StepError } from './step-error.ts'

/** Sets a breakpoint for every rule that suspends. */
export async function suspendAt(
  play: Play,
  node: string,
  rules: readonly FaultRule[],
): Promise<void> {
  for (const rule of rules) {
    if (rule.effect.kind !== 'suspend') continue
    const event = suspendEvent(rule.operation)
    if (event === undefined) {
      throw new StepError(`a ${rule.operation} tells nothing that could stop it`, rule.span)
    }
    const { tag } = rule.effect
    const { debug } = play
    if (debug === undefined) await hmp(play, node, `break ${event} ${tag}`, rule.span)
    else debug.breakAt(node, event, tag)
    play.breakpoints.set(tag, node)
  }
}

/** Lets the request go on that stopped under the tag; false if the engine says that none did. */
export async function resume(play: Play, tag: string, span: Span): Promise<boolean> {
  const node = play.breakpoints.get(tag)
  if (node === undefined) return false
  // What was sent before has to have come to the breakpoint.
  await play.settle()
  const { debug } = play
  if (debug === undefined) {
    await hmp(play, node, `resume ${tag}`, span)
    return true
  }
  try {
    debug.resume(node, tag)
    return true
  } catch (error) {
    if (error instanceof BlockError) return false
    throw error
  }
}

/** Adds rules to the innermost injector, which has no states that others depend on. */
export async function addFaults(
  play: Play,
  node: string,
  rules: readonly FaultRule[],
  span: Span,
): Promise<void> {
  const injector = (await injectorsOf(play, node, span)).at(-1)
  if (injector === undefined) throw new StepError(`node '${node}' has no faults`, span)
  for (const rule of rules) {
    if (rule.effect.kind !== 'error') continue
    play.debug?.inject(injector, runtimeRule(rule))
  }
  await suspendAt(play, node, rules)
}

/** At the end of a case: whatever is still suspended goes on, so that exports can end. */
export async function releaseAll(play: Play): Promise<void> {
  for (const [tag, node] of play.breakpoints) {
    const { debug } = play
    try {
      if (debug !== undefined) debug.removeBreak(node, tag)
      else await play.ask('human-monitor-command', hmpArguments(node, `remove_break ${tag}`))
    } catch (error) {
      // The breakpoint was used up, or its node is gone.
      if (!(error instanceof BlockError)) throw error
    }
  }
  play.breakpoints.clear()
}

/** Drops all rules of the node, and lets go what they stopped. */
export async function clearFaults(play: Play, node: string, span: Span): Promise<void> {
  for (const injector of await injectorsOf(play, node, span)) play.debug?.clear(injector)
  for (const [tag, owner] of play.breakpoints) {
    if (owner !== node) continue
    play.breakpoints.delete(tag)
    try {
      play.debug?.removeBreak(node, tag)
    } catch (error) {
      // Breakpoints that nobody came to went with the rules.
      if (!(error instanceof BlockError)) throw error
    }
  }
}

/** Injectors at and below the node, outermost first. */
async function injectorsOf(play: Play, node: string, span: Span): Promise<readonly string[]> {
  const graph = await loadGraph(play, span)
  const found: string[] = []
  let next = graph.get(node)
  while (next !== undefined && (next.driver === 'blkdebug' || next.driver === 'raw')) {
    if (next.driver === 'blkdebug') found.push(next.name)
    next = next.children[0]?.to
  }
  return found
}

/** Says a line to the human monitor; what it prints goes to the target's output. */
async function hmp(play: Play, node: string, words: string, span: Span): Promise<void> {
  const reply = await play.ask('human-monitor-command', hmpArguments(node, words))
  if (reply.kind === 'error') throw new StepError(play.normaliser.prose(reply.desc), span)
}

function hmpArguments(node: string, words: string): Value {
  return { 'command-line': `qemu-io ${node} "${words}"` }
}
