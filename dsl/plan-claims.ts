/** What the plan claims of replies, events and the graph. */
import type { Scalar, Span, Variable } from './plan.ts'

/** What must come back from a command. */
export type Expectation = (
  | { readonly kind: 'ok' }
  | {
      readonly kind: 'error'
      readonly class?: string
      readonly classSpan?: Span
      readonly text?: { readonly match: Match; readonly span: Span }
      /** `error | crash`: the death of the target satisfies the claim as well. */
      readonly orCrash: boolean
    }
  | { readonly kind: 'any' }
) & { readonly span: Span; readonly written: boolean }

/** A claim about a value: plain YAML compared as a subset, with match expressions as leaves. */
export type Claim = { readonly match: Match; readonly span: Span }

/** Every node has the span to blame when it fails. */
export type Match = { readonly span: Span } & (
  | { readonly kind: 'any' | 'absent' | 'present' }
  | { readonly kind: 'equal'; readonly value: Scalar }
  /** Compared with a variable's value at run time. */
  | { readonly kind: 'variable'; readonly variable: Variable }
  | { readonly kind: 'regex'; readonly regex: RegExp }
  | { readonly kind: 'between'; readonly low: number; readonly high: number }
  | {
      readonly kind: 'compare'
      readonly operator: '<' | '<=' | '>' | '>=' | '==' | '!='
      readonly to: number
    }
  | { readonly kind: 'about'; readonly value: number; readonly percent: number }
  | { readonly kind: 'type'; readonly type: 'string' | 'int' | 'bool' | 'object' | 'array' }
  | { readonly kind: 'count'; readonly match: Match }
  | { readonly kind: 'not'; readonly match: Match }
  | { readonly kind: 'all' | 'one'; readonly matches: readonly Match[] }
  /** `exact`: no further members. */
  | {
      readonly kind: 'object'
      readonly exact: boolean
      readonly members: readonly {
        readonly key: string
        readonly keySpan: Span
        readonly match: Match
      }[]
    }
  /** `seq` ordered and complete, `set` any order and complete, `has` any order and more allowed. */
  | { readonly kind: 'seq' | 'set' | 'has'; readonly items: readonly Match[] }
)

export type EventClaim = { readonly span: Span } & (
  | { readonly kind: 'occurs'; readonly event: EventMatch }
  | { readonly kind: 'ordered' | 'set'; readonly events: readonly EventMatch[] }
  | { readonly kind: 'never' | 'optional'; readonly event: EventMatch }
  | { readonly kind: 'times'; readonly count: number; readonly event: EventMatch }
  | {
      readonly kind: 'only'
      readonly names: readonly { readonly name: string; readonly span: Span }[]
    }
)

export interface EventMatch {
  readonly name: string
  readonly span: Span
  readonly data?: Match
}

export type GraphLine = { readonly span: Span; readonly text: string } & (
  | {
      readonly kind: 'path'
      readonly negated: boolean
      readonly from: GraphNode
      readonly hops: readonly GraphHop[]
    }
  /** These and no others have no parent. */
  | { readonly kind: 'only'; readonly roots: readonly GraphNode[] }
  | { readonly kind: 'absent'; readonly name: string }
  | { readonly kind: 'present'; readonly node: GraphNode }
)

export interface GraphNode {
  readonly name: string
  readonly driver?: string
  readonly mode?: 'ro' | 'rw'
  readonly span: Span
}

export type GraphHop =
  | {
      readonly kind: 'edge'
      readonly child: string
      /** Letters of c(onsistent-read) w(rite) u(nchanged) r(esize), each side unordered. */
      readonly permissions?: { readonly used: string; readonly shared: string }
      readonly to: GraphNode
      readonly span: Span
    }
  | { readonly kind: 'reach'; readonly to: GraphNode; readonly span: Span }
