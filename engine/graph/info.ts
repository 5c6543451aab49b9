/** What queries tell of a node. */
import { fullBackingNameOrUndefined } from './backing.ts'
import { filenameOf, plainName } from './describe.ts'
import { BlockError } from '../util/errors.ts'
import type { ImageInfo, NodeInfo, NodeStats } from './graph.ts'
import { instanceInfo, type Node } from './node.ts'

export function nodeInfo(node: Node): NodeInfo {
  const { flags } = node
  return {
    nodeName: node.name,
    driver: node.driver.name,
    readOnly: flags.readOnly,
    // The write cache is always on: who wants each write on disk asks for it with the write.
    cache: { writeback: true, direct: flags.direct, noFlush: flags.noFlush },
    detectZeroes: flags.detectZeroes,
    filename: filenameOf(node),
    encrypted: instanceInfo(node).encrypted ?? false,
    backingDepth: backingDepth(node),
    ...(node.cowChild === undefined ? {} : { backingFile: filenameOf(node.cowChild) }),
    writeThreshold: node.writeThreshold,
    image: imageInfo(node),
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

function backingDepth(node: Node): number {
  const next = shownThrough(node)
  return next === undefined ? 0 : 1 + backingDepth(next)
}

function imageInfo(node: Node): ImageInfo {
  const next = shownThrough(node)
  return {
    filename: filenameOf(node),
    format: node.driver.name,
    virtualSize: sizeOf(node),
    instance: instanceInfo(node),
    ...headerInfo(node),
    ...(next === undefined ? {} : { backing: imageInfo(next) }),
  }
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
