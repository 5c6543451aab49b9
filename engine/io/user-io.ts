/** A root user's requests: bounds of the disk, and waiting while a drained section lasts. */
import type { StatusQuery } from '../block/io.ts'
import { RESIZE, WRITE } from '../block/permission.ts'
import { skipFilters } from '../graph/chain.ts'
import type { NodeIo } from '../graph/environment.ts'
import type { Node } from '../graph/node.ts'
import type { RootUser } from '../graph/user.ts'
import { always, isPromise, type MaybePromise } from '../util/async.ts'
import { ioError } from '../util/errors.ts'

/** Longest single request that moves data. */
const MAX_REQUEST_BYTES = 2 ** 31 - 512

export function createUserIo(user: RootUser): NodeIo {
  const below = (): Node => user.edge.child
  const asked = (query: StatusQuery = {}): Node =>
    query.ofImage === true ? skipFilters(below()) : below()
  const run = <T>(request: () => MaybePromise<T>): MaybePromise<T> =>
    user.heldBack ? whenResumed(user, request) : counted(user, request())
  return {
    length: () => {
      checkMedium(user)
      return below().length()
    },
    read: (offset, into, flags) =>
      run(() => {
        checkRange(user, offset, into.length)
        return below().io.read(offset, into, flags)
      }),
    write: (offset, data, flags) =>
      run(() => {
        checkMayWrite(user, offset, data.length)
        return below().io.write(offset, data, flags)
      }),
    zero: (offset, bytes, flags) =>
      run(() => {
        checkMayWrite(user, offset, bytes)
        return below().io.zero(offset, bytes, flags)
      }),
    discard: (offset, bytes) =>
      run(() => {
        checkMayWrite(user, offset, bytes)
        return below().io.discard(offset, bytes)
      }),
    flush: () =>
      run(() => {
        checkMedium(user)
        return below().io.flush()
      }),
    status: (offset, bytes, query) =>
      run(() => {
        if (query?.ofImage !== true) checkInside(user, offset, bytes)
        return asked(query).io.status(offset, bytes, query)
      }),
    statusAbove: (offset, bytes, base, query) =>
      run(() => {
        if (query?.ofImage !== true) checkInside(user, offset, bytes)
        return asked(query).io.statusAbove(offset, bytes, base, query)
      }),
    truncate: (bytes, options) =>
      run(() => {
        if ((user.edge.claims.uses & RESIZE) === 0) throw ioError('EPERM')
        return below().io.truncate(bytes, options)
      }),
  }
}

async function whenResumed<T>(user: RootUser, request: () => MaybePromise<T>): Promise<T> {
  user.queue.begin()
  // The next section may have begun before this one's end is heard of here.
  do await user.resumed()
  while (user.heldBack)
  user.queue.end()
  return counted(user, request())
}

function counted<T>(user: RootUser, result: MaybePromise<T>): MaybePromise<T> {
  if (!isPromise(result)) return result
  user.activity.begin()
  return always(result, () => {
    user.activity.end()
  })
}

function checkMayWrite(user: RootUser, offset: number, bytes: number): void {
  if ((user.edge.claims.uses & WRITE) === 0) throw ioError('EPERM')
  if (user.writesPastEnd) checkMedium(user)
  else checkRange(user, offset, bytes)
}

function checkRange(user: RootUser, offset: number, bytes: number): void {
  checkInside(user, offset, bytes)
  if (bytes > MAX_REQUEST_BYTES) throw ioError('EIO')
}

function checkInside(user: RootUser, offset: number, bytes: number): void {
  checkMedium(user)
  const length = user.edge.child.length()
  if (offset < 0 || offset > length || bytes > length - offset) throw ioError('EIO')
}

function checkMedium(user: RootUser): void {
  if (!user.hasMedium) throw ioError('ENOMEDIUM')
}
