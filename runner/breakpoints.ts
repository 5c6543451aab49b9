/**
 * Requests that stop on purpose. The engine offers it directly; a full QEMU through its human
 * monitor; a storage daemon not at all, which is why `fault.suspend` is a need.
 */
import type { FaultRule, Value } from '../dsl/plan.ts'
import { runtimeRule, suspendEvent } from './faults.ts'
import { loadGraph } from './steps/graph.ts'
import type { Play } from './play.ts'
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
    const injector = await injectorOf(play, node, rule)
    play.breakpoints.set(tag, injector)
    const { debug } = play
    if (debug === undefined) await hmp(play, `qemu-io ${injector} "break ${event} ${tag}"`)
    else debug.breakAt(injector, event, tag)
  }
}

/** Lets the request go on that stopped under the tag. */
export async function resume(play: Play, tag: string): Promise<boolean> {
  const injector = play.breakpoints.get(tag)
  if (injector === undefined) return false
  // What was sent before has to be on its way to the breakpoint.
  await play.settle()
  const { debug } = play
  if (debug !== undefined) return debug.resume(injector, tag)
  await hmp(play, `qemu-io ${injector} "resume ${tag}"`)
  return true
}

export async function addFaults(
  play: Play,
  node: string,
  rules: readonly FaultRule[],
): Promise<void> {
  const errors = rules.filter((rule) => rule.effect.kind === 'error')
  for (const rule of errors) {
    if (rule.after > 0) {
      throw new StepError('a running injector takes no rule with after', rule.span)
    }
    const injector = await injectorOf(play, node, rule)
    play.debug?.inject?.(injector, runtimeRule(rule))
  }
  await suspendAt(play, node, rules)
}

export async function clearFaults(play: Play, node: string): Promise<void> {
  for (const injector of await injectorsOf(play, node, play.stepSpan)) {
    play.debug?.clear?.(injector)
  }
}

/** The outermost injector at or below the node, over filters alone. */
async function injectorOf(play: Play, node: string, rule: FaultRule): Promise<string> {
  const [injector] = await injectorsOf(play, node, rule.span)
  if (injector === undefined) throw new StepError(`node '${node}' has no faults`, rule.span)
  return injector
}

async function injectorsOf(
  play: Play,
  node: string,
  span: FaultRule['span'] | undefined,
): Promise<readonly string[]> {
  if (span === undefined) return []
  const graph = await loadGraph(play, span)
  const found: string[] = []
  let next = graph.get(node)
  while (next !== undefined && (next.driver === 'blkdebug' || next.driver === 'raw')) {
    if (next.driver === 'blkdebug') found.push(next.name)
    next = next.children[0]?.to
  }
  return found
}

/** Says a line to the human monitor; what it prints goes to the log. */
async function hmp(play: Play, line: string): Promise<void> {
  const args: Value = { 'command-line': line }
  const reply = await play.ask('human-monitor-command', args)
  if (reply.kind === 'error') throw new Error(`human-monitor-command failed: ${reply.desc}`)
}
