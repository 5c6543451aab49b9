/** Scripts of requests, as the plan has them: loops unrolled, places and patterns worked out. */
import type { Span, Subject } from './plan.ts'

export interface IoScript {
  readonly lines: readonly IoLine[]
}

/** One statement with its loops already unrolled; `text` is its canonical spelling. */
export interface IoLine {
  readonly statement: IoStatement
  readonly outcome: IoOutcome
  readonly text: string
  readonly span: Span
}

export type IoStatement =
  | {
      readonly kind: 'rw'
      readonly write: boolean
      /** Completion is not waited for; `tag` names the request. */
      readonly async: boolean
      readonly vectored: boolean
      readonly offset: number
      readonly bytes: number
      readonly pattern?: Pattern
      readonly zero: boolean
      readonly unmap: boolean
      readonly noFallback: boolean
      readonly compressed: boolean
      readonly fua: boolean
      /** Check only this part of what was read. */
      readonly part?: { readonly offset: number; readonly bytes: number }
      readonly tag?: string
    }
  | {
      readonly kind: 'zero'
      readonly offset: number
      readonly bytes: number
      readonly unmap: boolean
    }
  | { readonly kind: 'discard'; readonly offset: number; readonly bytes: number }
  | { readonly kind: 'flush' }
  | { readonly kind: 'truncate'; readonly bytes: number }
  | { readonly kind: 'map'; readonly offset?: number; readonly bytes?: number }
  | { readonly kind: 'await'; readonly tags: readonly string[] }
  | { readonly kind: 'verify'; readonly want: VerifyWant }

export type Pattern = (
  | { readonly kind: 'byte'; readonly byte: number }
  | { readonly kind: 'seq'; readonly start: number }
  | { readonly kind: 'lba' }
  | { readonly kind: 'rand'; readonly seed: number }
  | { readonly kind: 'hex'; readonly bytes: string }
  | { readonly kind: 'file'; readonly path: string; readonly offset: number }
) & { readonly span: Span }

/** Part of a full-range claim; `rest` covers what no other extent names. */
export interface IoExtent {
  readonly range: { readonly offset: number; readonly bytes: number } | 'rest'
  readonly want: Pattern | { readonly kind: 'hole'; readonly span: Span }
  readonly span: Span
}

export type IoOutcome = (
  | { readonly kind: 'ok' }
  | { readonly kind: 'errno'; readonly errno: string }
  | { readonly kind: 'mismatch'; readonly at?: number }
  | { readonly kind: 'pending' }
  /** The node could not be exported at all; `text` or `regex` claims QEMU's words. */
  | { readonly kind: 'refused'; readonly text?: string; readonly regex?: RegExp }
  | { readonly kind: 'any' }
) & { readonly span: Span; readonly written: boolean }

export type VerifyWant =
  | { readonly kind: 'extents'; readonly extents: readonly IoExtent[] }
  | { readonly kind: 'same'; readonly as: Subject }
