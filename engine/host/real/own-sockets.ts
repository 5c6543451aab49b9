/** Sockets whose addresses Node has no name for, made with system calls. */
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
type TightAddress = SocketAddress & { readonly type: 'unix'; readonly abstract: 'tight' }

/** The port of a guest or of its host, or a name outside the file system that is just so long. */
export type OwnAddress = VsockAddress | TightAddress

const AF_UNIX = 1
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

/** The front of `struct sockaddr_un`. */
const SOCKADDR_UN = struct(2, { family: le16(0) })

/** Node fills names outside the file system with zero bytes, which makes other names of them. */
export function isOwnAddress(address: SocketAddress): address is OwnAddress {
  return address.type === 'vsock' || (address.type === 'unix' && address.abstract === 'tight')
}

/** @throws {BlockError} `ENOTSUP` where this installation cannot make the calls. */
export async function connectOwn(address: OwnAddress): Promise<ByteStream> {
  const calls = socketCalls(address)
  const { family, bytes } = encode(address)
  const fd = numberOf(calls.open(family))
  try {
    const begun = calls.connect(fd, bytes)
    numberOf(begun === 'EINPROGRESS' ? await calls.connected(fd) : begun)
  } catch (error) {
    fs.closeSync(fd)
    throw error
  }
  const socket = adoptStream(fd, calls)
  return byteStream(socket, socket)
}

/** @throws {BlockError} `ENOTSUP` where this installation cannot make the calls. */
export function listenOwn(address: OwnAddress, accept: (stream: ByteStream) => void): Listener {
  const calls = socketCalls(address)
  const { family, bytes } = encode(address)
  const fd = numberOf(calls.open(family))
  try {
    numberOf(calls.bind(fd, bytes))
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

function encode(address: OwnAddress): { readonly family: number; readonly bytes: Uint8Array } {
  if (address.type === 'vsock') {
    const { port, cid } = address
    const family = AF_VSOCK
    return {
      family,
      bytes: SOCKADDR_VM.encode({ family, gap: undefined, port, cid, tail: undefined }),
    }
  }
  const family = AF_UNIX
  const head = SOCKADDR_UN.encode({ family })
  return { family, bytes: Buffer.concat([head, Buffer.from(`\0${address.path}`)]) }
}

function socketCalls({ type }: OwnAddress): SocketCalls {
  const calls = systemCalls()
  if (calls !== undefined) return calls.sockets
  const why = whyNoSystemCalls() ?? ''
  const what = type === 'vsock' ? 'vsock addresses need' : 'tight abstract addresses need'
  throw new BlockError(`${what} system calls of their own: ${why}`, { errno: 'ENOTSUP' })
}
