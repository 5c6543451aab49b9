/** Images, their first content, objects, nodes and exports: the steps before the steps. */
import { notBuilt, readMap, shorten } from './check.ts'
import type { Context } from './context.ts'
import type { Step } from './plan.ts'
import { SECTIONS, type SectionForm } from './steps/kind.ts'
import { find, type Entry, type MapNode } from './tree.ts'
import { fillText } from './variables.ts'

export function makeSetup(context: Context, scenario: MapNode): readonly Step[] {
  return SECTIONS.flatMap((name) => {
    const entry = find(scenario, name)
    const form = context.kinds.section(name)
    if (entry === undefined) return []
    if (form !== undefined) return section(context, form, entry)
    notBuilt(context, entry.key, `key '${name}'`)
    return []
  })
}

function section(context: Context, form: SectionForm, { value }: Entry): readonly Step[] {
  const map = readMap(context, value, `'${form.name}'`)
  return (
    map?.entries.flatMap((entry): Step[] => {
      if (!isUsableName(context, entry)) return []
      const body = form.build(context, entry)
      const { source, start } = entry.key
      return body === undefined
        ? []
        : [{ span: source.span(start, entry.value.end), golden: true, ...body }]
    }) ?? []
  )
}

/** Names that can be written everywhere a name can be written. */
function isUsableName(context: Context, entry: Entry): boolean {
  const name = fillText(context, entry.key)
  if (name === undefined) return false
  if (/^[A-Za-z_][\w.-]*$/.test(name.text)) return true
  context.problem(entry.key, 'bad-name', `'${shorten(name.text)}' can not be a name here`, {
    help: 'names are letters, digits, _ . and -',
  })
  return false
}
