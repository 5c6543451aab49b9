/**
 * The plan: what a scenario file means, ready to be played. The language produces it and the
 * runner consumes it; neither knows the other. All matrix values, parameters and loops are already
 * filled in; what only a running target can tell (`$save.field`, paths of images) is still a
 * variable. Everything that can be wrong carries the span it came from. Scripts of requests are in
 * `plan-io.ts`, what is claimed in `plan-claims.ts`.
 */
import type { EventClaim } from './plan-claims.ts'

/** A place in a source file: character offsets, half-open, and 1-based lines and columns. */
export interface Span {
  /** Path as given on the command line or in `use`. */
  readonly file: string
  readonly start: number
  readonly end: number
  readonly line: number
  readonly column: number
  readonly endLine: number
  readonly endColumn: number
}

export type Scalar = null | boolean | number | bigint | string
export type Value = Scalar | readonly Value[] | { readonly [name: string]: Value }

/**
 * A value as written, with its variables visible. Integers are numbers where they are safe, else
 * bigint. A plain `64k` is the number it means, with `written` for who wants to print it as it
 * was; a quoted `"64k"` is text.
 */
export type Template =
  | {
      readonly kind: 'scalar'
      readonly value: Scalar
      readonly written?: string
      readonly span: Span
    }
  | Variable
  /** Text with variables inside, such as `inc$n`. */
  | { readonly kind: 'text'; readonly parts: readonly (string | Variable)[]; readonly span: Span }
  | { readonly kind: 'list'; readonly items: readonly Template[]; readonly span: Span }
  | {
      readonly kind: 'map'
      readonly entries: readonly {
        readonly key: string
        readonly keySpan: Span
        readonly value: Template
      }[]
      readonly span: Span
    }

/** `$from`, `$img.base`, `$new.x`, `$b.count`. */
export interface Variable {
  readonly kind: 'variable'
  /** Without the dollar: `from`, `img.base`. */
  readonly path: string
  /**
   * Where the value comes from. `img`, `new` and `save` are only known at run time; the others
   * carry `value`.
   */
  readonly scope: 'matrix' | 'param' | 'loop' | 'with' | 'img' | 'new' | 'save'
  readonly value?: Value
  readonly span: Span
}

export type Profile = 'qemu' | 'note' | 'note-transition'

export interface Suite {
  readonly scenarios: readonly Scenario[]
  /** Text of every file that a span can name, fragments too: for excerpts in failures. */
  readonly sources: Readonly<Record<string, string>>
}

export interface Scenario {
  /** Path below the suite's root without suffix: `quorum/child-comes-and-goes`. */
  readonly id: string
  readonly file: string
  /** The source text, for excerpts in failures. */
  readonly text: string
  readonly title: string
  readonly about: string
  readonly spec: readonly ClauseRef[]
  readonly refuses: readonly ClauseRef[]
  readonly tags: readonly string[]
  /** With the tag `quarantine`: why, and until when (a date). */
  readonly quarantine?: { readonly link: string; readonly until: string }
  readonly profiles: readonly Profile[]
  readonly time: 'virtual' | 'real'
  /** Hard limit for a case in real milliseconds, before the host factor. */
  readonly budgetMs: number
  readonly golden: GoldenOptions
  readonly tidy: TidyOptions
  /** In matrix order, at least one. */
  readonly cases: readonly Case[]
}

export interface ClauseRef {
  readonly id: string
  readonly span: Span
}

export interface GoldenOptions {
  readonly enabled: boolean
  readonly order: 'lanes' | 'strict'
  /** What a picture shows besides edges. */
  readonly graph: readonly ('types' | 'perms')[]
}

export interface TidyOptions {
  readonly jobs: boolean
  readonly exports: boolean
  readonly leaks: boolean
  readonly check: boolean
}

/** One combination of the matrix. */
export interface Case {
  /** `quorum/vote` or `quorum/vote[mode=fifo]`. */
  readonly id: string
  /** Matrix variables in declaration order; empty without a matrix. */
  readonly variables: readonly Bound[]
  /** Inferred and written needs together, each once. */
  readonly needs: readonly Need[]
  readonly target: TargetOptions
  readonly setup: readonly Step[]
  readonly steps: readonly Step[]
  readonly after: readonly Step[]
  readonly finally: readonly Step[]
}

/** A variable with its value for one case or turn; `text` is what ids and headings show. */
export interface Bound {
  readonly name: string
  readonly value: Value
  readonly text: string
}

/** A capability that a target must have for the case to be applicable. */
export interface Need {
  /** `driver.quorum`, `qmp.x-blockdev-change`, `time.virtual`, `version >= 8.0`. */
  readonly text: string
  readonly span: Span
  readonly inferred: boolean
}

export interface TargetOptions {
  /** Extra words for the command line, by target kind. */
  readonly args: Readonly<Record<string, readonly string[]>>
  readonly compat: Readonly<Record<string, string>>
  /** White lists of drivers; absent: all may be used. */
  readonly drivers?: { readonly rw: readonly string[]; readonly ro: readonly string[] } | undefined
}

