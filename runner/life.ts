/** The life of the target in one case: its start, its QMP session, its end, and what it left to read. */
import type { Value } from '../dsl/plan.ts'
import { DeadlineError, GoneError, type Reply, Session } from './session.ts'
import type { Exit, Machine, Station } from './targets/target.ts'
import type { TargetOptions } from '../dsl/plan.ts'

/** In which a target must have said its greeting. */
const GREETING_WITHIN_MS = 10_000

export class Life {
  readonly #station: Station
  readonly #options: TargetOptions
  readonly #timeoutScale: number
  #machine: Machine | undefined
  #session: Session | undefined
  /** That of the target before, which may still be asked what was said. */
  #lastSession: Session | undefined
  #lastLog = ''
  /** The scenario has told the target to quit. */
  endExpected = false

  constructor(station: Station, options: TargetOptions, timeoutScale: number) {
    this.#station = station
    this.#options = options
    this.#timeoutScale = timeoutScale
  }

  get session(): Session {
    if (this.#session === undefined) throw new GoneError('the target does not run', 'closed')
    return this.#session
  }

  get machine(): Machine | undefined {
    return this.#machine
  }

  get isRunning(): boolean {
    return this.#session !== undefined && this.#session.gone === undefined
  }

  /** @throws {GoneError} where a signal has ended the target. */
  async checkAlive(withinMs: number): Promise<void> {
    const gone = this.#session?.gone
    if (this.#machine === undefined || gone === undefined || this.endExpected) return
    try {
      const { signal } = await this.limit(this.#machine.exited, 'the end of the target', withinMs)
      if (signal !== undefined) throw gone
    } catch (error) {
      // It has closed its connection and lives: whoever wants something of it will see.
      if (!(error instanceof DeadlineError)) throw error
    }
  }

  /** All events of the running target so far. */
  get events(): Session['events'] {
    return this.#session?.events ?? []
  }

  /** Limits in real time grow with the host's slowness; virtual time has none. */
  scaled(ms: number): number {
    return this.#station.host.kind === 'sim' ? ms : ms * this.#timeoutScale
  }

  async start(): Promise<void> {
    this.#machine = await this.#station.start(this.#options)
    const { monitor, fence } = this.#machine
    this.#session = new Session(monitor, this.#station.host.clock, fence)
    this.endExpected = false
    await this.#session.negotiate(this.scaled(GREETING_WITHIN_MS))
  }

  /** Starts the count by which a flood of events is noticed. */
  mark(): void {
    this.#session?.mark()
  }

  /** Forgets the target; what it said stays to be read. */
  forget(): Machine | undefined {
    const machine = this.#machine
    this.#lastLog = this.log()
    this.#session?.close()
    this.#lastSession = this.#session ?? this.#lastSession
    this.#session = undefined
    this.#machine = undefined
    return machine
  }

  /** Ends the target without a word in the transcript. */
  async endQuietly(withinMs: number): Promise<void> {
    const machine = this.forget()
    if (machine === undefined) return
    await this.limit(machine.stop(), 'the end of the target', withinMs)
    const { signal } = await machine.exited
    // A target may also die of its own shutdown.
    if (signal !== undefined && signal !== 'SIGTERM') {
      this.#machine = machine
      throw new GoneError(`the target died of ${signal}`, 'closed')
    }
  }

  /** Kills the target and forgets it. */
  async kill(): Promise<Exit | undefined> {
    const machine = this.forget()
    if (machine === undefined) return undefined
    machine.kill()
    const exit = await machine.exited
    this.#lastLog = machine.log()
    return exit
  }

  ask(command: string, args: Value | undefined, withinMs: number): Promise<Reply> {
    return this.session.command(command, args, withinMs)
  }

  /** Waits for work that might never end. */
  async limit<T>(work: Promise<T>, what: string, withinMs: number): Promise<T> {
    const { clock } = this.#station.host
    const session = this.#session
    return new Promise<T>((resolve, reject) => {
      const timer = clock.after(withinMs * 1e6, () => {
        const error = session?.gone
        reject(error ?? new DeadlineError(`${what} did not end within ${String(withinMs)} ms`))
      })
      work.then(
        (value) => {
          timer.cancel()
          resolve(value)
        },
        (error: unknown) => {
          timer.cancel()
          // The work is a promise of the engine or the host; what it threw stays what it is.
          reject(error instanceof Error ? error : new Error(String(error)))
        },
      )
    })
  }

  /** Pending commands and the last messages. */
  dump(): string {
    return (this.#session ?? this.#lastSession)?.dump() ?? ''
  }

  /** What the target wrote on its standard error. */
  log(): string {
    return this.#machine?.log() ?? this.#lastLog
  }
}
