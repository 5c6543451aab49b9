/** Commands about dirty bitmaps; as actions of a transaction they are in `transaction.ts`. */
import type { Members, Values } from '../../block/option.ts'
import { opt, shape } from '../../block/option.ts'
import { sha256 } from '../../util/sha256.ts'
import type { BitmapAddress, Change, Disk, Merge, NewBitmap } from '../../bitmap/dirty-bitmaps.ts'
import {
  addBitmap,
  clearBitmap,
  findBitmap,
  mergeBitmaps,
  removeBitmap,
  setRecording,
} from '../../bitmap/dirty-bitmaps.ts'
import { andThen, type MaybePromise } from '../../util/async.ts'
import { BlockError } from '../../util/errors.ts'
import { defineCommand } from '../command.ts'
import type { EngineParts } from '../parts.ts'

/** Also arguments of exports. */
export const BITMAP_REFERENCE = {
  kind: 'alternate',
  name: 'BlockDirtyBitmapOrStr',
  branches: [
    { kind: 'str' },
    {
      kind: 'struct',
      name: 'BlockDirtyBitmap',
      members: { node: opt.str({ doc: 'Its node.' }), name: opt.str({ doc: 'Its name.' }) },
    },
  ],
} as const

export const BITMAP_ADDRESS = {
  node: opt.str({ doc: 'Node whose bitmap it is.' }),
  name: opt.str({ doc: 'Name of the bitmap.' }),
} as const satisfies Members

export const NEW_BITMAP = {
  ...BITMAP_ADDRESS,
  granularity: opt.uint32({ optional: true, doc: 'Bytes that one bit stands for.' }),
  persistent: opt.bool({ optional: true, doc: 'Keep it in the image.' }),
  disabled: opt.bool({ optional: true, doc: 'Do not record changes yet.' }),
} as const satisfies Members

export const BITMAP_MERGE = {
  node: opt.str({ doc: 'Node of the target.' }),
  target: opt.str({ doc: 'Name of the bitmap to mark.' }),
  bitmaps: opt.list<string | BitmapAddress>(BITMAP_REFERENCE)({ doc: 'What to merge into it.' }),
} as const satisfies Members

/** What each command prepares; a command commits it at once, a transaction with all others. */
export const CHANGES = {
  add: ({ graph }: EngineParts, about: NewBitmap): Change => {
    const change = addBitmap(graph, about, (disk) => clusterBytes(graph, disk))
    const settle = (): void => {
      graph.settleObservers(graph.bitmapNode(graph.find(about.node)))
    }
    const abort = (): void => {
      change.abort?.()
      settle()
    }
    try {
      settle()
    } catch (error) {
      abort()
      throw error
    }
    return { ...change, abort }
  },
  remove: ({ graph }: EngineParts, about: BitmapAddress): MaybePromise<Change> => {
    const node = graph.findOrUndefined(about.node)
    return andThen(removeBitmap(graph, about), (change) => ({
      ...change,
      commit() {
        change.commit?.()
        if (node !== undefined) graph.settleObservers(graph.bitmapNode(node))
      },
    }))
  },
  clear: ({ graph }: EngineParts, about: BitmapAddress) => clearBitmap(graph, about),
  enable: ({ graph }: EngineParts, about: BitmapAddress) => setRecording(graph, about, true),
  disable: ({ graph }: EngineParts, about: BitmapAddress) => setRecording(graph, about, false),
  merge: ({ graph }: EngineParts, about: Merge) => mergeBitmaps(graph, about),
} as const

function clusterBytes(graph: EngineParts['graph'], disk: Disk): number | undefined {
  try {
    return graph.info(graph.find(disk.name)).image.instance.clusterBytes
  } catch (error) {
    // Nothing is told of a node whose image is corrupt, so it has no unit either.
    if (error instanceof BlockError) return undefined
    throw error
  }
}

function define<const M extends Members>(
  verb: string,
  about: { readonly doc: string; readonly args: M },
  prepare: (engine: EngineParts, args: Values<M>) => MaybePromise<Change>,
) {
  return defineCommand({
    name: `block-dirty-bitmap-${verb}`,
    ...about,
    async run({ engine }, args) {
      const change = await prepare(engine, args)
      change.commit?.()
    },
  })
}

/** Hashing is one long step; a bitmap may stand for more bits than anybody would wait for. */
const MAX_HASHED_BITS = 2 ** 33

const xDebugSha256 = defineCommand({
  name: 'x-debug-block-dirty-bitmap-sha256',
  doc: 'The hash of all bits of a bitmap.',
  features: ['unstable'],
  args: BITMAP_ADDRESS,
  returns: shape.struct('BlockDirtyBitmapSha256', { sha256: opt.str({ doc: 'In hex digits.' }) }),
  run({ engine }, address) {
    const { bitmap } = findBitmap(engine.graph, address)
    if (bitmap.size / bitmap.granularity > MAX_HASHED_BITS) {
      throw new BlockError(`Bitmap '${address.name}' is too large to be hashed`)
    }
    return { sha256: sha256(bitmap.serialise()) }
  },
})

export const BITMAP_COMMANDS = [
  define('add', { doc: 'Adds a dirty bitmap to a node.', args: NEW_BITMAP }, CHANGES.add),
  define('remove', { doc: 'Removes a bitmap.', args: BITMAP_ADDRESS }, CHANGES.remove),
  define('clear', { doc: 'Forgets what changed.', args: BITMAP_ADDRESS }, CHANGES.clear),
  define('enable', { doc: 'Begins to record changes.', args: BITMAP_ADDRESS }, CHANGES.enable),
  define('disable', { doc: 'Stops recording changes.', args: BITMAP_ADDRESS }, CHANGES.disable),
  define('merge', { doc: 'Marks what others have marked.', args: BITMAP_MERGE }, CHANGES.merge),
  xDebugSha256,
] as const
