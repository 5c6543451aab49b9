/** What a step kind is: its keys with their documentation, and how its plan is made. */
import type { KeyInfo } from '../check.ts'
import type { Context } from '../context.ts'
import type { StepBody } from '../plan.ts'
import type { MapNode, Node } from '../tree.ts'

/** A step as written: the whole map, and the value of the key that names its kind. */
export interface StepInput {
  readonly map: MapNode
  readonly value: Node
}

export interface StepKindInfo {
  readonly doc: string
  /** JSON schema of the value. */
  readonly schema: object
  /** Keys beside the kind and those of every step. */
  readonly keys: Readonly<Record<string, KeyInfo & { readonly schema: object }>>
  /** Several bodies where one step speaks of several names. */
  build(context: Context, input: StepInput): readonly StepBody[]
}

export function defineStep(info: StepKindInfo): StepKindInfo {
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

const STEPS_SCHEMA = { type: 'array', items: { $ref: '#/definitions/step' } } as const
/** The key that holds steps. */
export const DO = { doc: 'Steps.', schema: STEPS_SCHEMA } as const
