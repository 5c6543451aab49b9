/**
 * Names a node by what would open it again: a plain file name where that says all, else `json:`
 * and the options. Only what shapes the visible data counts: given strong options, and children.
 */
import { isProtocol } from '../block/driver.ts'
import { PrintedJson, printJson } from '../util/json.ts'
import { headsOf, takeValue, type FlatOptions } from './flat.ts'
import type { Node } from './node.ts'

/** QEMU keeps names in buffers of this size, one byte of which ends them. */
const NAME_BYTES = 4096

/** As `query-named-block-nodes` reports it. */
export function filenameOf(node: Node): string {
  return new Names().shown(node)
}

/** A file name that opens the very same node, if there is one. */
export function plainName(node: Node): string | undefined {
  return new Names().plain(node)
}

/** Whether somebody other than the header chose the backing image, or to do without. */
export function backingOverridden(node: Node): boolean {
  return new Names().overridden(node)
}

/**
 * Names of nodes as they are at one time. A name is made of those further down, each of which is
 * made once: naming all nodes of a long chain takes as long as naming its top.
 */
export class Names {
  readonly #plain = new Map<Node, string | undefined>()
  readonly #options = new Map<Node, PrintedJson>()

  shown(node: Node): string {
    const plain = this.plain(node)
    if (plain !== undefined) return plain
    const name = `json:${this.#printed(node).text}`
    return name.length < NAME_BYTES ? name : `${name.slice(0, NAME_BYTES - 4)}...`
  }

  plain(node: Node): string | undefined {
    const known = this.#plain.get(node)
    if (known !== undefined || this.#plain.has(node)) return known
    const name = this.#plainOf(node)
    this.#plain.set(node, name)
    return name
  }

  overridden(node: Node): boolean {
    const edge = node.edge('backing')
    if (edge === undefined) return node.autoBacking !== ''
    return node.autoBacking !== this.shown(edge.child)
  }

  #plainOf(node: Node): string | undefined {
    const { driver } = node
    const copied = copiedFrom(node)
    if (copied !== undefined) return this.plain(copied)
    const bearer = driver.namedAs === undefined ? undefined : node.edge(driver.namedAs)
    if (bearer !== undefined) return this.shown(bearer.child)
    if (driver.filename !== undefined) return this.#driverName(node)
    if (driver.kind !== 'format' || strongOptions(node).size > 0 || this.overridden(node)) {
      return undefined
    }
    // Opening a file name again finds a format by looking, so it never stacks two of them.
    const { primaryChild: child } = node
    return child !== undefined && isProtocol(child.driver) ? this.plain(child) : undefined
  }

  #driverName(node: Node): string | undefined {
    return node.driver.filename?.({
      given: nested(strongOptions(node)),
      options: node.given.checked,
      found: node.found,
      children: new Map(node.children.map((edge) => [edge.name, this.plain(edge.child)])),
    })
  }

  /** The options as far as a name goes: the rest of what lies below would be cut off again. */
  #printed(node: Node): PrintedJson {
    const known = this.#options.get(node)
    if (known !== undefined) return known
    const copied = copiedFrom(node)
    const printed =
      copied === undefined
        ? new PrintedJson(printJson(this.#optionsOf(node)).slice(0, NAME_BYTES))
        : this.#printed(copied)
    this.#options.set(node, printed)
    return printed
  }

  #optionsOf(node: Node): Record<string, unknown> {
    const { driver } = node
    const options: Record<string, unknown> = {
      driver: driver.name,
      ...(driver.nestsOptions
        ? nested(strongOptions(node))
        : Object.fromEntries(strongOptions(node))),
    }
    const overridden = this.overridden(node)
    for (const edge of node.children) {
      if (edge.name === 'backing' && !overridden) continue
      const [list = ''] = edge.name.split('.')
      if (driver.children[list]?.list === true) options[list] = this.#listOf(node, list)
      else options[edge.name] = this.#printed(edge.child)
    }
    if (overridden && node.edge('backing') === undefined) options['backing'] = null
    return options
  }

  /**
   * The children of a list in the order in which the driver has them. Where a list may have holes,
   * each stands at the place that its name says.
   */
  #listOf(node: Node, list: string): (PrintedJson | null)[] {
    const edges = [...node.handles.keys()].flatMap((name) => node.edge(name) ?? [])
    const elements = edges.filter(({ name }) => name.startsWith(`${list}.`))
    if (node.driver.children[list]?.holes === undefined) {
      return elements.map(({ child }) => this.#printed(child))
    }
    const places = new Map(elements.map(({ name, child }) => [placeOf(name), child]))
    return Array.from({ length: Math.max(...places.keys()) + 1 }, (_, place) => {
      const child = places.get(place)
      return child === undefined ? null : this.#printed(child)
    })
  }
}

/** Of a child that is called `children.2`. */
export function placeOf(name: string): number {
  return Number(name.slice(name.lastIndexOf('.') + 1))
}

/** A node that nobody asked for is named as what it shows. */
function copiedFrom(node: Node): Node | undefined {
  return node.implicit ? node.filteredChild : undefined
}

/** Flat, as QEMU keeps a node's own options: `server.path`, `inject-error.0.event`. */
function strongOptions(node: Node): FlatOptions {
  // Read out of one table in its order and put into the next, those of one name turn around.
  const given = [...node.options].toReversed()
  const strong: FlatOptions = new Map()
  const { legacy, strongOptions: declared } = node.driver
  for (const name of [...(legacy?.names ?? []), ...declared]) {
    const dotted = `${name}.`
    for (const [key, value] of given) {
      if (key === name || key.startsWith(dotted)) strong.set(key, value)
    }
  }
  return strong
}

function nested(flat: FlatOptions): Record<string, unknown> {
  const rest: FlatOptions = new Map(flat)
  return Object.fromEntries(headsOf(flat).map((head) => [head, takeValue(rest, head)]))
}
