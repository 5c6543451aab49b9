/**
 * A node for whoever runs the engine in this process: all that a client of an NBD export would see of
 * it, without server and wire. What is asked, and in which pieces, is what would be asked there.
 */
import type { Graph, NodeOptions, User } from '../graph/graph.ts'
import { STATUS } from '../nbd/constants.ts'
import { mapErrno } from '../nbd/errno.ts'
import { checkWholeBlocks } from '../nbd/handshake-grant.ts'
import { MAX_STATUS_EXTENTS } from '../nbd/limits.ts'
import { inPieces } from '../nbd/pieces.ts'
import type { MaybePromise } from '../util/async.ts'
import { BlockError, ioError } from '../util/errors.ts'
import { attachExported, exportedLength, largestPayload, leaveExported } from './exported-user.ts'
import { Gate } from './gate.ts'
import { collectAllocation } from './meta-context.ts'
import { inSteps } from './steps.ts'

export interface NodeDevice {
  /** Bytes. */
  readonly size: number
  /** Fills all of `into`, whatever was there. */
  read(offset: number, into: Uint8Array): Promise<void>
  write(offset: number, data: Uint8Array, flags: { readonly fua?: boolean }): Promise<void>
  zero(offset: number, bytes: number, flags: ZeroFlags): Promise<void>
  trim(offset: number, bytes: number): Promise<void>
  flush(): Promise<void>
  /** From the offset on, perhaps not to the end of the range; neighbours differ. */
  status(offset: number, bytes: number): Promise<readonly Extent[]>
  /** Takes the node away again, once no request is under way. */
  close(): Promise<void>
}

export interface ZeroFlags {
  readonly fua?: boolean
  /** Keep the storage. */
  readonly noHole?: boolean
  /** Fail with ENOTSUP where zeroing is no faster than writing. */
  readonly fast?: boolean
}

export interface Extent {
  readonly bytes: number
  readonly hole: boolean
  readonly zero: boolean
}

/**
 * Opens a node, named in its options, to read and perhaps to write it. Requests fail with those of
 * the errnos that NBD knows.
 *
 * @throws {BlockError} where it cannot be opened, or not so; nothing is left then.
 */
export async function openNodeDevice(
  graph: Graph,
  options: NodeOptions,
  { writable }: { readonly writable: boolean },
): Promise<NodeDevice> {
  const { name } = await graph.add(options)
  try {
    const device = shownDevice(graph, name, { writable })
    return {
      ...device,
      async close() {
        await device.close()
        await graph.remove(name)
      },
    }
  } catch (error) {
    await graph.remove(name)
    throw error
  }
}

/**
 * A node that is there already, as an export would show it.
 *
 * @throws {BlockError} what `block-export-add`, or then a client, would say against that.
 */
export function shownDevice(
  graph: Graph,
  name: string,
  { writable }: { readonly writable: boolean },
): NodeDevice {
  const gate = new Gate()
  const { user, restrict } = attachExported(graph, { name, writable }, gate)
  try {
    restrict()
    checkWholeBlocks(exportedLength(user), user.limits().requestAlignment)
    return deviceOf(graph, user, writable, gate)
  } catch (error) {
    void leaveExported(graph, user)
    throw error
  }
}

function deviceOf(graph: Graph, user: User, writable: boolean, gate: Gate): NodeDevice {
  const size = exportedLength(user)
  const largest = largestPayload(user)
  const request = async <T>(
    offset: number,
    bytes: number,
    changes: boolean,
    work: () => MaybePromise<T>,
  ): Promise<T> => {
    if ((changes && !writable) || offset + bytes > size) throw ioError('EINVAL')
    while (gate.waiting !== undefined) await gate.waiting
    try {
      return await work()
    } catch (error) {
      throw error instanceof BlockError ? ioError(mapErrno(error.errno)) : error
    }
  }
  return {
    size,
    read: (offset, into) =>
      inPieces(into.length, largest, (done, count) =>
        request(offset + done, count, false, () =>
          user.read(offset + done, into.subarray(done, done + count)),
        ),
      ),
    write: (offset, data, { fua = false }) =>
      inPieces(data.length, largest, (done, count) =>
        request(offset + done, count, true, () =>
          user.write(offset + done, data.subarray(done, done + count), { fua }),
        ),
      ),
    zero: (offset, bytes, { fua = false, noHole = false, fast = false }) =>
      inSteps(bytes, (done, count) =>
        request(offset + done, count, true, () =>
          user.zero(offset + done, count, { fua, mayUnmap: !noHole, noFallback: fast }),
        ),
      ),
    trim: (offset, bytes) =>
      inSteps(bytes, (done, count) =>
        request(offset + done, count, true, () => user.discard(offset + done, count)),
      ),
    flush: () => request(0, 0, false, () => user.flush()),
    async status(offset, bytes) {
      if (bytes === 0) throw ioError('EINVAL')
      const extents = await request(offset, bytes, false, () =>
        collectAllocation({ user, offset, bytes, maximum: MAX_STATUS_EXTENTS }),
      )
      return extents.map(({ bytes: count, flags }) => ({
        bytes: count,
        hole: (flags & STATUS.hole) !== 0,
        zero: (flags & STATUS.zero) !== 0,
      }))
    },
    close: () => leaveExported(graph, user),
  }
}
