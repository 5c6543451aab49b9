/**
 * Events on their way from the session into transcripts: those of jobs gather until somebody waits
 * for the job, all others are printed when their step ends, by lane.
 */
import type { JobNews, Jobs } from './jobs.ts'
import { laneOf } from './lanes.ts'
import type { Life } from './life.ts'
import { compareNames, type Normaliser } from './normalise.ts'
import { isShownMap } from './notation.ts'
import type { QmpEvent } from './session.ts'
import type { Transcript } from './transcript.ts'

export interface EventStreamOptions {
  readonly life: Life
  readonly jobs: Jobs
  readonly normaliser: Normaliser
  /** Print in the order of arrival, jobs too. */
  readonly isStrict: boolean
  /** Whether the event is the runner's own doing. */
  readonly isHidden: (event: QmpEvent) => boolean
}

interface Laned {
  readonly lane: string
  readonly event: QmpEvent
}

export class EventStream {
  /** Events that a `wait` has already taken as its own. */
  readonly waitedFor: QmpEvent[] = []
  readonly #options: EventStreamOptions
  #cursor = 0
  /** Since the last `events` step or phase. */
  #since: QmpEvent[] = []
  #ofStep: QmpEvent[] = []
  /** Of the steps around the one that is played, outermost first. */
  readonly #around: QmpEvent[][] = []
  /** While actors play: what is printed when they are done. */
  #held: Laned[] | undefined

  constructor(options: EventStreamOptions) {
    this.#options = options
  }

  /** The target is a new one, and its events count from nothing. */
  restart(): void {
    this.#cursor = 0
  }

  get ofStep(): readonly QmpEvent[] {
    return this.#ofStep
  }

  beginStep(): void {
    this.#ofStep = []
  }

  /** What arrives while the work is done, in however many steps. */
  async during(work: () => Promise<void>): Promise<readonly QmpEvent[]> {
    const events: QmpEvent[] = []
    this.#around.push(events)
    try {
      await work()
    } finally {
      this.#around.splice(this.#around.indexOf(events), 1)
    }
    return events
  }

  takeSince(): readonly QmpEvent[] {
    const events = this.#since
    this.#since = []
    return events
  }

  claim(event: QmpEvent): void {
    for (const events of [this.#ofStep, ...this.#around]) {
      if (!events.includes(event)) events.push(event)
    }
  }

  collect(transcript: Transcript): void {
    const { jobs, normaliser, life, isStrict, isHidden } = this.#options
    const arrived = life.events.slice(this.#cursor)
    this.#cursor += arrived.length
    const printed: Laned[] = []
    for (const event of arrived) {
      if (isHidden(event) || normaliser.drops(event.name)) continue
      normaliser.count('time')
      this.#since.push(event)
      this.#ofStep.push(event)
      for (const events of this.#around) events.push(event)
      const lane = laneOf(event.name, event.data)
      if (lane.kind === 'job') jobs.take(lane.name, event)
      if (lane.kind === 'job' && !isStrict) continue
      printed.push({ lane: lane.name, event })
    }
    if (this.#held !== undefined) this.#held.push(...printed)
    else this.#printAll(transcript, printed)
  }

  hold(): void {
    this.#held = []
  }

  release(transcript: Transcript): void {
    const held = this.#held ?? []
    this.#held = undefined
    this.#printAll(transcript, held)
  }

  #printAll(transcript: Transcript, events: readonly Laned[]): void {
    const ordered = this.#options.isStrict
      ? events
      : events.toSorted((a, b) => compareNames(a.lane, b.lane))
    for (const { event } of ordered) this.print(transcript, event)
  }

  print(transcript: Transcript, event: QmpEvent): void {
    const data = this.#options.normaliser.value(event.data, `event ${event.name}`)
    transcript.add({ kind: 'event', name: event.name, data: isShownMap(data) ? data : {} })
  }

  printJob(transcript: Transcript, id: string, until?: readonly string[]): void {
    if (this.#options.isStrict) return
    const news = this.#options.jobs.flush(id, until)
    if (news !== undefined) this.#printNews(transcript, news)
  }

  #printNews(transcript: Transcript, news: JobNews): void {
    if (news.states.length > 0) {
      transcript.add({ kind: 'job', id: news.id, type: news.type, states: news.states })
    }
    for (const event of news.events) this.print(transcript, event)
    for (const event of news.told) this.claim(event)
  }
}
