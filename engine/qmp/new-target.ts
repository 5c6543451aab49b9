/** Images that `drive-backup` and `drive-mirror` copy to: they are made unless they are there. */
import { skipFilters, skipImplicit } from '../graph/chain.ts'
import type { Graph, GraphChanges, GraphNode, HeldNode, NodeOptions } from '../graph/graph.ts'
import { BlockError } from '../util/errors.ts'

export interface TargetAbout {
  readonly source: GraphNode
  readonly filename: string
  /** Where it is absent, new images have the source's, and others are looked at. */
  readonly format: string | undefined
  readonly isMade: boolean
}

interface Given {
  readonly target: string
  readonly format?: string | undefined
  readonly mode?: 'existing' | 'absolute-paths' | undefined
}

export function targetAbout(source: GraphNode, { target, format, mode }: Given): TargetAbout {
  const isMade = mode !== 'existing'
  return {
    source,
    filename: target,
    format: format ?? (isMade ? source.driver.name : undefined),
    isMade,
  }
}

/** What the source shows where its image has nothing of its own; filters may be above that. */
export function shownBelow(source: GraphNode): GraphNode | undefined {
  return skipFilters(source).cowChild
}

/** Bytes of the source. @throws {BlockError} where it is out of use. */
export function sourceLength(source: GraphNode): number {
  try {
    return source.length()
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    throw BlockError.system('bdrv_getlength failed', error.errno)
  }
}

interface MakeAbout {
  readonly graph: Graph
  readonly changes: GraphChanges
  readonly bytes: number
  /** What the new image is to name as its backing image. */
  readonly backing: GraphNode | undefined
  readonly opensBacking?: boolean
}

/** Makes the image unless it is there already. @throws {BlockError} */
export async function makeTarget(
  { filename, format, isMade }: TargetAbout,
  { graph, changes, bytes, backing, opensBacking = false }: MakeAbout,
): Promise<void> {
  if (!isMade || format === undefined) return
  // What nobody asked for does not occur in headers.
  const shown = backing && skipImplicit(backing)
  await changes.createImage({
    filename,
    format,
    size: BigInt(bytes),
    ...(shown && { backing: { filename: graph.filename(shown), format: shown.driver.name } }),
    opensBacking,
  })
}

/** @throws {BlockError} with the graph as before. */
export function openTarget(
  { source, filename, format }: TargetAbout,
  changes: GraphChanges,
  about: {
    readonly name?: string | undefined
    readonly noBacking: boolean
    readonly options?: NodeOptions
  },
): Promise<HeldNode> {
  return changes.openImage(source, { ...about, filename, format, writable: true })
}

/** An image that an older command brings along: what `blockdev-create` and `blockdev-add` are told. */
export interface BroughtImage extends TargetAbout {
  /** Its length where it is made. */
  readonly bytes: number
  /** What its header names where it is made. */
  readonly named: GraphNode | undefined
  /** What shows through it: a node, nothing, or what its header names. */
  readonly shows: GraphNode | undefined | 'header'
  /** The name in the header must open, seen from where the image is. */
  readonly opensBacking?: boolean
  /** Name of its node; made up where absent. */
  readonly name?: string | undefined
  readonly options?: NodeOptions
}

/** Makes the image unless it is there, and opens it. @throws {BlockError} with the graph as before. */
export async function bringImage(
  graph: Graph,
  changes: GraphChanges,
  image: BroughtImage,
): Promise<HeldNode> {
  const { bytes, named, shows, opensBacking = false, name, options } = image
  await makeTarget(image, { graph, changes, bytes, backing: named, opensBacking })
  const isNode = shows !== undefined && shows !== 'header'
  return openTarget(image, changes, {
    name,
    noBacking: shows === undefined,
    options: { ...options, ...(isNode ? { backing: shows.name } : {}) },
  })
}
