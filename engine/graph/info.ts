/** What queries tell of a node. */
import { fullBackingNameOrUndefined } from './backing.ts'
import { Names, plainName } from './describe.ts'
import type { InstanceInfo } from '../block/driver.ts'
import { BlockError } from '../util/errors.ts'
import type { ImageInfo, NodeInfo, NodeStats } from './graph.ts'
import { instanceInfo } from './instance-info.ts'
import type { Node } from './node.ts'

/** Tells of nodes as they are at one time; what they share is found out once. */
export class NodeTeller {
  readonly #names = new Names()
  readonly #instances = new Map<Node, InstanceInfo>()
  readonly #depths = new Map<Node, number>()
  readonly #images = new Map<Node, ImageInfo>()

  info(node: Node): NodeInfo {
    const { flags } = node
    const names = this.#names
    return {
      nodeName: node.name,
      driver: node.driver.name,
      readOnly: flags.readOnly,
      // The write cache is always on: who wants each write on disk asks for it with the write.
      cache: { writeback: true, direct: flags.direct, noFlush: flags.noFlush },
      detectZeroes: flags.detectZeroes,
      filename: names.shown(node),
      encrypted: this.#instanceInfo(node).encrypted ?? false,
      backingDepth: this.#backingDepth(node),
      ...(node.cowChild === undefined ? {} : { backingFile: names.shown(node.cowChild) }),
      writeThreshold: node.writeThreshold,
      image: this.#imageInfo(node),
    }
  }

  #instanceInfo(node: Node): InstanceInfo {
    return instanceInfo(node, this.#instances)
  }

  #backingDepth(node: Node): number {
    const known = this.#depths.get(node)
    if (known !== undefined) return known
    const next = shownThrough(node)
    const depth = next === undefined ? 0 : 1 + this.#backingDepth(next)
    this.#depths.set(node, depth)
    return depth
  }

  #imageInfo(node: Node): ImageInfo {
    const known = this.#images.get(node)
    if (known !== undefined) return known
    const next = shownThrough(node)
    const info: ImageInfo = {
      filename: this.#names.shown(node),
      format: node.driver.name,
      virtualSize: sizeOf(node),
      instance: this.#instanceInfo(node),
      ...headerInfo(node),
      ...(next === undefined ? {} : { backing: this.#imageInfo(next) }),
    }
    this.#images.set(node, info)
    return info
  }
}

export function nodeStats(node: Node): NodeStats {
  const driverSpecific = node.instance.stats?.()
  return {
    writeHighestOffset: node.writeHighestOffset,
    ...(driverSpecific === undefined ? {} : { driverSpecific }),
  }
}

/** The node that statistics nest below this one: the primary child, else an only child. */
export function statisticsChild({ children }: Node): Node | undefined {
  const primary = children.find(({ role }) => role.primary === true)
  return (primary ?? (children.length === 1 ? children[0] : undefined))?.child
}

/** The node that shows through this one: what a filter shows, or the backing child. */
export function shownThrough(node: Node): Node | undefined {
  return node.children.find(({ role }) => role.filtered === true || role.cow === true)?.child
}

/** What the image's own header says of a backing image, opened or not. */
function headerInfo(node: Node): Pick<ImageInfo, 'header'> {
  const hint = node.instance.backing?.()
  if (hint === undefined) return {}
  const fullFilename = fullBackingNameOrUndefined(node, hint.filename)
  return { header: { ...hint, ...(fullFilename === undefined ? {} : { fullFilename }) } }
}

function sizeOf(node: Node): number {
  try {
    return node.length()
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    const name = plainName(node) ?? ''
    throw BlockError.system(`Can't get image size '${name}'`, error.errno)
  }
}
