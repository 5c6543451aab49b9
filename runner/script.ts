/** Plays an I/O script on a device, line by line, with requests in flight where the script asks. */
import type { IoLine, IoOutcome, IoStatement, VerifyWant } from '../dsl/plan-io.ts'
import type { Span } from '../dsl/plan.ts'
import { BlockError } from '../engine/client.ts'
import { checkExtents, type ContentResult, showStatus } from './content.ts'
import type { Device } from './device.ts'
import type { Mismatch } from './match.ts'
import { showNumber } from './notation.ts'
import type { ReadPatternFile } from './pattern.ts'
import { DeadlineError } from './session.ts'
import { findWrong, makePattern, showByte, uniform } from './pattern.ts'
import { withScratch } from './scratch.ts'
import type { Detail, Fact } from './transcript.ts'

/** What came of one line. */
export type LineResult =
  | { readonly kind: 'ok'; readonly details?: readonly Detail[]; readonly data?: ContentResult }
  | { readonly kind: 'errno'; readonly errno: string }
  | {
      readonly kind: 'mismatch'
      readonly at: number
      readonly message: string
      readonly span: Span
    }
  | { readonly kind: 'pending' }
  | { readonly kind: 'refused'; readonly text: string }

/** A request that the script does not wait for. */
export interface Flight {
  readonly tag: string | undefined
  readonly done: Promise<LineResult>
  settled: boolean
}

export interface ScriptContext {
  /** `io`, `seed`. */
  readonly label: string
  /** Subject as the golden names it. */
  readonly subject: string
  readonly readFile: ReadPatternFile
  /** Lets everything happen that can happen now. */
  settle(): Promise<void>
  add(fact: Fact): void
  blame(code: string, mismatch: Mismatch): void
  /** `same as` another subject. */
  verifySame(
    want: Extract<VerifyWant, { readonly kind: 'same' }>,
    device: Device,
  ): Promise<ContentResult>
  /** Changes the length of what is read and written. */
  resize(bytes: number): Promise<LineResult>
  /** Waits for requests that may never end, within the step's limit. */
  await<T>(work: Promise<T>, what: string): Promise<T>
}

const MISSING: LineResult = { kind: 'errno', errno: 'ENOTSUP' }

export class ScriptRun {
  readonly #context: ScriptContext
  readonly #device: Device
  readonly #flights: Flight[]

  /** @param flights - Requests of earlier scripts on the same export that are still under way. */
  constructor(context: ScriptContext, device: Device, flights: Flight[]) {
    this.#context = context
    this.#device = device
    this.#flights = flights
  }

  async play(lines: readonly IoLine[]): Promise<void> {
    for (const line of lines) await this.#line(line)
    // Requests without a name cannot be awaited later.
    for (const flight of this.#flights.filter((entry) => entry.tag === undefined)) {
      await this.#context.await(flight.done, 'a request')
      this.#drop(flight)
    }
  }

  async #line(line: IoLine): Promise<void> {
    const result = await this.#perform(line)
    reportLine(this.#context, line, result)
  }

  async #perform(line: IoLine): Promise<LineResult> {
    const { statement } = line
    if (statement.kind === 'await') return this.#awaitTags(statement.tags)
    if (statement.kind !== 'rw' || !statement.async) {
      return this.#context.await(
        guarded(() => this.#run(statement, line.span)),
        line.text,
      )
    }
    const flight: Flight = {
      tag: statement.tag,
      settled: false,
      done: guarded(() => this.#run(statement, line.span)).finally(() => {
        flight.settled = true
      }),
    }
    this.#flights.push(flight)
    if (line.outcome.written && line.outcome.kind !== 'pending') return this.#land(flight, line)
    await this.#context.settle()
    if (!line.outcome.written || !flight.settled) return { kind: 'pending' }
    return flight.done
  }

  /** The result of a request that was sent away, or that it is still under way at the deadline. */
  async #land(flight: Flight, line: IoLine): Promise<LineResult> {
    try {
      const result = await this.#context.await(flight.done, line.text)
      this.#drop(flight)
      return result
    } catch (error) {
      if (error instanceof DeadlineError) return { kind: 'pending' }
      throw error
    }
  }

  async #awaitTags(tags: readonly string[]): Promise<LineResult> {
    let worst: LineResult = { kind: 'ok' }
    for (const tag of tags) {
      const flight = this.#flights.find((entry) => entry.tag === tag)
      if (flight === undefined) return { kind: 'refused', text: `no request is named ${tag}` }
      const result = await this.#context.await(flight.done, `request ${tag}`)
      this.#drop(flight)
      if (worst.kind === 'ok') worst = result
    }
    return worst
  }

  #drop(flight: Flight): void {
    const index = this.#flights.indexOf(flight)
    if (index >= 0) this.#flights.splice(index, 1)
  }

  async #run(statement: IoStatement, span: Span): Promise<LineResult> {
    const device = this.#device
    switch (statement.kind) {
      case 'rw':
        return statement.write ? this.#write(statement) : this.#read(statement)
      case 'zero':
        await device.zero(statement.offset, statement.bytes, {
          unmap: statement.unmap,
          fua: false,
          fast: false,
        })
        return { kind: 'ok' }
      case 'discard':
        await device.discard(statement.offset, statement.bytes)
        return { kind: 'ok' }
      case 'flush':
        await device.flush()
        return { kind: 'ok' }
      case 'map': {
        const offset = statement.offset ?? 0
        const runs = await device.status(offset, statement.bytes ?? device.size - offset)
        const text = showStatus(runs, offset).join(' ')
        return { kind: 'ok', details: [{ kind: 'line', text }] }
      }
      case 'verify':
        return { kind: 'ok', data: await this.#verify(statement.want, span) }
      case 'truncate':
        return this.#context.resize(statement.bytes)
      case 'await':
        return MISSING
    }
  }

  #verify(want: VerifyWant, span: Span): Promise<ContentResult> {
    if (want.kind === 'same') return this.#context.verifySame(want, this.#device)
    return checkExtents(this.#device, want.extents, span, this.#context.readFile)
  }

  async #write(statement: Extract<IoStatement, { readonly kind: 'rw' }>): Promise<LineResult> {
    const { offset, bytes, pattern, fua } = statement
    if (statement.compressed) return MISSING
    if (statement.zero) {
      await this.#device.zero(offset, bytes, {
        unmap: statement.unmap,
        fua,
        fast: statement.noFallback,
      })
      return { kind: 'ok' }
    }
    const data =
      pattern === undefined
        ? uniform(0xcd, bytes)
        : makePattern(pattern, offset, bytes, this.#context.readFile)
    await this.#device.write(offset, data, { fua })
    return { kind: 'ok' }
  }

  async #read(statement: Extract<IoStatement, { readonly kind: 'rw' }>): Promise<LineResult> {
    return withScratch(statement.bytes, async (data) => {
      await this.#device.read(statement.offset, data)
      return this.#hold(statement, data)
    })
  }

  /** What was read against what it should be. */
  #hold(
    { offset, bytes, pattern, part }: Extract<IoStatement, { readonly kind: 'rw' }>,
    data: Uint8Array,
  ): LineResult {
    if (pattern === undefined) return { kind: 'ok' }
    const from = part?.offset ?? 0
    const length = part?.bytes ?? bytes - from
    const compared = data.subarray(from, from + length)
    const wrong = findWrong(compared, pattern, offset + from, 0, this.#context.readFile)
    if (wrong === undefined) return { kind: 'ok' }
    const at = offset + from + wrong.at
    const message =
      `at ${showNumber(at)}: expected ${showByte(wrong.wanted)}, ` +
      `got ${showByte(compared[wrong.at] ?? 0)}`
    return { kind: 'mismatch', at, message, span: pattern.span }
  }
}

