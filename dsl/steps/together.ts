/** `together`: actors, each a lane of steps, and the order in which they take their turns. */
import { readMap, readText, shorten } from '../check.ts'
import type { Context } from '../context.ts'
import type { ScheduleAst } from '../grammar/ast.ts'
import { parsePiece, spanAt, wholeOf, type Piece } from '../mini.ts'
import { noNeeds } from '../needs.ts'
import type { Actor, Schedule, Step } from '../plan.ts'
import { didYouMean } from '../suggest.ts'
import { find, spanOf, type Entry, type MapNode } from '../tree.ts'
import { defineStructure, TEXT } from './kind.ts'

/** How many orders are played without saying a number, and the most that can be asked for. */
const BOUND = 100
const MOST = 2000

export const together = defineStructure({
  kind: 'together',
  written: {
    doc: 'Actors that take turns: {NAME: steps, NAME: steps}; schedule: says how.',
    schema: {
      type: 'object',
      additionalProperties: { type: 'array', items: { $ref: '#/definitions/step' } },
    },
    keys: {
      schedule: {
        doc: 'free (default), all [BOUND], seed N, fixed [ACTOR, …].',
        schema: TEXT,
      },
    },
    build(context, { map, value }) {
      const lanes = readMap(context, value, "'together'")
      if (lanes === undefined || !isInPlace(context, map)) return []
      const actors = actorsOf(context, lanes)
      const schedule = scheduleOf(context, map, actors, spanOf(value))
      if (actors.length < 2 || schedule === undefined) return []
      return [{ kind: 'together', actors, schedule }]
    },
  },
})

function isInPlace(context: Context, map: MapNode): boolean {
  const { place, using, unsure, acting } = context.fields
  const key = find(map, 'together')?.key ?? map
  if (acting !== undefined) {
    context.problem(key, 'together-nested', `the actor '${acting}' can not split again`)
    return false
  }
  if (place === 'steps' && using.length === 0 && !unsure) return true
  context.problem(key, 'together-place', 'together stands among the steps of the scenario itself')
  return false
}

function actorsOf(context: Context, lanes: MapNode): readonly Actor[] {
  if (lanes.entries.length < 2) {
    context.problem(lanes, 'together-actors', 'it takes two actors or more to play together')
  }
  // What one actor makes another may use, so names are gathered before anybody is judged.
  const made = lanes.entries.map((entry) => {
    const names = context.names.fork()
    const dry = context.with({ dry: true, names, needs: noNeeds(), acting: entry.name })
    dry.compileSteps(entry.value, `'${entry.name}'`)
    return names
  })
  const actors = lanes.entries.flatMap((entry, index) => {
    if (!isActorName(context, entry)) return []
    const names = context.names.fork()
    for (const [other, theirs] of made.entries()) if (other !== index) names.join(theirs)
    const inner = context.with({ names, acting: entry.name })
    const steps = inner.compileSteps(entry.value, `'${entry.name}'`)
    for (const step of steps) checkStep(context, entry, step)
    return [{ name: entry.name, span: spanOf(entry.key), steps }]
  })
  for (const names of made) context.names.join(names)
  return actors
}

function isActorName(context: Context, entry: Entry): boolean {
  if (/^[A-Za-z_][\w-]*$/.test(entry.name)) return true
  context.problem(entry.key, 'bad-name', `'${shorten(entry.name)}' can not be the name of an actor`)
  return false
}

function checkStep(context: Context, entry: Entry, step: Step): void {
  const { source } = entry.key
  const { report } = context.fields.session
  const why = context.kinds.facts(step).notByActors
  if (why !== undefined && step.span.file === source.file) {
    report.add('together-step', source, step.span, `an actor can not play this: ${why}`)
  } else if (step.events !== undefined && step.span.file === source.file) {
    report.add(
      'together-events',
      source,
      step.span,
      'events of actors are claimed at the together step',
    )
  }
  if (step.kind === 'use') for (const inner of step.steps) checkStep(context, entry, inner)
}

function scheduleOf(
  context: Context,
  map: MapNode,
  actors: readonly Actor[],
  fallback: Schedule['span'],
): Schedule | undefined {
  const node = find(map, 'schedule')?.value
  if (node === undefined) return { kind: 'free', span: fallback }
  const text = readText(context, node, "'schedule'")
  const piece = text === undefined ? undefined : wholeOf(text)
  const ast = piece === undefined ? undefined : parsePiece(context, 'schedule', piece)
  if (ast === undefined || piece === undefined) return undefined
  if (ast.kind !== 'free') context.fields.needs.infer(`schedule.${ast.kind}`, spanAt(piece, ast))
  return build(context, piece, ast, actors)
}

function build(
  context: Context,
  piece: Piece,
  ast: ScheduleAst,
  actors: readonly Actor[],
): Schedule | undefined {
  const span = spanAt(piece, ast)
  switch (ast.kind) {
    case 'free':
      return { kind: 'free', span }
    case 'seed':
      return { kind: 'seed', seed: ast.seed.value % 2 ** 32, span }
    case 'fixed':
      if (!isComplete(context, piece, ast, actors)) return undefined
      return { kind: 'fixed', order: ast.order.map(({ name }) => name), tasks: ast.tasks, span }
    case 'all': {
      const bound = ast.bound?.value ?? BOUND
      if (bound >= 1 && bound <= MOST) return { kind: 'all', bound, orders: [], span }
      const message = `a bound is 1 to ${String(MOST)} orders`
      context.problemIn(piece.node, spanAt(piece, ast.bound ?? ast), 'schedule-bound', message)
      return undefined
    }
  }
}

/** Whether the order names each actor as often as it has steps. */
function isComplete(
  context: Context,
  piece: Piece,
  ast: Extract<ScheduleAst, { readonly kind: 'fixed' }>,
  actors: readonly Actor[],
): boolean {
  const names = actors.map(({ name }) => name)
  const left = new Map(actors.map(({ name, steps }) => [name, steps.length]))
  let good = true
  for (const item of ast.order) {
    const count = left.get(item.name)
    if (count === undefined) {
      const message = `no actor is called '${shorten(item.name)}'`
      context.problemIn(piece.node, spanAt(piece, item), 'schedule-actor', message, {
        help: didYouMean(item.name, names) ?? `actors are ${names.join(', ')}`,
      })
      good = false
    } else if (count === 0) {
      const message = `the actor '${item.name}' has no step left here`
      context.doubtIn(piece.node, spanAt(piece, item), 'schedule-steps', message)
      return false
    }
    left.set(item.name, (count ?? 1) - 1)
  }
  const late = [...left].find(([, count]) => count > 0)
  if (late === undefined || !good) return good
  const message = `the order lacks ${String(late[1])} of the steps of '${late[0]}'`
  context.doubtIn(piece.node, spanAt(piece, ast), 'schedule-steps', message)
  return false
}
