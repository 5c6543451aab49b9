/**
 * The requests that a node has in flight. A serialising request has its range for itself: it
 * waits for all earlier ones that overlap it, and later ones wait for it. Waiting only for
 * earlier requests, nobody waits in a circle.
 */
import type { MaybePromise } from '../util/async.ts'

export interface Tracked {
  readonly offset: number
  readonly end: number
  readonly serialising: boolean
  readonly waiters: (() => void)[]
}

export class Tracker {
  readonly #requests: Tracked[] = []
  #serialising = 0

  /** Whether a request that is not serialising must wait before it starts. */
  mustWait(offset: number, end: number): boolean {
    if (this.#serialising === 0) return false
    return this.#requests.some((other) => other.serialising && overlaps(other, offset, end))
  }

  begin(offset: number, end: number, serialising: boolean): Tracked {
    const request: Tracked = { offset, end, serialising, waiters: [] }
    this.#requests.push(request)
    if (serialising) this.#serialising++
    return request
  }

  /** Comes when nothing earlier stands in the request's way: at once, if nothing does. */
  turn(request: Tracked): MaybePromise<void> {
    const blocker = this.#blocker(request)
    if (blocker !== undefined) return this.#wait(request, blocker)
  }

  async #wait(request: Tracked, first: Tracked): Promise<void> {
    let blocker: Tracked | undefined = first
    while (blocker !== undefined) {
      const { waiters } = blocker
      await new Promise<void>((resolve) => waiters.push(resolve))
      blocker = this.#blocker(request)
    }
  }

  end(request: Tracked): void {
    this.#requests.splice(this.#requests.indexOf(request), 1)
    if (request.serialising) this.#serialising--
    for (const wake of request.waiters) wake()
  }

  #blocker(request: Tracked): Tracked | undefined {
    for (const other of this.#requests) {
      if (other === request) return undefined
      const excludes = request.serialising || other.serialising
      if (excludes && overlaps(other, request.offset, request.end)) return other
    }
    return undefined
  }
}

function overlaps(request: Tracked, offset: number, end: number): boolean {
  return request.offset < end && offset < request.end
}
