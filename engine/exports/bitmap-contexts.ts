/** `qemu:dirty-bitmap:NAME`: what changed since the bitmap was cleared. */
import { bitmapOf, findBitmap } from '../bitmap/dirty-bitmaps.ts'
import type { DirtyBitmap } from '../bitmap/dirty-bitmap.ts'
import type { Graph, GraphNode } from '../graph/graph.ts'
import { BlockError } from '../util/errors.ts'
import type { BitmapName } from './exports.ts'
import type { ContextAbout, ContextSource, MetaContext } from './meta-context.ts'
import { collectExtents } from './meta-context.ts'

/** Numbers of bitmaps follow those of the other contexts, in the order of the export's list. */
const FIRST_ID = 2
const DIRTY = 1

export const dirtyBitmaps: ContextSource = (about) => {
  const bitmaps = (about.options.bitmaps ?? []).map((given) => exportable(about, given))
  // Only now: a bitmap may be listed twice.
  return bitmaps.map((bitmap, index) => contextOf(bitmap, FIRST_ID + index))
}

/** @throws {BlockError} where it is not there or not to be shown. */
function exportable({ options, node, graph }: ContextAbout, given: string | BitmapName) {
  const bitmap =
    typeof given === 'string'
      ? findAlongChain(graph, node, { name: given, readOnly: options.writable !== true })
      : findBitmap(graph, given)
  bitmap.checkUsable({ readOnly: true })
  return bitmap
}

/** Looks through the chain below the exported node; whoever names the node itself skips the check. */
function findAlongChain(
  graph: Graph,
  top: GraphNode,
  { name, readOnly }: { readonly name: string; readonly readOnly: boolean },
): DirtyBitmap {
  for (let node: GraphNode | undefined = top; node !== undefined; node = graph.shownThrough(node)) {
    const bitmap = bitmapOf(node, name)
    if (bitmap === undefined) continue
    if (readOnly && !node.flags.readOnly && bitmap.recording) {
      throw new BlockError(`Enabled bitmap '${name}' incompatible with readonly export`)
    }
    return bitmap
  }
  throw new BlockError(`Bitmap '${name}' is not found`)
}

function contextOf(dirty: DirtyBitmap, id: number): MetaContext {
  const release = dirty.occupy()
  return {
    id,
    name: `qemu:dirty-bitmap:${dirty.name}`,
    close: release,
    extents: (query) =>
      collectExtents(query, (offset, bytes) => {
        const run = dirty.bitmap.nextDirty(offset, bytes)
        if (run === undefined) return { bytes, flags: 0 }
        return run.offset === offset
          ? { bytes: run.bytes, flags: DIRTY }
          : { bytes: run.offset - offset, flags: 0 }
      }),
  }
}
