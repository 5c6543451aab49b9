/**
 * Node's streams over sockets of families that it does not know. Node looks at the family of a
 * descriptor before it takes it, and at nothing afterwards: so it gets a unix socket, and before
 * anything is read from that, the descriptor is made to mean ours.
 */
import * as fs from 'node:fs'
import * as net from 'node:net'
import { type Errno, ioError } from '../../util/errors.ts'
import { le16, struct } from '../../util/struct.ts'
import type { SocketCalls } from './socket-calls.ts'

const AF_UNIX = 1
/** A unix address without a name: the system finds one that nobody has. */
const NAMELESS = struct(2, { family: le16(0) }).encode({ family: AF_UNIX })

/** A stream over a connected socket, which it closes. */
export function adoptStream(fd: number, calls: SocketCalls): net.Socket {
  const stand = numberOf(calls.open(AF_UNIX))
  const socket = new net.Socket({ fd: stand, readable: true, writable: true, allowHalfOpen: true })
  replace(fd, stand, calls)
  return socket
}

/** Lets `server` accept from a listening socket, which it closes. */
export function adoptListener(server: net.Server, fd: number, calls: SocketCalls): void {
  const stand = numberOf(calls.open(AF_UNIX))
  numberOf(calls.bind(stand, NAMELESS))
  server.listen({ fd: stand })
  replace(fd, stand, calls)
}

function replace(fd: number, stand: number, calls: SocketCalls): void {
  numberOf(calls.duplicate(fd, stand))
  fs.closeSync(fd)
}

/** @throws {BlockError} where a call failed. */
export function numberOf(outcome: number | Errno): number {
  if (typeof outcome === 'string') throw ioError(outcome)
  return outcome
}
