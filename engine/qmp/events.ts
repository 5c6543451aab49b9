/**
 * Events on their way to the monitors. Some kinds come at most once a second: the first goes out
 * at once, of those that follow within the second the last one goes out at its end, with the time
 * at which it happened.
 */
import type { Clock, Timer } from '../host/host.ts'
import { membersInOrder } from './declared-order.ts'
import { EVENTS } from './schema/events.ts'

export interface QmpEvent {
  readonly timestamp: { readonly seconds: number; readonly microseconds: number }
  readonly event: string
  readonly data?: Readonly<Record<string, unknown>>
}

export type EventListener = (event: QmpEvent) => void

const RATE_LIMIT_NS = 1_000_000_000

/** The kinds that are held back, and the member by which two of them are of the same series. */
const RATE_LIMITED: ReadonlyMap<string, string | undefined> = new Map([
  ['QUORUM_FAILURE', undefined],
  ['QUORUM_REPORT_BAD', 'node-name'],
])

interface Series {
  timer: Timer
  pending: QmpEvent | undefined
}

export class EventBus {
  readonly #clock: Clock
  readonly #listeners = new Set<EventListener>()
  readonly #series = new Map<string, Series>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Returns what ends the subscription. */
  subscribe(listener: EventListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  emit(event: string, data?: Readonly<Record<string, unknown>>): void {
    const timestamp = this.#clock.timeOfDay()
    const members = EVENTS[event]
    const whole: QmpEvent = {
      timestamp,
      event,
      ...(data === undefined ? {} : { data: membersInOrder(members ?? {}, data) }),
    }
    if (RATE_LIMITED.has(event)) this.#limit(seriesOf(event, data), whole)
    else this.#send(whole)
  }

  /** Drops what is held back, as QEMU does at its end. */
  close(): void {
    for (const { timer } of this.#series.values()) timer.cancel()
    this.#series.clear()
    this.#listeners.clear()
  }

  #limit(key: string, event: QmpEvent): void {
    const series = this.#series.get(key)
    if (series !== undefined) {
      series.pending = event
      return
    }
    this.#send(event)
    this.#series.set(key, { timer: this.#startTimer(key), pending: undefined })
  }

  #startTimer(key: string): Timer {
    return this.#clock.after(RATE_LIMIT_NS, () => this.#secondIsOver(key))
  }

  #secondIsOver(key: string): void {
    const series = this.#series.get(key)
    if (series?.pending === undefined) {
      this.#series.delete(key)
      return
    }
    this.#send(series.pending)
    series.pending = undefined
    series.timer = this.#startTimer(key)
  }

  #send(event: QmpEvent): void {
    for (const listener of [...this.#listeners]) listener(event)
  }
}

function seriesOf(event: string, data: Readonly<Record<string, unknown>> | undefined): string {
  const member = RATE_LIMITED.get(event)
  return JSON.stringify([event, member === undefined ? null : data?.[member]])
}
