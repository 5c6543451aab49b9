/**
 * What every compiling function needs to know at the point where it stands: variables in scope,
 * names that exist, needs met so far, and where to report.
 */
import type { Code } from './codes.ts'
import type { ClauseTable } from './compile.ts'
import { LIMITS } from './limits.ts'
import type { Parsed } from './mini.ts'
import type { Names } from './names.ts'
import type { NeedSet } from './needs.ts'
import type { ProblemExtras, Report } from './problem.ts'
import type { Span, Step } from './plan.ts'
import type { Scope } from './scope.ts'
import type { Source } from './source.ts'
import type { StepTable } from './steps/table.ts'
import { spanOf, type Node, type ScalarNode } from './tree.ts'

export type Place = 'setup' | 'steps' | 'after' | 'finally'

/** Shared by all cases of a scenario. */
export interface Session {
  readonly report: Report
  readonly cache: Map<string, Parsed>
  readonly clauses: ClauseTable | undefined
  readonly kinds: StepTable
  /** The parsed fragment, or undefined where there is no such file. */
  readonly fragment: (path: string) => FragmentFile | undefined
  readonly time: 'virtual' | 'real'
  /** Steps and I/O lines so far, all cases together. */
  readonly spent: { steps: number; ioLines: number }
  /** Inline claims of the scenario, by place: what the golden need not repeat. */
  readonly claims: Map<string, ClaimFact>
  /** Injected, since steps hold steps. */
  readonly compileSteps: (context: Context, node: Node, what: string) => readonly Step[]
}

export interface FragmentFile {
  readonly source: Source
  readonly root: Node | undefined
}

/** An inline claim; a negative one demands a failure or an absence. */
export interface ClaimFact {
  readonly span: Span
  readonly negative: boolean
}

export interface ContextFields {
  readonly session: Session
  readonly scope: Scope
  readonly names: Names
  readonly needs: NeedSet
  readonly place: Place
  /** Compiled for its mistakes only: a branch that this case does not take. */
  readonly dry: boolean
  /** Inside a branch that only the running target decides. */
  readonly unsure: boolean
  /** The actor whose steps these are. */
  readonly acting?: string
  /** Fragments that are being expanded, outermost first. */
  readonly using: readonly string[]
}

export class Context {
  readonly fields: ContextFields

  constructor(fields: ContextFields) {
    this.fields = fields
  }

  get cache(): Map<string, Parsed> {
    return this.fields.session.cache
  }

  get scope(): Scope {
    return this.fields.scope
  }

  /** The kinds of step that can be written. */
  get kinds(): StepTable {
    return this.fields.session.kinds
  }

  get names(): Names {
    return this.fields.names
  }

  /** The steps of a list, compiled as this context says. */
  compileSteps(node: Node, what: string): readonly Step[] {
    return this.fields.session.compileSteps(this, node, what)
  }

  with(changes: Partial<ContextFields>): Context {
    return new Context({ ...this.fields, ...changes })
  }

  /** Reports about a whole value; one that a variable brought in is shown at the variable. */
  problem(node: Node, code: Code, message: string, extras: ProblemExtras = {}): void {
    const { report } = this.fields.session
    const { used } = node
    if (used === undefined) {
      report.add(code, node.source, spanOf(node), message, withNotes(node, extras))
    } else {
      const origin = { message: 'its value comes from here', span: spanOf(node) }
      const notes = [
        ...(extras.notes ?? []),
        origin,
        ...node.via.filter((note) => note.span !== used.span),
      ]
      report.add(code, used.source, used.span, message, { ...extras, notes })
    }
  }

  /** Reports about a part of a scalar. */
  problemIn(
    node: ScalarNode,
    span: Span,
    code: Code,
    message: string,
    extras: ProblemExtras = {},
  ): void {
    this.fields.session.report.add(code, node.source, span, message, withNotes(node, extras))
  }

  /** Like `problem`, for what depends on values and on the point in time: not for branches that are not taken. */
  doubt(node: Node, code: Code, message: string, extras: ProblemExtras = {}): void {
    if (!this.fields.dry) this.problem(node, code, message, extras)
  }

  doubtIn(
    node: ScalarNode,
    span: Span,
    code: Code,
    message: string,
    extras: ProblemExtras = {},
  ): void {
    if (!this.fields.dry) this.problemIn(node, span, code, message, extras)
  }

  claim(span: Span, negative: boolean): void {
    const { claims } = this.fields.session
    const key = `${span.file} ${String(span.start)}`
    claims.set(key, { span, negative: negative || claims.get(key)?.negative === true })
  }

  /** Counts one more step; false once the scenario asks for too many. */
  spendStep(node: Node): boolean {
    const { spent } = this.fields.session
    spent.steps++
    if (spent.steps <= LIMITS.steps) return true
    const limit = String(LIMITS.steps)
    this.problem(
      node,
      'too-many-steps',
      `the scenario has more than ${limit} steps in all its cases`,
    )
    return false
  }

  /** Counts one more I/O line; false once there are too many. */
  spendIoLine(node: ScalarNode, span: Span): boolean {
    const { spent } = this.fields.session
    spent.ioLines++
    if (spent.ioLines <= LIMITS.ioLines) return true
    const limit = String(LIMITS.ioLines)
    this.problemIn(
      node,
      span,
      'too-many-io-lines',
      `the scenario has more than ${limit} I/O lines in all its cases`,
    )
    return false
  }
}

function withNotes(node: Node, extras: ProblemExtras): ProblemExtras {
  return { ...extras, notes: [...(extras.notes ?? []), ...node.via] }
}
