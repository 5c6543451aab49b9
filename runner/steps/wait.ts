/** `wait`: until something has happened. It watches events; time alone never decides. */
import type { StepCommon, WaitStep } from '../../dsl/plan.ts'
import { isLike } from '../event-claims.ts'
import { graphMismatches } from '../graph.ts'
import { isList, member } from '../json.ts'
import { laneOf } from '../lanes.ts'
import type { Play } from '../play.ts'
import { DeadlineError, type QmpEvent } from '../session.ts'
import { showExit } from './exit.ts'
import { loadGraph } from './graph.ts'
import { defineStep } from './step.ts'

/** How long a graph is left alone when no event tells of a change. */
const GRAPH_PAUSE_MS = 10

export const wait = defineStep({
  kind: 'wait',
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
