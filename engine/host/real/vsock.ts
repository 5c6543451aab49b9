/** Sockets between a machine and the guests that run on it, which Node has no name for. */
import * as fs from 'node:fs'
import * as net from 'node:net'
import { BlockError } from '../../util/errors.ts'
import { le16, le32, reserved, struct } from '../../util/struct.ts'
import type { ByteStream, Listener, SocketAddress } from '../host.ts'
import { adoptListener, adoptStream, numberOf } from './adopt.ts'
import type { SocketCalls } from './socket-calls.ts'
import { byteStream } from './streams.ts'
import { systemCalls, whyNoSystemCalls } from './syscalls.ts'

type VsockAddress = SocketAddress & { readonly type: 'vsock' }

const AF_VSOCK = 40
const BACKLOG = 511

/** `struct sockaddr_vm`. */
const SOCKADDR_VM = struct(16, {
  family: le16(0),
  gap: reserved(2, 2),
  port: le32(4),
  cid: le32(8),
  tail: reserved(12, 4),
})

export async function connectVsock(address: VsockAddress): Promise<ByteStream> {
  const calls = socketCalls()
  const fd = numberOf(calls.open(AF_VSOCK))
  try {
    const begun = calls.connect(fd, encode(address))
    numberOf(begun === 'EINPROGRESS' ? await calls.connected(fd) : begun)
  } catch (error) {
    fs.closeSync(fd)
    throw error
  }
  const socket = adoptStream(fd, calls)
  return byteStream(socket, socket)
}

export function listenVsock(address: VsockAddress, accept: (stream: ByteStream) => void): Listener {
  const calls = socketCalls()
  const fd = numberOf(calls.open(AF_VSOCK))
  try {
    numberOf(calls.bind(fd, encode(address)))
    numberOf(calls.listen(fd, BACKLOG))
  } catch (error) {
    fs.closeSync(fd)
    throw error
  }
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    accept(byteStream(socket, socket))
  })
  adoptListener(server, fd, calls)
  return {
    address,
    close: () => {
      server.close()
    },
  }
}

function encode({ cid, port }: VsockAddress): Uint8Array {
  return SOCKADDR_VM.encode({ family: AF_VSOCK, gap: undefined, port, cid, tail: undefined })
}

/** @throws {BlockError} where this installation cannot make the calls. */
function socketCalls(): SocketCalls {
  const calls = systemCalls()
  if (calls !== undefined) return calls.sockets
  const why = whyNoSystemCalls() ?? ''
  throw new BlockError(`vsock addresses need system calls of their own: ${why}`, {
    errno: 'ENOTSUP',
  })
}
