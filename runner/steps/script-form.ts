/** How a step is written that has a script: what it plays on, and the script under `do`. */
import { readScalar, readText } from '../../dsl/check.ts'
import type { Context } from '../../dsl/context.ts'
import type { StepInput } from '../../dsl/steps/kind.ts'
import { find, type ScalarNode } from '../../dsl/tree.ts'

/** Its two texts, each missing where it is wrong; nothing for a step that has no script at all. */
export function readScriptForm(
  context: Context,
  { map, value }: StepInput,
  kind: 'io' | 'nbd',
): { readonly name: ScalarNode | undefined; readonly script: ScalarNode | undefined } | undefined {
  const name = readText(context, value, `'${kind}'`)
  const entry = find(map, 'do')
  if (entry === undefined) {
    context.problem(value, 'missing-key', `an ${kind} step needs its script under 'do'`)
    return undefined
  }
  return { name, script: readScalar(context, entry.value, "'do'") }
}