/** An I/O error is a result; anything else is a fault of the runner or the target. */
async function guarded(work: () => Promise<LineResult>): Promise<LineResult> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof BlockError) return { kind: 'errno', errno: error.errno }
    throw error
  }
}

/** Puts a line with its result into the transcript and holds it against its outcome. */
export function reportLine(context: ScriptContext, line: IoLine, result: LineResult): void {
  if (result.kind === 'ok' && result.data !== undefined) {
    context.add({ kind: 'data', subject: context.subject, words: result.data.words })
    for (const mismatch of result.data.mismatches) context.blame('claim', mismatch)
    return
  }
  context.add({
    kind: 'statement',
    label: context.label,
    head: `${context.subject} ${line.text}`,
    members: {},
    outcome: showResult(result),
    details:
      result.kind === 'refused'
        ? [{ kind: 'text', text: result.text }]
        : result.kind === 'ok'
          ? (result.details ?? [])
          : [],
  })
  const mismatch = judge(line, result)
  if (mismatch !== undefined) context.blame('claim', mismatch)
}

function showResult(result: LineResult): string {
  if (result.kind === 'errno') return result.errno
  if (result.kind === 'mismatch') return `mismatch at ${showNumber(result.at)}`
  return result.kind
}

function judge(line: IoLine, result: LineResult): Mismatch | undefined {
  const { outcome } = line
  const span = outcome.written ? outcome.span : line.span
  if (outcome.kind === 'any') return undefined
  const sentAway = line.statement.kind === 'rw' && line.statement.async && !outcome.written
  if (sentAway && result.kind === 'pending') return undefined
  if (result.kind === 'mismatch' && outcome.kind === 'ok') {
    return { span: result.span, message: result.message }
  }
  if (result.kind !== outcome.kind) {
    const text = result.kind === 'refused' ? `: ${result.text}` : ''
    return { span, message: `expected ${showOutcome(outcome)}, got ${showResult(result)}${text}` }
  }
  return judgeDetail(outcome, result, span)
}

function judgeDetail(outcome: IoOutcome, result: LineResult, span: Span): Mismatch | undefined {
  if (outcome.kind === 'errno' && result.kind === 'errno' && outcome.errno !== result.errno) {
    return { span, message: `expected ${outcome.errno}, got ${result.errno}` }
  }
  if (outcome.kind === 'mismatch' && result.kind === 'mismatch') {
    if (outcome.at === undefined || outcome.at === result.at) return undefined
    const message = `expected a mismatch at ${showNumber(outcome.at)}, got ${result.message}`
    return { span, message }
  }
  if (outcome.kind === 'refused' && result.kind === 'refused') {
    const wrongText = outcome.text !== undefined && outcome.text !== result.text
    const wrongRegex = outcome.regex !== undefined && !outcome.regex.test(result.text)
    if (wrongText || wrongRegex) {
      return { span, message: `refused with other words: ${result.text}` }
    }
  }
  return undefined
}

function showOutcome(outcome: IoOutcome): string {
  if (outcome.kind === 'errno') return outcome.errno
  return outcome.kind
}

/** Whether a script changes anything, so that its export must be writable. */
export function needsWriting(lines: readonly IoLine[]): boolean {
  return lines.some(
    ({ statement }) =>
      (statement.kind === 'rw' && statement.write) ||
      statement.kind === 'zero' ||
      statement.kind === 'discard' ||
      statement.kind === 'truncate',
  )
}
