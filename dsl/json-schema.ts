/** JSON Schema (draft-07) of a scenario file, for editors. Made from the tables that also check. */
import { NODE_KEYS, SCENARIO_KEYS } from './header.ts'
import { COMMON_KEYS, commonKeys } from './steps.ts'
import type { StepForm, StepKinds } from './steps/kind.ts'
import { StepTable } from './steps/table.ts'

interface Documented {
  readonly doc: string
  readonly schema: object
}

export function jsonSchema(kinds: StepKinds): object {
  const { steps, attributes } = new StepTable(kinds)
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'blockspec scenario, format 1',
    type: 'object',
    required: ['scenario', 'title', 'steps'],
    properties: properties(builtKeys(SCENARIO_KEYS)),
    patternProperties: { '^_': {} },
    additionalProperties: false,
    definitions: {
      node: { type: 'object', properties: properties(NODE_KEYS) },
      step: {
        anyOf: Object.entries({ ...steps, ...attributes })
          .map(stepSchema)
          .concat(groups()),
      },
    },
  }
}

function builtKeys(table: Readonly<Record<string, Documented & { readonly built?: false }>>) {
  return Object.fromEntries(Object.entries(table).filter(([, info]) => info.built !== false))
}

function properties(table: Readonly<Record<string, Documented>>): object {
  return Object.fromEntries(
    Object.entries(table).map(([name, { doc, schema }]) => [name, { description: doc, ...schema }]),
  )
}

function stepSchema([name, form]: [string, StepForm]): object {
  return {
    type: 'object',
    required: [name],
    properties: properties({ ...commonKeys(form), ...form.keys, [name]: form }),
    patternProperties: { '^_': {} },
    additionalProperties: false,
  }
}

function groups(): object[] {
  const steps = { type: 'array', items: { $ref: '#/definitions/step' } }
  return ['if', 'unless'].map((name) => ({
    type: 'object',
    required: [name, 'do'],
    properties: {
      ...properties(COMMON_KEYS),
      do: { description: 'Steps when the condition holds.', ...steps },
      else: { description: 'Steps when it does not.', ...steps },
    },
    additionalProperties: false,
  }))
}
