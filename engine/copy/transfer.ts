/** Moves one run of bytes between two nodes, and tells which of them failed. */
import type { BlockIo, RequestFlags } from '../block/driver.ts'
import { isPromise, type MaybePromise } from '../util/async.ts'
import { BlockError } from '../util/errors.ts'

/** The source fails when it is read, the target when it is written. */
export type Side = 'read' | 'write'

export interface Failure {
  readonly side: Side
  readonly error: BlockError
}

export interface Ends {
  readonly source: Pick<BlockIo, 'read'>
  readonly target: Pick<BlockIo, 'write' | 'zero' | 'discard'>
}

export interface Move {
  readonly offset: number
  readonly bytes: number
  /** What the target gets: the data, zeroes, or nothing any more. */
  readonly as: 'data' | 'zero' | 'discard'
  /** Where data go on their way, as long as the run; a new one where it is absent. */
  readonly buffer?: Uint8Array
  /** Flags of the request to the target. */
  readonly flags?: RequestFlags
}

const NO_FLAGS: RequestFlags = {}

/** @returns What failed, if something did. */
export function transfer(ends: Ends, move: Move): MaybePromise<Failure | undefined> {
  const { source, target } = ends
  const { offset, bytes, as, flags = NO_FLAGS } = move
  if (as === 'discard') return attempt('write', () => target.discard(offset, bytes))
  if (as === 'zero') {
    const { compressed: _, ...rest } = flags
    return attempt('write', () => target.zero(offset, bytes, rest))
  }
  const data = move.buffer ?? new Uint8Array(bytes)
  const write = (failed: Failure | undefined): MaybePromise<Failure | undefined> =>
    failed ?? attempt('write', () => target.write(offset, data, flags))
  const read = attempt('read', () => source.read(offset, data))
  return isPromise(read) ? read.then(write) : write(read)
}

/** Runs a request; what fails as requests may is returned. */
export function attempt(
  side: Side,
  request: () => MaybePromise<void>,
): MaybePromise<Failure | undefined> {
  const failed = (error: unknown): Failure => {
    if (!(error instanceof BlockError)) throw error
    return { side, error }
  }
  try {
    const running = request()
    if (isPromise(running)) return running.then(() => undefined, failed)
  } catch (error) {
    return failed(error)
  }
  return undefined
}
