/** What the grammars build. Positions are offsets into the text of the scalar, half-open. */

export interface At {
  readonly start: number
  readonly end: number
}

/** A name with its place. */
export type Named = At & { readonly name: string }
export type Worded = At & { readonly text: string }

// --- I/O ---------------------------------------------------------------------------------------

export type Expr = At &
  (
    | { readonly kind: 'number'; readonly value: number }
    | { readonly kind: 'ref'; readonly path: string }
    | { readonly kind: 'sub' | 'mul'; readonly terms: readonly Expr[] }
  )

/** `off..to` or `off+bytes`; qemu-io's `off bytes` is the second. */
export type RangeAst = At & {
  readonly kind: 'range'
  readonly off: Expr
  readonly to?: Expr
  readonly bytes?: Expr
}

export type PatternAst = At &
  (
    | { readonly kind: 'byte' | 'seq' | 'rand'; readonly value: Expr }
    | { readonly kind: 'lba' }
    | { readonly kind: 'hex'; readonly digits: string }
    | { readonly kind: 'file'; readonly path: string; readonly offset: Expr | null }
  )

export type FlagAst = At &
  (
    | { readonly kind: 'pattern'; readonly pattern: PatternAst }
    | { readonly kind: 'partOffset'; readonly value: Expr }
    | { readonly kind: 'partBytes'; readonly value: Expr }
    | { readonly kind: 'letter'; readonly letter: 'z' | 'u' | 'n' | 'c' | 'f' }
  )

export type SubjectAst = At & {
  readonly kind: 'img' | 'node' | 'nbd' | null
  readonly name: string
}

export type ExtentAst = At & {
  readonly kind: 'extent'
  readonly range: RangeAst | (At & { readonly kind: 'rest' })
  readonly want: PatternAst | (At & { readonly kind: 'hole' })
}

export type WantAst = At &
  (
    | { readonly kind: 'extents'; readonly extents: readonly ExtentAst[] }
    | { readonly kind: 'same'; readonly as: SubjectAst }
  )

export type RwAst = At & {
  readonly kind: 'rw'
  readonly verb: string
  readonly flags: readonly FlagAst[]
  readonly range: RangeAst
  readonly tag: Named | null
}

export type StatementAst =
  | RwAst
  | (At &
      (
        | { readonly kind: 'zero'; readonly range: RangeAst; readonly unmap: boolean }
        | { readonly kind: 'discard'; readonly range: RangeAst }
        | { readonly kind: 'flush' }
        | { readonly kind: 'truncate'; readonly size: Expr }
        | { readonly kind: 'map'; readonly range: RangeAst | null }
        | { readonly kind: 'await'; readonly tags: readonly Named[] }
        | { readonly kind: 'verify'; readonly want: WantAst }
      ))

export type QuotedAst = At & { readonly kind: 'text'; readonly quoted: string }
export type RegexAst = At & {
  readonly kind: 'regex'
  readonly body: string
  readonly flags: string
}

export type OutcomeAst = At &
  (
    | { readonly kind: 'ok' | 'pending' | 'any' }
    | { readonly kind: 'mismatch'; readonly offset: Expr | null }
    | { readonly kind: 'refused'; readonly claim: QuotedAst | RegexAst | null }
    | { readonly kind: 'errno'; readonly errno: string }
  )

export type PlainAst<S> = At & {
  readonly kind: 'line'
  readonly statement: S
  readonly outcome: OutcomeAst | null
}

export type ForAst = At & {
  readonly kind: 'for'
  readonly variable: string
  readonly from: Expr
  readonly to: Expr
  readonly step: Expr | null
  readonly body: LineAst
}

export type LineAst = PlainAst<StatementAst> | ForAst

export type NbdStatementAst = At &
  (
    | { readonly kind: 'info' }
    | { readonly kind: 'list' }
    | { readonly kind: 'meta'; readonly context: string; readonly range: RangeAst | null }
    | {
        readonly kind: 'read' | 'write'
        readonly flags: readonly FlagAst[]
        readonly range: RangeAst
      }
  )

// --- faults ------------------------------------------------------------------------------------

export type FaultEffectAst = At &
  (
    | { readonly kind: 'error'; readonly errno: string }
    | { readonly kind: 'delay'; readonly duration: string }
    | { readonly kind: 'suspend'; readonly tag: Named }
    | { readonly kind: 'torn'; readonly bytes: Expr }
  )

export type FaultModeAst = At &
  ({ readonly kind: 'once' } | { readonly kind: 'after'; readonly count: Expr })

export type FaultAst = At & {
  readonly kind: 'fault'
  readonly operation: Named
  readonly range: RangeAst | (At & { readonly kind: 'any' }) | null
  readonly effect: FaultEffectAst
  readonly modes: readonly FaultModeAst[]
}

// --- matches -----------------------------------------------------------------------------------

type Numeric = number | bigint

