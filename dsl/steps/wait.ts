/** `wait`, `events`, `graph`, `advance`, `phase`: steps about time, events and the graph. */
import { readDuration, readScalar, readText, shorten } from '../check.ts'
import type { Context } from '../context.ts'
import { checkEventName, eventData, makeEventClaims } from '../events.ts'
import { fillName } from '../io-want.ts'
import type { WaitAst } from '../grammar/ast.ts'
import { makeGraphLine, makeGraphLines } from '../graph.ts'
import { parsePiece, spanAt, wholeOf, type Piece } from '../mini.ts'
import type { StepBody, WaitStep } from '../plan.ts'
import { didYouMean } from '../suggest.ts'
import { find, spanOf } from '../tree.ts'
import { defineStep, TEXT, type StepInput } from './kind.ts'

/** Those of jobs in the order of their life, and that of one that is not listed any more. */
export const JOB_STATES = [
  'created',
  'running',
  'paused',
  'ready',
  'standby',
  'waiting',
  'pending',
  'aborting',
  'concluded',
  'null',
  'gone',
]

export const phase = defineStep({
  doc: 'A heading. On failure only the failing phase is printed in full.',
  schema: TEXT,
  keys: {},
  build(context, { value }) {
    const text = readText(context, value, 'a phase')
    if (text === undefined) return []
    const title = text.text.trim()
    if (title === '' || title.includes('\n')) {
      context.problem(text, 'phase-line', 'a phase is one line of text')
      return []
    }
    return [{ kind: 'phase', title }]
  },
})

export const wait = defineStep({
  doc: 'Waits: job ID STATUS, event NAME, graph CLAIM, quiet, exit.',
  schema: TEXT,
  keys: { match: { doc: "Claim about the awaited event's data.", schema: { type: 'object' } } },
  build: buildWait,
})

function buildWait(context: Context, { map, value }: StepInput): readonly StepBody[] {
  const text = readScalar(context, value, "'wait'")
  if (text === undefined) return []
  const piece = wholeOf(text)
  const ast = parsePiece(context, 'wait', piece)
  if (ast === undefined) return []
  const match = find(map, 'match')
  if (match !== undefined && ast.kind !== 'event') {
    context.problem(match.key, 'match-without-event', "'match' goes with wait: event NAME")
  }
  const until = makeUntil(context, piece, ast, map)
  return until === undefined ? [] : [{ kind: 'wait', ...until }]
}

type Until = Pick<WaitStep, 'until' | 'text'>

function makeUntil(
  context: Context,
  piece: Piece,
  ast: WaitAst,
  map: StepInput['map'],
): Until | undefined {
  switch (ast.kind) {
    case 'quiet':
    case 'exit':
      return { until: { kind: ast.kind }, text: ast.kind }
    case 'job':
      return jobUntil(context, piece, ast)
    case 'event': {
      const name = partOf(piece, ast.name)
      if (!checkEventName(context, name)) return undefined
      const match = find(map, 'match')
      const data = match === undefined ? undefined : eventData(context, match.value)
      const event = { name: name.text, span: spanOf(name), ...(data === undefined ? {} : { data }) }
      return { until: { kind: 'event', event }, text: `event ${name.text}` }
    }
    case 'graph': {
      const line = makeGraphLine(context, {
        ...piece,
        offset: piece.offset + ast.lines.start,
        text: ast.lines.text,
      })
      return line === undefined
        ? undefined
        : { until: { kind: 'graph', lines: [line] }, text: `graph ${line.text}` }
    }
  }
}

/** A part of a scalar as a scalar of its own. */
function partOf({ node, offset }: Piece, named: { name: string; start: number; end: number }) {
  const from = offset + named.start
  return {
    ...node,
    value: named.name,
    text: named.name,
    start: node.offsetAt(from),
    end: node.offsetAt(offset + named.end - 1) + 1,
    offsetAt: (index: number) => node.offsetAt(from + index),
  }
}

function jobUntil(
  context: Context,
  piece: Piece,
  ast: WaitAst & { readonly kind: 'job' },
): Until | undefined {
  const job = fillName(context, piece, ast.job)
  const states = ast.states.flatMap((state) => {
    const name = fillName(context, piece, state)
    if (name === undefined) return []
    if (JOB_STATES.includes(name)) return [name]
    const message = `no job status is called '${shorten(name)}'`
    context.problemIn(piece.node, spanAt(piece, state), 'wait-status', message, {
      help: didYouMean(name, JOB_STATES) ?? `statuses are ${JOB_STATES.join(', ')}`,
    })
    return []
  })
  if (job === undefined) return undefined
  return { until: { kind: 'job', job, states }, text: `job ${job} ${states.join(' or ')}` }
}

export const events = defineStep({
  doc: 'Claims about every event since the last events or phase step.',
  schema: { type: 'array' },
  keys: {},
  build: (context, { value }) => [{ kind: 'events', claims: makeEventClaims(context, value) }],
})

export const graph = defineStep({
  doc: 'Claims about the graph, one a line, or the word picture.',
  schema: TEXT,
  keys: {},
  build(context, { value }) {
    const text = readScalar(context, value, "'graph'")
    if (text === undefined) return []
    if (text.text.trim() === 'picture') return [{ kind: 'graph', show: 'picture', lines: [] }]
    const lines = makeGraphLines(context, text)
    return lines.length === 0 ? [] : [{ kind: 'graph', show: 'claims', lines }]
  },
})

export const advance = defineStep({
  doc: 'Moves the virtual clock and runs all that is due.',
  schema: TEXT,
  keys: {},
  build(context, { value }) {
    const ns = readDuration(context, value, "'advance'")
    if (ns === undefined) return []
    if (context.fields.session.time === 'real') {
      context.problem(
        value,
        'no-sleep',
        "in real time 'advance' would be a sleep: wait for a condition",
        {
          help: 'with time: virtual the clock moves at once',
        },
      )
    } else {
      context.fields.needs.infer('time.virtual', spanOf(value))
    }
    return [{ kind: 'advance', ns }]
  },
})
