/**
 * Requests that move guest data while the lock is free. Whoever gives clusters back waits for
 * those that may still use them; nobody else waits, so that no two requests wait for each other.
 */
import { wait, type Routine } from '../../util/routine.ts'
import type { Mutex } from '../../util/mutex.ts'

export interface DataRequest {
  readonly kind: 'read' | 'write'
  readonly from: number
  readonly to: number
  readonly waiters: (() => void)[]
}

export class InFlight {
  readonly #requests = new Set<DataRequest>()

  begin(kind: DataRequest['kind'], from: number, to: number): DataRequest {
    const request = { kind, from, to, waiters: [] }
    this.#requests.add(request)
    return request
  }

  end(request: DataRequest): void {
    this.#requests.delete(request)
    for (const wake of request.waiters) wake()
  }

  /** With the lock held, which is let go of while waiting: returns when nobody uses the range. */
  *settle(lock: Mutex, from: number, to: number, own?: DataRequest): Routine<void> {
    for (;;) {
      const user = this.#userOf(from, to, own)
      if (user === undefined) return
      lock.release()
      yield* wait(
        new Promise<void>((resolve) => {
          user.waiters.push(resolve)
        }),
      )
      yield* wait(lock.acquire())
    }
  }

  #userOf(from: number, to: number, own: DataRequest | undefined): DataRequest | undefined {
    for (const request of this.#requests) {
      if (request === own || request.from >= to || from >= request.to) continue
      // A writer waits for readers only: two writers would wait for each other.
      if (own === undefined || request.kind === 'read') return request
    }
    return undefined
  }
}
