/**
 * `copy-before-write`: a filter that saves what a write is about to replace to a target, so that the
 * disk can still be read as it was.
 */
import {
  defineFilter,
  type BitmapView,
  type Child,
  type Instance,
  type Services,
} from '../../block/driver.ts'
import { Bitmap } from '../../bitmap/bitmap.ts'
import { BlockCopy } from '../../copy/block-copy.ts'
import { opt, shape } from '../../block/option.ts'
import {
  ALL_PERMISSIONS,
  CONSISTENT_READ,
  RESIZE,
  WRITE,
  type Claims,
} from '../../block/permission.ts'
import { andThen } from '../../util/async.ts'
import { BlockError } from '../../util/errors.ts'
import { Saver } from './saver.ts'
import { Snapshot } from './snapshot.ts'

const MIN_CLUSTER_BYTES = 65536
const NS_PER_SECOND = 1e9

interface BitmapAddress {
  readonly node: string
  readonly name: string
}

const BITMAP = shape.struct('BlockDirtyBitmap', {
  node: opt.str({ doc: 'Node whose bitmap it is.' }),
  name: opt.str({ doc: 'Name of the bitmap.' }),
})

export const copyBeforeWrite = defineFilter({
  name: 'copy-before-write',
  doc: 'Copies old data to a target before it is overwritten.',
  options: {
    bitmap: opt.of<BitmapAddress>(BITMAP)({
      optional: true,
      doc: 'Only areas that are dirty in it now are saved and can be read from the snapshot.',
    }),
    'on-cbw-error': opt.enum('OnCbwError', ['break-guest-write', 'break-snapshot'])({
      optional: true,
      doc: 'What fails when old data cannot be saved: the write, or the snapshot from then on.',
    }),
    'cbw-timeout': opt.uint32({
      optional: true,
      doc: 'Seconds after which saving old data counts as failed; 0 for never.',
    }),
  },
  children: {
    target: { doc: 'Where old data is saved.', role: { data: true } },
  },
  namedAs: 'file',
  claims: ({ role, above, hasParents }) => {
    if (role.filtered !== true) return { uses: WRITE, shares: ALL_PERMISSIONS & ~RESIZE }
    return hasParents ? claimsOnSource(above) : above
  },
  open(next, { options, children, services, node }) {
    const target = children.get('target')
    if (target === undefined) throw new Error('copy-before-write opens with its target attached')
    const clusterBytes = clusterBytesOf(target, services)
    const copy = new BlockCopy({
      ends: { source: next, target },
      clusterBytes,
      clock: services.clock,
      fleecing: target.shows(next.nodeName),
    })
    const { pending } = copy
    if (options.bitmap === undefined) pending.mark(0, next.length())
    else mergeBitmap(pending, options.bitmap, services)
    const done = new Bitmap(next.length(), clusterBytes)
    const access = pending.copy()
    const unlist = [
      services.listBitmap(next.nodeName, pending),
      services.listBitmap(node.name, done),
      services.listBitmap(node.name, access),
    ]
    const snapshot = new Snapshot({ source: next, target, copy, access, done })
    const saver = new Saver({
      copy,
      snapshot,
      done,
      services,
      breaksSnapshot: options['on-cbw-error'] === 'break-snapshot',
      timeoutNs: (options['cbw-timeout'] ?? 0) * NS_PER_SECOND,
    })
    return filterWrites(next, saver, {
      snapshot,
      copier: copy,
      async close() {
        await saver.settled()
        for (const end of unlist) end()
      },
    })
  },
})

/** Saving needs to read, and nobody may write behind the filter's back. */
function claimsOnSource(above: Claims): Claims {
  const reads = (above.uses & WRITE) === 0 ? 0 : CONSISTENT_READ
  return { uses: above.uses | reads, shares: above.shares & ~(WRITE | RESIZE) }
}

function clusterBytesOf(target: Child, services: Services): number {
  const { clusterBytes, dirty } = target.info()
  if (clusterBytes === undefined && dirty === undefined) {
    services.log(
      "warning: The target block device doesn't provide information about the block size and it " +
        `doesn't have a backing file. The default block size of ${String(MIN_CLUSTER_BYTES)} ` +
        'bytes is used. If the actual block size of the target exceeds this default, the backup ' +
        'may be unusable',
      'asked',
    )
  }
  return Math.max(MIN_CLUSTER_BYTES, clusterBytes ?? 0)
}

function mergeBitmap(into: Bitmap, { node, name }: BitmapAddress, services: Services): void {
  const bitmap: BitmapView = services.dirtyBitmap(node, name)
  if (bitmap.size !== into.size) {
    throw new BlockError(
      `Cannot create block-copy-state: Failed to merge bitmap '${name}' to internal copy-bitmap: ` +
        `Bitmaps are of different sizes (destination size is ${String(into.size)}, source size is ` +
        `${String(bitmap.size)}) and can't be merged`,
    )
  }
  into.merge(bitmap)
}

/** The filter: each change of the data waits until what it replaces is saved. */
function filterWrites(next: Child, saver: Saver, rest: Partial<Instance>): Partial<Instance> {
  return {
    write: (offset, data, flags) =>
      flags.unchanged === true
        ? next.write(offset, data, flags)
        : andThen(saver.save(offset, data.length), () => next.write(offset, data, flags)),
    zero: (offset, bytes, flags) =>
      flags.unchanged === true
        ? next.zero(offset, bytes, flags)
        : andThen(saver.save(offset, bytes), () => next.zero(offset, bytes, flags)),
    discard: (offset, bytes) =>
      andThen(saver.save(offset, bytes), () => next.discard(offset, bytes)),
    ...rest,
  }
}
