/**
 * The small door: what talks to an engine from outside, be it this one or QEMU's, namely the NBD
 * client and the leaves that everybody needs. Loading it loads nothing of the block layer.
 */
export { NbdClient } from './nbd/client.ts'
export type { NbdConnectOptions, NbdExportInfo, NbdExtent, NbdStatus } from './nbd/client.ts'

export { assert, AssertionError, unreachable } from './util/assert.ts'
export { isPromise } from './util/async.ts'
export type { MaybePromise } from './util/async.ts'
export { BlockError, ERRNO, errnoFromNumber, errnoText, ioError, isErrno } from './util/errors.ts'
export type { Errno, ErrorClass } from './util/errors.ts'
