/**
 * What a kind of step is to the language: how it is written, and what must be known of a step once
 * it is made. The language has the kinds that only hold or head other steps; those that are played
 * it is given, each whole in one file of whoever plays them.
 */
import type { KeyInfo } from '../check.ts'
import type { Context } from '../context.ts'
import type { IoLine } from '../plan-io.ts'
import type {
  FaultRule,
  ImageSpec,
  NodeFaults,
  StepBody,
  StepKind,
  StepOf,
  Subject,
  Template,
} from '../plan.ts'
import type { Entry, MapNode, Node } from '../tree.ts'

/** A step as written: the whole map, and the value of the key that names its kind. */
export interface StepInput {
  readonly map: MapNode
  readonly value: Node
}

/** How a step is written. The key is the name under which the kind is listed. */
export interface StepForm {
  readonly doc: string
  /** JSON schema of the value. */
  readonly schema: object
  /** Keys beside the kind and those of every step. */
  readonly keys: Readonly<Record<string, KeyInfo & { readonly schema: object }>>
  /** Nothing is played, so that keys which speak of that have no place. */
  readonly isHeading?: true
  /** The key may stand on steps of other kinds too, so it is a kind only where it stands alone. */
  readonly isAttribute?: true
  /** Several bodies where one step speaks of several names. */
  build(context: Context, input: StepInput): readonly StepBody[]
}

/** Sections at the top of a scenario, in the order in which they are played. */
export const SECTIONS = ['images', 'seed', 'objects', 'nodes', 'exports'] as const

/** How a step is written as an entry of a section. */
export interface SectionForm {
  readonly name: (typeof SECTIONS)[number]
  build(context: Context, entry: Entry): StepBody | undefined
}

/** What the language must know of a step. Nothing said means the most cautious. */
export interface StepFacts {
  /** The node that it makes; without options, one that it removes. */
  readonly node?: {
    readonly name: string
    readonly options: Template | undefined
    readonly faults: readonly NodeFaults[]
  }
  readonly image?: ImageSpec
  /** What a name in it was taken for. */
  readonly subject?: Subject
  /** Requests to the subject. */
  readonly requests?: readonly IoLine[]
  /** Rules that a node gets besides its own, or without `add` instead of all that it has. */
  readonly faults?: {
    readonly node: string
    readonly rules: readonly FaultRule[]
    readonly add: boolean
  }
  /** All that it looks at or changes; absent: it may be anything. */
  readonly touches?: Subject
  /** False: afterwards everything is as it was. */
  readonly changes?: boolean
  /** True: who points at whom is as it was. */
  readonly keepsGraph?: boolean
  /** False: it cannot fail by what it finds. */
  readonly judges?: boolean
  /** Why an actor of `together` cannot play it. */
  readonly notByActors?: string
}

/** A kind of step; one without a form is made by a section alone. */
export interface StepKindInfo<K extends StepKind = StepKind> {
  /** Of the bodies that it makes. */
  readonly kind: K
  readonly written?: StepForm
  readonly section?: SectionForm
  facts?(step: StepOf<K>): StepFacts
}

/** Kinds by the key that an author writes, in the order in which they are listed for readers. */
export type StepKinds = Readonly<Record<string, StepKindInfo>>

export function defineStructure<K extends StepKind>(info: StepKindInfo<K>): StepKindInfo<K> {
  return info
}

export const TEXT = { type: 'string' } as const
export const ANSWER_KEYS = {
  expect: {
    doc: 'What must come back: ok, error CLASS /regex/, error CLASS "text", any.',
    schema: { type: ['string', 'object'] },
  },
  return: { doc: 'Claim about what comes back.', schema: {} },
  by: { doc: 'Variable that chooses among the values of expect and return.', schema: TEXT },
} as const

/** Those of the keys of every step that speak of what is played. */
export const PLAYED_KEYS = ['within', 'save', 'events'] as const

const STEPS_SCHEMA = { type: 'array', items: { $ref: '#/definitions/step' } } as const
/** The key that holds steps. */
export const DO = { doc: 'Steps.', schema: STEPS_SCHEMA } as const
