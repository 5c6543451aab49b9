/** Attempts to connect that go on, with longer and longer pauses, beside whoever waits for them. */
import type { Clock, Timer } from '../../host/host.ts'
import type { NbdClient } from '../../nbd/client.ts'
import { BlockError } from '../../util/errors.ts'

const FIRST_PAUSE_NS = 1e9
const LONGEST_PAUSE_NS = 16e9

export class Attempts {
  readonly #clock: Clock
  readonly #work: Promise<NbdClient | undefined>
  #ready: NbdClient | undefined
  #failure: BlockError | undefined
  #stopped = false
  #endPause: (() => void) | undefined

  /** The first attempt begins at once. */
  constructor(clock: Clock, connect: () => Promise<NbdClient>) {
    this.#clock = clock
    this.#work = this.#run(connect)
    // A bug is met by whoever waits.
    this.#work.catch(() => undefined)
  }

  /** The connection, once there is one. */
  get ready(): NbdClient | undefined {
    return this.#ready
  }

  /** Why the last attempt that has ended failed. */
  get failure(): BlockError | undefined {
    return this.#failure
  }

  /** The connection if there is one within this time. */
  async within(ns: number): Promise<NbdClient | undefined> {
    let timer: Timer | undefined
    const late = new Promise<undefined>((resolve) => {
      timer = this.#clock.after(Math.max(0, ns), () => {
        resolve(undefined)
      })
    })
    try {
      return await Promise.race([this.#work, late])
    } finally {
      timer?.cancel()
    }
  }

  /** No more attempts; one that is under way comes to nothing. */
  stop(): void {
    this.#stopped = true
    this.#endPause?.()
  }

  async #run(connect: () => Promise<NbdClient>): Promise<NbdClient | undefined> {
    for (let pauseNs = FIRST_PAUSE_NS; ; pauseNs = Math.min(2 * pauseNs, LONGEST_PAUSE_NS)) {
      try {
        const client = await connect()
        if (!this.#stopped) {
          this.#ready = client
          return client
        }
        await client.disconnect()
      } catch (error) {
        if (!(error instanceof BlockError)) throw error
        this.#failure = error
      }
      if (!this.#stopped) await this.#pause(pauseNs)
      if (this.#stopped) return undefined
    }
  }

  #pause(ns: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#clock.after(ns, resolve)
      this.#endPause = () => {
        timer.cancel()
        resolve()
      }
    })
  }
}
