/** `copy-on-read`: a filter whose reads copy what comes from further down the chain. */
import { defineFilter, type Child, type RequestFlags } from '../block/driver.ts'
import { opt } from '../block/option.ts'
import { WRITE_UNCHANGED } from '../block/permission.ts'
import { BlockError } from '../util/errors.ts'

export const copyOnRead = defineFilter({
  name: 'copy-on-read',
  doc: 'Copies into the node below what is read through it and is not there yet.',
  options: {
    bottom: opt.str({
      optional: true,
      doc: 'The lowest node, not a filter, whose data is copied; what lies below it is only read.',
    }),
  },
  takesCompressed: true,
  flushesPlainly: true,
  // Writing what is there already is shared, whatever the parents say.
  claims: ({ above }) => ({
    uses: above.uses | WRITE_UNCHANGED,
    shares: above.shares | WRITE_UNCHANGED,
  }),
  open(next, { options: { bottom }, node, services }) {
    if (bottom === undefined) {
      return {
        liveLength: true,
        read: (offset, into, flags) => next.read(offset, into, { ...flags, copyOnRead: true }),
      }
    }
    const found = services.node(bottom)
    if (found === undefined) throw new BlockError(`Bottom node '${bottom}' not found`)
    if (found.outOfUse) throw new BlockError(`Bottom node '${bottom}' not opened`)
    if (found.isFilter) throw new BlockError(`Bottom node '${bottom}' is a filter`)
    const thaw = node.freezeChain(bottom)
    // QEMU looks for it forever.
    if (thaw === undefined) {
      throw new BlockError(`Bottom node '${bottom}' is not in the chain below '${node.name}'`)
    }
    return {
      liveLength: true,
      read: (offset, into, flags) => readAbove(next, bottom, { offset, into, flags }),
      leaving: thaw,
      close: thaw,
    }
  },
})

interface Read {
  readonly offset: number
  readonly into: Uint8Array
  readonly flags: RequestFlags
}

/** Reads, copying only what is not in the node below but in the chain down to `bottom`. */
async function readAbove(next: Child, bottom: string, read: Read): Promise<void> {
  const end = read.offset + read.into.length
  for (let at = read.offset; at < end;) {
    const { bytes, copyOnRead } = await whereFrom(next, bottom, at, end - at)
    // As in 7.2 nothing is copied, and nothing read, from the end of the image below on.
    if (bytes === 0) {
      read.into.fill(0, at - read.offset)
      return
    }
    // Nobody looks at data that is only to be copied.
    if (copyOnRead || read.flags.prefetch !== true) {
      const part = read.into.subarray(at - read.offset, at - read.offset + bytes)
      await next.read(at, part, copyOnRead ? { ...read.flags, copyOnRead } : read.flags)
    }
    at += bytes
  }
}

/** How many of the bytes are found in one place, and whether that is down to `bottom`; 0 at an end. */
async function whereFrom(
  next: Child,
  bottom: string,
  offset: number,
  bytes: number,
): Promise<{ readonly bytes: number; readonly copyOnRead: boolean }> {
  const query = { allocationOnly: true }
  try {
    const own = await next.status(offset, bytes, query)
    if (own.allocated) return { bytes: own.bytes, copyOnRead: false }
    const range = { node: bottom, include: true, below: true }
    const found = await next.statusAbove(offset, own.bytes, range, query)
    return { bytes: found.bytes, copyOnRead: found.allocated }
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    // As in 7.2 what cannot be told is taken for an end.
    return { bytes: 0, copyOnRead: false }
  }
}
