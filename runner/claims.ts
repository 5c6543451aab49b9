/** Claims of a scenario held against what came, and what is told of those that fail. */
import { excerpt } from '../dsl/index.ts'
import type { Claim, EventClaim, Expectation } from '../dsl/plan-claims.ts'
import type { Span, StepCommon, Value } from '../dsl/plan.ts'
import { eventMismatches } from './event-claims.ts'
import { brief, type Mismatch, mismatches, type Resolve } from './match.ts'
import type { Normaliser } from './normalise.ts'
import type { Failure } from './report/event.ts'
import type { QmpEvent, Reply } from './session.ts'

export interface ClaimsOptions {
  readonly normaliser: Normaliser
  readonly resolve: Resolve
  /** Text of a file that a span names. */
  readonly sourceOf: (file: string) => string | undefined
}

/** The step that a claim belongs to, and the phase that it stands in. */
export interface Site {
  readonly step: StepCommon | undefined
  readonly phase: string
}

export class Claims {
  readonly failures: Failure[] = []
  /** Steps that claims failed in, by id: what divergences may excuse. */
  readonly failedSteps: string[] = []
  readonly #options: ClaimsOptions

  constructor(options: ClaimsOptions) {
    this.#options = options
  }

  /** Holds a value against a claim. */
  check(site: Site, claim: Claim, value: Value | undefined): void {
    for (const mismatch of mismatches(claim.match, value, this.#options.resolve)) {
      this.blame(site, 'claim', mismatch)
    }
  }

  events(site: Site, claims: readonly EventClaim[], events: readonly QmpEvent[]): void {
    const ordered = [...events].sort((a, b) => a.index - b.index)
    for (const mismatch of eventMismatches(claims, ordered, this.#options.resolve)) {
      this.blame(site, 'claim', mismatch)
    }
  }

  /** Holds a reply against what was expected of it. */
  judge(site: Site, reply: Reply, expect: Expectation): void {
    for (const mismatch of this.#replyMismatches(reply, expect)) this.blame(site, 'reply', mismatch)
  }

  #replyMismatches(reply: Reply, expect: Expectation): readonly Mismatch[] {
    if (expect.kind === 'any') return []
    const said = (): string =>
      reply.kind === 'error'
        ? `${reply.class}: ${this.#options.normaliser.prose(reply.desc)}`
        : `ok: ${brief(reply.value)}`
    if (expect.kind === 'ok') {
      if (reply.kind === 'return') return []
      return [{ span: expect.span, message: `expected ok, got ${said()}` }]
    }
    if (reply.kind === 'return') {
      return [{ span: expect.span, message: `expected an error, got ${said()}` }]
    }
    if (expect.class !== undefined && expect.class !== reply.class) {
      const message = `expected ${expect.class}, got ${said()}`
      return [{ span: expect.classSpan ?? expect.span, message }]
    }
    const { text } = expect
    if (text === undefined) return []
    const wrong = mismatches(text.match, reply.desc, this.#options.resolve)
    return wrong.map(({ message }) => ({ span: text.span, message }))
  }

  /** Notes that something is not as the scenario says. */
  blame(site: Site, code: string, mismatch: Mismatch): void {
    this.fail(site, code, this.#options.normaliser.prose(mismatch.message), mismatch.span)
    const id = site.step?.id
    if (id !== undefined) this.failedSteps.push(id)
  }

  fail(site: Site, code: string, message: string, span: Span | undefined): void {
    const text = span === undefined ? undefined : this.#options.sourceOf(span.file)
    this.failures.push({
      code,
      message,
      phase: site.phase,
      ...(site.step?.id === undefined ? {} : { step: site.step.id }),
      ...(site.step?.clause === undefined ? {} : { clause: site.step.clause.id }),
      ...(span === undefined
        ? {}
        : { place: { file: span.file, line: span.line, column: span.column } }),
      ...(span === undefined || text === undefined
        ? {}
        : { excerpt: excerpt(text, span).join('\n') }),
    })
  }
}
