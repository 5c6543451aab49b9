/**
 * Which clauses a scenario holds against what is there after a command: claims about the graph with
 * its permissions, about bytes, or about events, and not only about replies. Pure.
 */
import type { EventClaim, IoLine, NbdLine, Scenario, Step } from '../../dsl/plan.ts'

/** A claim speaks of the clause that its step names, or of the only one that the scenario names. */
export function clausesWithEffects({ spec, refuses, cases }: Scenario): ReadonlySet<string> {
  const named = new Set([...spec, ...refuses].map(({ id }) => id))
  const only = named.size === 1 ? [...named] : []
  const found = new Set<string>()
  for (const { steps, after } of cases) {
    let acted = false
    for (const step of [...steps, ...after].flatMap(flatten)) {
      acted ||= acts(step)
      if (!acted || !claimsEffect(step)) continue
      for (const id of step.clause === undefined ? only : [step.clause.id]) found.add(id)
    }
  }
  return found
}

function flatten(step: Step): readonly Step[] {
  switch (step.kind) {
    case 'loop':
      return step.turns.flatMap((turn) => turn.steps.flatMap(flatten))
    case 'group':
      return [...step.then, ...step.otherwise].flatMap(flatten)
    case 'use':
      return step.steps.flatMap(flatten)
    case 'together':
      return step.actors.flatMap((actor) => actor.steps.flatMap(flatten))
    default:
      return [step]
  }
}

const COMMANDS: ReadonlySet<string> = new Set(['qmp', 'raw', 'node', 'object', 'export', 'restart'])

function acts(step: Step): boolean {
  return COMMANDS.has(step.kind) && !(step.kind === 'qmp' && step.command.startsWith('query-'))
}

function claimsEffect(step: Step): boolean {
  if (step.events?.some(isClaim) === true) return true
  switch (step.kind) {
    case 'events':
      return step.claims.some(isClaim)
    case 'graph':
      return step.lines.length > 0
    case 'verify':
      return true
    case 'io':
      return step.script.lines.some(readsBytes)
    case 'nbd':
      return step.lines.some(asksServer)
    case 'qmp':
      return step.returns !== undefined && isGraphQuery(step.command)
    case 'save':
      return step.returns !== undefined && step.items.some(({ path }) => isGraphQuery(path.command))
    case 'img':
      // What an image at rest says of itself is its bytes.
      return step.returns !== undefined || step.action === 'check' || step.action === 'compare'
    default:
      return false
  }
}

/** Edges with permissions, where the claims of `graph` cannot ask for them. */
function isGraphQuery(command: string | undefined): boolean {
  return command === 'query-block-graph' || command === 'x-debug-query-block-graph'
}

function isClaim({ kind }: EventClaim): boolean {
  return kind !== 'optional'
}

function readsBytes({ statement, outcome }: IoLine): boolean {
  const reads = statement.kind === 'rw' && !statement.write && statement.pattern !== undefined
  return reads || statement.kind === 'verify' || outcome.written
}

function asksServer(line: NbdLine): boolean {
  return (line.kind === 'read' && line.pattern !== undefined) || line.outcome.written
}
