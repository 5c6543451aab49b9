/** Sockets that Node has no name for: streams over any descriptor, vsock, abstract names. */
import assert from 'node:assert/strict'
import * as fs from 'node:fs'
import * as net from 'node:net'
import { BlockError } from '../../util/errors.ts'
import type { ByteStream, SocketAddress } from '../host.ts'
import { adoptListener, adoptStream, numberOf } from './adopt.ts'
import { createRealHost } from './index.ts'
import type { SocketCalls } from './socket-calls.ts'
import { byteStream } from './streams.ts'
import { systemCalls } from './syscalls.ts'

const AF_INET = 2

/** 127.0.0.1 and a port, as the system has them. */
function inet(port: number): Uint8Array {
  const family = [AF_INET, 0]
  return Uint8Array.of(...family, port >> 8, port & 255, 127, 0, 0, 1, ...Array<number>(8).fill(0))
}

/** All that arrives until the other end has finished. */
function received(stream: ByteStream): Promise<Buffer> {
  return new Promise((resolve) => {
    const chunks: Uint8Array[] = []
    stream.onData((chunk) => chunks.push(chunk))
    stream.onEnd(() => {
      resolve(Buffer.concat(chunks))
    })
  })
}

/** Sends back all that comes, when no more comes. */
function echo(stream: ByteStream): void {
  void received(stream).then(async (bytes) => {
    await stream.write(bytes)
    stream.end()
  })
}

describe('a descriptor that Node would not take', () => {
  let calls: SocketCalls
  before(function () {
    const all = systemCalls()
    if (all === undefined) this.skip()
    calls = all.sockets
  })

  const data = Buffer.alloc(3 << 20, 'some bytes')

  it('is a stream both ways, which ends one way at a time', async () => {
    const server = net.createServer({ allowHalfOpen: true }, (socket) => {
      echo(byteStream(socket, socket))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const at = server.address()
    assert(typeof at === 'object' && at !== null)
    const fd = numberOf(calls.open(AF_INET))
    const begun = calls.connect(fd, inet(at.port))
    assert.equal(begun === 'EINPROGRESS' ? await calls.connected(fd) : begun, 0)
    const socket = adoptStream(fd, calls)
    const stream = byteStream(socket, socket)
    const answer = received(stream)
    await stream.write(data)
    stream.end()
    assert((await answer).equals(data))
    server.close()
  })

  it('accepts as a listener', async () => {
    const server = net.createServer({ allowHalfOpen: true }, (socket) => {
      echo(byteStream(socket, socket))
    })
    // A port that was free a moment ago.
    const probe = net.createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => probe.once('listening', resolve))
    const at = probe.address()
    assert(typeof at === 'object' && at !== null)
    await new Promise((resolve) => probe.close(resolve))
    const fd = numberOf(calls.open(AF_INET))
    numberOf(calls.bind(fd, inet(at.port)))
    numberOf(calls.listen(fd, 5))
    adoptListener(server, fd, calls)
    const host = createRealHost()
    const stream = await host.sockets.connect({ type: 'inet', host: '127.0.0.1', port: at.port })
    const answer = received(stream)
    await stream.write(data)
    stream.end()
    assert((await answer).equals(data))
    server.close()
  })

  it('tells why a connection failed after it was begun', async () => {
    const fd = numberOf(calls.open(AF_INET))
    const begun = calls.connect(fd, inet(1))
    const outcome = begun === 'EINPROGRESS' ? await calls.connected(fd) : begun
    assert.equal(outcome, 'ECONNREFUSED')
    adoptStream(fd, calls).destroy()
  })
})

describe('vsock on this machine', () => {
  const address = (cid: number, port: number): SocketAddress => ({
    type: 'vsock',
    cid,
    port,
    text: '',
  })

  it('serves a client of its own, or says why there is none', async () => {
    const { sockets } = createRealHost()
    const play = async (): Promise<string> => {
      const listener = await sockets.listen(address(2 ** 32 - 1, 20_809), echo)
      try {
        const stream = await sockets.connect(address(1, 20_809))
        const answer = received(stream)
        await stream.write(Buffer.from('hello'))
        stream.end()
        return (await answer).toString()
      } finally {
        listener.close()
      }
    }
    const outcome = await play().catch((error: unknown) => {
      assert(error instanceof BlockError)
      return error.errno
    })
    // A guest's host does not pass it on; elsewhere there are no ways out, or no such sockets.
    assert.match(outcome, /^(hello|ETIMEDOUT|ECONNRESET|ENODEV|EAFNOSUPPORT|ENOTSUP)$/)
  })
})

describe('a name outside the file system', () => {
  before(function () {
    if (systemCalls() === undefined) this.skip()
  })

  const address = (abstract: 'tight' | 'loose'): SocketAddress => ({
    type: 'unix',
    path: `blockspec-test-${String(process.pid)}`,
    abstract,
  })

  it('is just so long, or filled with zero bytes, which are two names', async () => {
    const { sockets } = createRealHost()
    const listener = await sockets.listen(address('tight'), echo)
    try {
      const names = fs.readFileSync('/proc/net/unix', 'utf8').split('\n')
      assert.equal(
        names.filter((line) => line.endsWith(`@blockspec-test-${String(process.pid)}`)).length,
        1,
      )
      const stream = await sockets.connect(address('tight'))
      const answer = received(stream)
      await stream.write(Buffer.from('hello'))
      stream.end()
      assert.equal((await answer).toString(), 'hello')
      await assert.rejects(sockets.connect(address('loose')), { errno: 'ECONNREFUSED' })
    } finally {
      listener.close()
    }
  })
})