export type MatchAst = At &
  (
    | { readonly kind: 'any' | 'absent' | 'present' }
    | { readonly kind: 'equal'; readonly value: null | boolean | Numeric }
    /** A bare word, in which variables are filled in. */
    | { readonly kind: 'equal'; readonly value: string; readonly words: true }
    | { readonly kind: 'quoted'; readonly quoted: string }
    | { readonly kind: 'variable'; readonly path: string }
    | { readonly kind: 'regex'; readonly body: string; readonly flags: string }
    | { readonly kind: 'between'; readonly low: Numeric; readonly high: Numeric }
    | {
        readonly kind: 'compare'
        readonly operator: '<' | '<=' | '>' | '>=' | '==' | '!='
        readonly to: Numeric | (At & { readonly path: string })
      }
    | { readonly kind: 'about'; readonly value: Numeric; readonly percent: Numeric }
    | { readonly kind: 'type'; readonly type: 'string' | 'int' | 'bool' | 'object' | 'array' }
    | { readonly kind: 'count'; readonly match: MatchAst }
    | { readonly kind: 'not'; readonly match: MatchAst }
    | { readonly kind: 'all'; readonly matches: readonly MatchAst[] }
    | { readonly kind: 'one'; readonly matches: readonly MatchAst[] }
    | {
        readonly kind: 'object'
        readonly exact: boolean
        readonly members: readonly { readonly key: Named; readonly match: MatchAst }[]
      }
    | { readonly kind: 'seq' | 'set' | 'has'; readonly items: readonly MatchAst[] }
  )

export type ExpectationAst = At &
  (
    | { readonly kind: 'ok' | 'any' }
    | {
        readonly kind: 'error'
        readonly class: Named | null
        readonly text: Extract<MatchAst, { readonly kind: 'regex' | 'quoted' }> | null
        readonly orCrash: boolean
      }
  )

// --- graph -------------------------------------------------------------------------------------

export type GraphNodeAst = At & {
  readonly name: string
  readonly driver: string | null
  readonly mode: 'ro' | 'rw' | null
}

export type HopAst = At &
  (
    | {
        readonly kind: 'edge'
        readonly child: string
        readonly permissions: (At & { readonly used: string; readonly shared: string }) | null
        readonly to: GraphNodeAst
      }
    | { readonly kind: 'reach'; readonly to: GraphNodeAst }
  )

export type GraphAst = At &
  (
    | {
        readonly kind: 'path'
        readonly negated: boolean
        readonly from: GraphNodeAst
        readonly hops: readonly HopAst[]
      }
    | { readonly kind: 'only'; readonly roots: readonly GraphNodeAst[] }
    | { readonly kind: 'absent'; readonly name: string }
    | { readonly kind: 'present'; readonly node: GraphNodeAst }
  )

// --- the small languages -----------------------------------------------------------------------

export type TermAst = At &
  (
    | { readonly kind: 'variable'; readonly path: string }
    | { readonly kind: 'value'; readonly value: string }
  )

export type ConditionAst = At &
  (
    | { readonly kind: 'or' | 'and'; readonly conditions: readonly ConditionAst[] }
    | { readonly kind: 'not'; readonly condition: ConditionAst }
    | { readonly kind: 'has'; readonly need: string }
    | {
        readonly kind: 'version'
        readonly operator: '<' | '<=' | '>' | '>=' | '==' | '!='
        readonly version: string
      }
    | {
        readonly kind: 'compare'
        readonly equal: boolean
        readonly left: TermAst
        readonly right: TermAst
      }
  )

export type NeedAst = At & { readonly kind: 'version' | 'has'; readonly text: string }

export type PathHopAst = At &
  (
    | { readonly kind: 'member'; readonly name: string }
    | { readonly kind: 'index'; readonly index: number }
    | { readonly kind: 'where'; readonly member: string; readonly value: string }
  )

export type SavePathAst = At & {
  readonly command: Named | null
  readonly hops: readonly PathHopAst[]
}

export type ImageAst = At & {
  readonly format: Named
  readonly items: readonly (At &
    (
      | { readonly kind: 'option'; readonly name: string; readonly value: Worded }
      | { readonly kind: 'size'; readonly value: Worded }
    ))[]
}

export type ImgAst = At & { readonly action: Named; readonly words: readonly Worded[] }

export type WaitAst = At &
  (
    | { readonly kind: 'job'; readonly job: Named; readonly states: readonly Named[] }
    | { readonly kind: 'event'; readonly name: Named }
    | { readonly kind: 'graph'; readonly lines: Worded }
    | { readonly kind: 'quiet' | 'exit' }
  )

export type Counted = At & { readonly value: number }

export type ScheduleAst = At &
  (
    | { readonly kind: 'free' }
    | { readonly kind: 'all'; readonly bound: Counted | null }
    | { readonly kind: 'seed'; readonly seed: Counted }
    | {
        readonly kind: 'fixed'
        readonly order: readonly Named[]
        /** Which of the ready tasks runs at the `at`-th choice. */
        readonly tasks: readonly { readonly at: number; readonly pick: number }[]
      }
  )