/** What every step has. */
export interface StepCommon {
  readonly span: Span
  /** Written by the author, stable: `id: shrink`. */
  readonly id?: string
  readonly note?: string
  readonly clause?: ClauseRef
  /** Run the step only when this holds; conditions over matrix values alone are already decided. */
  readonly when?: Condition
  readonly withinMs?: number
  /** False: the step leaves no line in the golden. */
  readonly golden: boolean
  readonly save?: readonly SaveItem[]
  /** Claims about the events that this step causes. */
  readonly events?: readonly EventClaim[]
}

export type Step = StepCommon & StepBody

/**
 * What a step does, without what every step has, by its kind. Here are the kinds that only hold or
 * head other steps; the file of each kind that is played adds its own.
 */
export interface StepBodies {
  readonly phase: { readonly kind: 'phase'; readonly title: string }
  readonly loop: LoopStep
  readonly group: {
    readonly kind: 'group'
    readonly when: Condition
    readonly then: readonly Step[]
    readonly otherwise: readonly Step[]
  }
  /** Steps of a fragment; their spans name the fragment's file. */
  readonly use: { readonly kind: 'use'; readonly file: string; readonly steps: readonly Step[] }
  readonly together: TogetherStep
}

export type StepKind = keyof StepBodies
export type StepBody = StepBodies[StepKind]
export type StepOf<K extends StepKind> = StepCommon & StepBodies[K]

export interface ImageSpec {
  readonly name: string
  readonly format: string
  /** Bytes; absent where a backing image gives the size. */
  readonly bytes?: number
  /** Creation options in written order, such as `cluster: 64k`. */
  readonly options: readonly { readonly name: string; readonly value: string }[]
  readonly span: Span
}

/** A node, an export or an image. */
export interface Subject {
  readonly kind: 'node' | 'nbd' | 'img'
  readonly name: string
  readonly span: Span
}

// --- Faults ------------------------------------------------------------------------------------

/** Requests of a node that fail, wait or stop on purpose. */
export interface NodeFaults {
  readonly path: readonly (string | number)[]
  readonly rules: readonly FaultRule[]
}

export type FaultOperation = 'read' | 'write' | 'zero' | 'discard' | 'flush' | 'status'

export interface FaultRule {
  readonly operation: FaultOperation
  /** Absent: any request of the kind. */
  readonly range?: { readonly offset: number; readonly bytes: number }
  readonly effect:
    | { readonly kind: 'error'; readonly errno: string }
    | { readonly kind: 'delay'; readonly ns: number }
    | { readonly kind: 'suspend'; readonly tag: string }
    | { readonly kind: 'torn'; readonly bytes: number }
  readonly once: boolean
  /** So many requests of the kind succeed first. */
  readonly after: number
  /** Canonical spelling. */
  readonly text: string
  readonly span: Span
}

// --- Actors ------------------------------------------------------------------------------------

/** Lanes of steps that are played together. */
export interface TogetherStep {
  readonly kind: 'together'
  readonly actors: readonly Actor[]
  readonly schedule: Schedule
}

export interface Actor {
  readonly name: string
  readonly span: Span
  readonly steps: readonly Step[]
}

export type Schedule = { readonly span: Span } & (
  | { readonly kind: 'free' }
  /** Whose step is next, one name a step; `tasks` chooses among ready tasks of the engine. */
  | {
      readonly kind: 'fixed'
      readonly order: readonly string[]
      readonly tasks: readonly TaskChoice[]
    }
  | { readonly kind: 'seed'; readonly seed: number }
  /** Orders that no claim can tell apart are played once; at most `bound` runs in all. */
  | {
      readonly kind: 'all'
      readonly bound: number
      readonly orders: readonly (readonly string[])[]
    }
)

/** At the `at`-th choice among ready tasks the `pick`-th one runs, 0 being the oldest. */
export interface TaskChoice {
  readonly at: number
  readonly pick: number
}

// --- Other parts of steps -------------------------------------------------------------------------

export type Condition = { readonly span: Span } & (
  | { readonly kind: 'constant'; readonly value: boolean }
  | { readonly kind: 'has'; readonly need: string }
  | {
      readonly kind: 'version'
      readonly operator: '<' | '<=' | '>' | '>=' | '==' | '!='
      readonly version: string
    }
  | {
      readonly kind: 'compare'
      readonly equal: boolean
      readonly left: Template
      readonly right: Template
    }
  | { readonly kind: 'not'; readonly condition: Condition }
  | { readonly kind: 'and' | 'or'; readonly conditions: readonly Condition[] }
)

export interface SaveItem {
  readonly name: string
  /** `query-named-block-nodes[node-name=disk].dirty-bitmaps[0]`. */
  readonly path: SavePath
  readonly text: string
  readonly span: Span
}

export interface SavePath {
  /** Absent: the last reply, event or image info. */
  readonly command?: string
  readonly hops: readonly (
    | { readonly kind: 'member'; readonly name: string }
    | { readonly kind: 'index'; readonly index: number }
    | { readonly kind: 'where'; readonly member: string; readonly value: string }
  )[]
}

/** A loop, unrolled: one entry per turn, with the values that its heading shows. */
export interface LoopStep {
  readonly kind: 'loop'
  readonly turns: readonly {
    readonly variables: readonly Bound[]
    readonly steps: readonly Step[]
  }[]
}
