/**
 * The default reporter. On a terminal it keeps one live line and prints failures above it; anywhere
 * else it only appends: cases that are not plain passes, a heartbeat, and the summary.
 */
import type { CaseEnd, RunEvent } from './event.ts'
import { failureText } from './failure-text.ts'
import { paint, printable } from './paint.ts'
import { duration, isBroken, VERDICT_WORD, type Reporter } from './reporter.ts'
import { Tally } from './summary.ts'

export interface TtyOptions {
  /** Rewrite one line in place. */
  readonly live: boolean
  readonly colour: boolean
  readonly ascii: boolean
  readonly columns: number
  /** One line for each finished case. */
  readonly verbose: boolean
  /** Failures alone. */
  readonly quiet: boolean
  /** Whole diffs and all phases. */
  readonly all: boolean
  /** Milliseconds of any clock. */
  readonly now: () => number
}

const HEARTBEAT_MS = 30_000
const CLEAR = '\r\u001b[2K'

export function ttyReporter(options: TtyOptions): Reporter & { tick(): string } {
  const screen = new Screen(options)
  return {
    on: (event) => screen.on(event),
    tick: () => screen.tick(),
  }
}

class Screen {
  readonly #options: TtyOptions
  readonly #tally = new Tally()
  /** Cases that run now, oldest first, with their phase and when they started. */
  readonly #running = new Map<string, { phase: string; readonly since: number }>()
  #total = 0
  #done = 0
  #lastWrite: number
  #drawn = false

  constructor(options: TtyOptions) {
    this.#options = options
    this.#lastWrite = options.now()
  }

  on(event: RunEvent): string {
    this.#tally.add(event)
    const lines = this.#lines(event)
    if (lines === '') return ''
    this.#lastWrite = this.#options.now()
    const clear = this.#drawn ? CLEAR : ''
    this.#drawn = false
    return clear + this.#plain(lines)
  }

  /** What `event` adds for good. */
  #lines(event: RunEvent): string {
    switch (event.event) {
      case 'run-start':
        this.#total = event.cases
        return ''
      case 'case-start':
        this.#running.set(event.id, { phase: '', since: this.#options.now() })
        return ''
      case 'step': {
        const entry = this.#running.get(event.id)
        if (entry !== undefined) entry.phase = event.phase
        return ''
      }
      case 'case-end':
        this.#done += 1
        this.#running.delete(event.id)
        return this.#caseEnd(event)
      case 'run-end':
        return this.#runEnd(event)
    }
  }

  #caseEnd(end: CaseEnd): string {
    const { colour, verbose, quiet, live, all } = this.#options
    if (isBroken(end)) return failureText(end, paint(colour), all)
    if (quiet) return ''
    const quietly = (end.verdict === 'pass' && end.kept === undefined) || live
    if (quietly && !verbose) return ''
    const time = end.milliseconds > 1000 ? `  (${duration(end.milliseconds / 1000)})` : ''
    const reason = end.reason === undefined ? '' : `  ${printable(end.reason)}`
    const kept = end.kept === undefined ? '' : `  files: ${printable(end.kept)}`
    return `${this.#word(end)} ${printable(end.id)}${reason}${time}${kept}\n`
  }

  #word(end: CaseEnd): string {
    const word = VERDICT_WORD[end.verdict]
    return paint(this.#options.colour)(end.verdict === 'pass' ? 'green' : 'yellow', word)
  }

  #runEnd(end: Extract<RunEvent, { event: 'run-end' }>): string {
    if (this.#options.quiet) return ''
    return this.#tally
      .lines(end)
      .map((line) => `${printable(line)}\n`)
      .join('')
  }

  tick(): string {
    const { live, quiet, now } = this.#options
    if (quiet || this.#total === 0) return ''
    if (live) {
      this.#drawn = true
      return CLEAR + this.#plain(this.#liveLine())
    }
    if (now() - this.#lastWrite < HEARTBEAT_MS) return ''
    this.#lastWrite = now()
    return this.#plain(`… ${this.#done}/${this.#total} cases done${this.#oldest()}\n`)
  }

  #liveLine(): string {
    const text = ` ${this.#done}/${this.#total}${this.#oldest()}`
    return text.slice(0, Math.max(10, this.#options.columns - 1))
  }

  #oldest(): string {
    const [first] = this.#running
    if (first === undefined) return ''
    const [id, { phase, since }] = first
    const elapsed = (this.#options.now() - since) / 1000
    const time = elapsed > 1 ? ` ${duration(elapsed)}` : ''
    return printable(`  ${id}${time}${phase === '' ? '' : `  ${phase}`}`)
  }

  #plain(text: string): string {
    return this.#options.ascii
      ? text.replaceAll('…', '...').replace(/[^\p{Cc}\u0020-\u007e]/gu, '?')
      : text
  }
}
