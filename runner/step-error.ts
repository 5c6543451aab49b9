/** A step that cannot be played: the scenario asks for what is not there in this state. */
import type { Span } from '../dsl/plan.ts'

export class StepError extends Error {
  override readonly name = 'StepError'
  readonly span: Span

  constructor(message: string, span: Span) {
    super(message)
    this.span = span
  }
}
