/** Parameters: constants of a scenario that the command line may override. */
import { parseDocument } from 'yaml'
import type { Compiled } from './compile.ts'
import { readMap } from './check.ts'
import type { Context } from './context.ts'
import type { Scalar } from './plan.ts'
import { Report, type Problem } from './problem.ts'
import type { Binding } from './scope.ts'
import { Source } from './source.ts'
import { bind, isFreeName } from './binding.ts'
import { didYouMean } from './suggest.ts'
import { fillDeep } from './template.ts'
import type { Node } from './tree.ts'

export function bindParams(
  context: Context,
  node: Node | undefined,
  overrides: Readonly<Record<string, string>>,
): readonly Binding[] {
  const map = node === undefined ? undefined : readMap(context, node, "'params'")
  return (
    map?.entries.flatMap((entry) => {
      if (!isFreeName(context, entry.key)) return []
      const override = Object.hasOwn(overrides, entry.name) ? overrides[entry.name] : undefined
      const value =
        override === undefined ? fillDeep(context, entry.value) : overrideNode(entry.name, override)
      return [bind('param', entry, value)]
    }) ?? []
  )
}

/** `--set name=value`: one YAML scalar. */
function overrideNode(name: string, text: string): Node {
  const source = new Source('--set', `${name}=${text}`)
  const start = name.length + 1
  return {
    kind: 'scalar',
    source,
    start,
    end: source.text.length,
    via: [],
    value: scalarOf(text),
    text,
    style: 'plain',
    offsetAt: (index) => start + index,
  }
}

function scalarOf(text: string): Scalar {
  const { contents, errors } = parseDocument(text, { intAsBigInt: true, logLevel: 'silent' })
  const value: unknown =
    errors.length === 0 && contents !== null && 'value' in contents ? contents.value : text
  return typeof value === 'bigint' || typeof value === 'boolean' || typeof value === 'number'
    ? value
    : text
}

/** Names on the command line that no scenario has. */
export function reportUnknownParams(
  overrides: Readonly<Record<string, string>>,
  compiled: readonly Compiled[],
): readonly Problem[] {
  const known = new Set(compiled.flatMap(({ params }) => params))
  const report = new Report()
  for (const [name, text] of Object.entries(overrides)) {
    if (known.has(name)) continue
    const source = new Source('--set', `${name}=${text}`)
    report.add(
      'unknown-param',
      source,
      source.span(0, name.length),
      `no scenario has a parameter '${name}'`,
      {
        help: didYouMean(name, known),
      },
    )
  }
  return report.list()
}
