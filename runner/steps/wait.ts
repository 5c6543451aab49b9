/** `wait`: until something has happened. It watches events; time alone never decides. */
import { readScalar, shorten } from '../../dsl/check.ts'
import type { Context } from '../../dsl/context.ts'
import { checkEventName, eventData } from '../../dsl/events.ts'
import type { WaitAst } from '../../dsl/grammar/ast.ts'
import { makeGraphLine } from '../../dsl/graph.ts'
import { fillName } from '../../dsl/io-want.ts'
import { parsePiece, type Piece, spanAt, wholeOf } from '../../dsl/mini.ts'
import type { EventMatch, GraphLine } from '../../dsl/plan-claims.ts'
import type { StepBody, StepCommon } from '../../dsl/plan.ts'
import { type StepInput, TEXT } from '../../dsl/steps/kind.ts'
import { didYouMean } from '../../dsl/suggest.ts'
import { find, spanOf } from '../../dsl/tree.ts'
import { isLike } from '../event-claims.ts'
import { graphMismatches } from '../graph.ts'
import { isList, member } from '../json.ts'
import { laneOf } from '../lanes.ts'
import type { Play } from '../play.ts'
import { DeadlineError, type QmpEvent } from '../session.ts'
import { showExit } from './exit.ts'
import { loadGraph } from './graph.ts'
import { defineStep } from './step.ts'

interface WaitStep {
  readonly kind: 'wait'
  readonly until:
    | { readonly kind: 'job'; readonly job: string; readonly states: readonly string[] }
    | { readonly kind: 'event'; readonly event: EventMatch }
    | { readonly kind: 'graph'; readonly lines: readonly GraphLine[] }
    | { readonly kind: 'quiet' }
    | { readonly kind: 'exit' }
  /** Canonical spelling. */
  readonly text: string
}

declare module '../../dsl/plan.ts' {
  interface StepBodies {
    readonly wait: WaitStep
  }
}

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

/** How long a graph is left alone when no event tells of a change. */
const GRAPH_PAUSE_MS = 10

export const wait = defineStep({
  kind: 'wait',
  written: {
    doc: 'Waits: job ID STATUS, event NAME, graph CLAIM, quiet, exit.',
    schema: TEXT,
    keys: { match: { doc: "Claim about the awaited event's data.", schema: { type: 'object' } } },
    build: buildWait,
  },
  facts: ({ until }) => ({
    keepsGraph: true,
    ...(until.kind === 'exit' ? { notByActors: 'a restart ends the target for everybody' } : {}),
  }),
  words: (step) => `wait ${step.text}`,
  async run(step, play) {
    const { until } = step
    switch (until.kind) {
      case 'job':
        return waitForJob(play, until, step)
      case 'event':
        return waitForEvent(play, until)
      case 'graph':
        return waitForGraph(play, until, step)
      case 'quiet':
        return waitForQuiet(play)
      case 'exit': {
        const exit = await play.ended()
        play.transcript.add({
          kind: 'statement',
          label: 'tgt',
          head: 'exit',
          members: {},
          outcome: showExit(exit),
          details: [],
        })
      }
    }
  },
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

type Awaited = Pick<WaitStep, 'until' | 'text'>

function makeUntil(
  context: Context,
  piece: Piece,
  ast: WaitAst,
  map: StepInput['map'],
): Awaited | undefined {
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
): Awaited | undefined {
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

type Until<K> = Extract<WaitStep['until'], { readonly kind: K }>

async function waitForJob(play: Play, until: Until<'job'>, step: StepCommon): Promise<void> {
  const { job, states } = until
  const { session } = play
  const reached = (): boolean => play.jobs.hasReached(job, states)
  const look = (): boolean => {
    play.collectEvents()
    // What is gone reaches nothing any more: no need to wait for the deadline.
    return reached() || play.jobs.state(job) === 'null'
  }
  if (play.jobs.state(job) === undefined && states.includes('gone')) {
    const jobs = await play.query('query-jobs', undefined, step.span)
    const exists = isList(jobs) && jobs.some((entry) => member(entry, 'id') === job)
    if (!exists && !look()) return
  }
  do {
    await session.waitFor(look, play.withinMs, `job ${job} ${states.join(' or ')}`)
    // What belongs to the state has come behind the fence; a pause of a drained section has ended.
    await play.fence()
  } while (!look())
  const isReached = reached()
  play.printJob(job, states)
  if (isReached) return
  play.blame('claim', {
    span: step.span,
    message: `job ${job} ended without being ${states.join(' or ')}`,
  })
}

async function waitForEvent(play: Play, until: Until<'event'>): Promise<void> {
  const { session } = play
  const wanted = until.event
  const seen = new Set(play.waitedFor)
  let found: QmpEvent | undefined
  const look = (): boolean => {
    found = play
      .fresh(session.events)
      .find((event) => !seen.has(event) && isLike(wanted, event, play.resolve))
    return found !== undefined
  }
  await session.waitFor(look, play.withinMs, `event ${wanted.name}`)
  if (found === undefined) return
  play.waitedFor.push(found)
  play.last = found.data
  play.collectEvents()
  play.claimEvent(found)
  if (laneOf(found.name, found.data).kind !== 'job' || play.scenario.golden.order === 'strict')
    return
  play.jobs.takeEvent(found)
  play.printEvent(found)
}

async function waitForGraph(play: Play, until: Until<'graph'>, step: StepCommon): Promise<void> {
  const { clock } = play.station.host
  const endNs = clock.nowNs() + play.withinMs * 1e6
  for (;;) {
    const graph = await loadGraph(play, step.span)
    const wrong = graphMismatches(graph, until.lines)
    if (wrong.length === 0) return
    const left = endNs - clock.nowNs()
    if (left <= 0) {
      throw new DeadlineError(
        `the graph did not become so within ${String(play.withinMs)} ms: ${wrong[0]?.message ?? ''}`,
      )
    }
    const known = play.session.events.length
    await play.session
      .waitFor(() => play.session.events.length > known, GRAPH_PAUSE_MS, 'an event')
      .catch((error: unknown) => {
        if (!(error instanceof DeadlineError)) throw error
      })
  }
}

/** No event for one fence. */
async function waitForQuiet(play: Play): Promise<void> {
  const { clock } = play.station.host
  const endNs = clock.nowNs() + play.withinMs * 1e6
  for (;;) {
    const known = play.session.events.length
    await play.settle()
    if (play.session.events.length === known) return
    if (clock.nowNs() > endNs) {
      throw new DeadlineError(`events did not end within ${String(play.withinMs)} ms`)
    }
  }
}
