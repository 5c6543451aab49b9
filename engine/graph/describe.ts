/**
 * Names a node by what would open it again: a plain file name where that says all, else `json:`
 * and the options. Only what shapes the visible data counts: given strong options, and children.
 */
import { printJson } from '../util/json.ts'
import { isProtocol } from '../block/driver.ts'
import type { Node } from './node.ts'

/** As `query-named-block-nodes` reports it. */
export function filenameOf(node: Node): string {
  return plainName(node) ?? `json:${printJson(optionsOf(node))}`
}

function plainName(node: Node): string | undefined {
  return node.driver.filename?.({
    given: strongOptions(node),
    options: node.given.checked,
    children: new Map(
      node.children.map((edge) => [
        edge.name,
        // Opening a file name again finds a format by looking, so it never stacks two of them.
        node.driver.kind !== 'format' || isProtocol(edge.child.driver)
          ? plainName(edge.child)
          : undefined,
      ]),
    ),
    shown: new Map(node.children.map((edge) => [edge.name, filenameOf(edge.child)])),
  })
}

function optionsOf(node: Node): Record<string, unknown> {
  const options: Record<string, unknown> = { ...strongOptions(node) }
  const oldestFirst = node.children.toReversed()
  for (const [name, declaration] of Object.entries(node.driver.children)) {
    if (declaration.list === true) {
      const listed = oldestFirst.filter((edge) => edge.name.startsWith(`${name}.`))
      options[name] = listed.map((edge) => optionsOf(edge.child))
      continue
    }
    const edge = node.edge(name)
    if (edge !== undefined) options[name] = optionsOf(edge.child)
  }
  options['driver'] = node.driver.name
  return options
}

function strongOptions(node: Node): Record<string, unknown> {
  return Object.fromEntries(
    node.driver.strongOptions.flatMap((name) => {
      const value = node.given.own[name]
      return value === undefined ? [] : flatten(name, value)
    }),
  )
}

/** QEMU keeps a node's own options without nesting: `server.path`, `inject-error.0.event`. */
function flatten(name: string, value: unknown): (readonly [name: string, value: unknown])[] {
  if (typeof value !== 'object' || value === null) return [[name, value]]
  return Object.entries(value).flatMap(([key, inner]) => flatten(`${name}.${key}`, inner))
}
