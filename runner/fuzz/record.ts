/** What one side showed at one step: lines of normalised text, part by part, ready to be compared. */
import type { Value } from '../../dsl/plan.ts'
import { isList, isMap } from '../json.ts'
import type { JobState } from './state.ts'
import { isShownList, isShownMap, memberKey, show, type Shown } from '../notation.ts'

/** In the order in which they are compared. */
export const PARTS = [
  'reply',
  'events',
  'graph',
  'nodes',
  'exports',
  'jobs',
  'data',
  'files',
] as const

export type Part = (typeof PARTS)[number]

export interface StepRecord {
  /** Lines by part; a part that was not looked at is absent. */
  readonly parts: Readonly<Partial<Record<Part, string>>>
  /** Whether a command was accepted, or every request of a step was. */
  readonly accepted: boolean
  /** Jobs that exist after the step. */
  readonly jobs?: readonly JobState[]
  /** The outcome as scenarios claim it. */
  readonly outcome: Outcome
}

export type Outcome =
  | { readonly kind: 'ok' }
  | { readonly kind: 'error'; readonly class: string; readonly text: string }
  /** Of each request: `ok`, an errno, or the words in which the target refused the node. */
  | { readonly kind: 'ops'; readonly results: readonly OpResult[] }
  | { readonly kind: 'content'; readonly words: readonly string[] }

export type OpResult =
  | { readonly kind: 'ok'; readonly words: readonly string[] }
  | { readonly kind: 'errno'; readonly errno: string }
  | { readonly kind: 'refused'; readonly text: string }

/** How playing a sequence ended on one side. */
export type Ending =
  | { readonly kind: 'done' }
  /** At the step after the last record: it died, or gave no answer in time. */
  | { readonly kind: 'died' | 'hung' | 'broken'; readonly how: string }

/** One line for each leaf, with its path; lists by index. */
export function leafLines(value: Shown, path = ''): string[] {
  if (isShownList(value) && value.length > 0) {
    return value.flatMap((item, index) => leafLines(item, `${path}[${String(index)}]`))
  }
  if (isShownMap(value) && Object.keys(value).length > 0) {
    return Object.entries(value).flatMap(([name, inner]) =>
      leafLines(inner, `${path}.${memberKey(name).slice(0, -1)}`),
    )
  }
  return [`${path} = ${show(value)}`]
}

/** The order of members on the wire, which normalised values do not keep. */
export function wireOrder(value: Value): string {
  if (isList(value)) return `[${value.map(wireOrder).join('')}]`
  if (!isMap(value)) return ''
  return `{${Object.entries(value)
    .map(([name, inner]) => `${name}${wireOrder(inner)}`)
    .join(',')}}`
}
