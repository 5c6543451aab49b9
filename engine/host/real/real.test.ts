/** The real host: files with holes and locks, sockets with errors that mean what they say. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import * as net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BlockError } from '../../util/errors.ts'
import type { ByteStream, SocketAddress } from '../host.ts'
import { createRealHost } from './index.ts'
import { servicePort } from './services.ts'
import { byteStream } from './streams.ts'
import { systemCalls, whyNoSystemCalls } from './syscalls.ts'

describe('real host', () => {
  const host = createRealHost()
  let folder = ''
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'host-'))
  })
  after(() => {
    rmSync(folder, { recursive: true })
  })
  const at = (name: string): string => join(folder, name)

  it('reads what was written, and zeroes past the end', async () => {
    const file = host.files.open(at('plain'), { write: true, create: true })
    await file.write(1000, new Uint8Array([1, 2, 3]))
    const got = new Uint8Array(8).fill(9)
    await file.read(998, got)
    assert.deepEqual([...got], [0, 0, 1, 2, 3, 0, 0, 0])
    assert.equal(file.length(), 1003)
    await file.flush()
    file.close()
  })

  it('finds and punches holes where the system can', function () {
    if (systemCalls() === undefined) {
      assert.notEqual(whyNoSystemCalls(), undefined)
      this.skip()
    }
    const file = host.files.open(at('holes'), { write: true, create: true })
    void file.write(0, new Uint8Array(1 << 18).fill(1))
    assert(file.punchHole(1 << 16, 1 << 16))
    assert.deepEqual(file.extent(0), { data: true, bytes: 1 << 16 })
    assert.deepEqual(file.extent(1 << 16), { data: false, bytes: 1 << 16 })
    assert.deepEqual(file.extent(1 << 17), { data: true, bytes: 1 << 17 })
    file.truncate(1 << 20)
    assert.deepEqual(file.extent(1 << 18), { data: false, bytes: (1 << 20) - (1 << 18) })
    file.close()
  })

  it('sees the locks of others, and only theirs', function () {
    const first = host.files.open(at('locks'), { write: true, create: true })
    const second = host.files.open(at('locks'), { write: true })
    if (first.locks === undefined || second.locks === undefined) this.skip()
    assert(first.locks.lockShared(100))
    assert(!first.locks.isHeldByOther(100))
    assert(second.locks.isHeldByOther(100))
    first.locks.unlock(100)
    assert(!second.locks.isHeldByOther(100))
    first.close()
    second.close()
  })

  it('fails with the errno of the system', () => {
    assert.throws(
      () => host.files.open(at('none/file'), { write: true }),
      (error) => error instanceof BlockError && error.errno === 'ENOENT',
    )
    assert.equal(host.files.open(folder, { write: false }).regular, false)
  })

  it('carries bytes over a unix socket, and tells the end', async () => {
    const address: SocketAddress = { type: 'unix', path: at('socket') }
    let accept: (stream: ByteStream) => void = () => undefined
    const accepted = new Promise<ByteStream>((resolve) => (accept = resolve))
    const listener = await host.sockets.listen(address, accept)
    const client = await host.sockets.connect(address)
    const server = await accepted
    const got: Uint8Array[] = []
    server.onData((chunk) => got.push(chunk))
    const ended = new Promise<void>((resolve) => {
      server.onEnd(resolve)
    })
    await client.write(new Uint8Array(1 << 20).fill(5))
    await client.write(new Uint8Array([6]))
    client.end()
    await ended
    assert.equal(Buffer.concat(got).length, (1 << 20) + 1)
    server.destroy()
    client.destroy()
    listener.close()
  })

  it('waits once for all who write into a full socket', async () => {
    const server = net.createServer((socket) => socket.pause()).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const socket = net.connect((server.address() as net.AddressInfo).port)
    const stream = byteStream(socket, socket)
    const before = socket.listenerCount('close')
    const writes = Array.from({ length: 20 }, () => stream.write(new Uint8Array(1 << 20)))
    assert.equal(socket.listenerCount('close'), before + 1)
    stream.destroy()
    for (const write of writes) await write
    server.close()
  })

  it('says why it cannot listen or connect', async () => {
    const errnoOf = async (work: Promise<unknown>): Promise<string> => {
      const failure = await work.catch((error: unknown) => error)
      return failure instanceof BlockError ? failure.errno : 'ok'
    }
    const { sockets } = host
    const unix = (path: string): SocketAddress => ({ type: 'unix', path })
    assert.equal(await errnoOf(sockets.connect(unix(at('nobody')))), 'ENOENT')
    assert.equal(await errnoOf(sockets.connect(unix(''))), 'ECONNREFUSED')
    assert.equal(await errnoOf(sockets.listen(unix(at('no/such')), () => undefined)), 'ENOENT')
    assert.equal(await errnoOf(sockets.listen(unix(folder), () => undefined)), 'EISDIR')
    const closed: SocketAddress = { type: 'inet', host: '127.0.0.1', port: 1 }
    assert.equal(await errnoOf(sockets.connect(closed)), 'ECONNREFUSED')
  })

  it('listens at addresses of the wished version only', async () => {
    const listen = async (address: Partial<SocketAddress>): Promise<string> => {
      const wanted = { type: 'inet', host: '127.0.0.1', port: 0, ...address } as SocketAddress
      try {
        const listener = await host.sockets.listen(wanted, () => undefined)
        listener.close()
        return 'ok'
      } catch (error) {
        return (error as Error).message
      }
    }
    const wrong = 'Address family for hostname not supported'
    assert.equal(await listen({ family: 4 }), 'ok')
    assert.equal(await listen({ family: 6 }), wrong)
    assert.equal(await listen({ family: 6, host: '127.1' }), wrong)
    assert.equal(await listen({ family: 4, host: '::1' }), wrong)
    assert.equal(await listen({ family: 4, host: '' }), 'ok')
    assert.equal(await listen({ family: 4, host: '::ffff:127.0.0.1' }), 'ok')
  })

  it('maps addresses of version 4 for who wishes to connect over version 6', async () => {
    const { sockets } = host
    const name = { type: 'inet', host: 'localhost', port: 0, family: 4 } as const
    const listener = await sockets.listen(name, (stream) => {
      stream.destroy()
    })
    const port = listener.address.type === 'inet' ? listener.address.port : 0
    for (const at of ['localhost', '127.0.0.1']) {
      const stream = await sockets.connect({ type: 'inet', host: at, port, family: 6 })
      stream.destroy()
    }
    listener.close()
  })

  it('makes up a path for a socket that has none', async () => {
    const listener = await host.sockets.listen({ type: 'unix', path: '' }, () => undefined)
    assert(listener.address.type === 'unix' && existsSync(listener.address.path))
    listener.close()
  })

  it('knows services where the system has a list of them', function () {
    if (!existsSync('/etc/services')) this.skip()
    assert.equal(servicePort('http'), 80)
    assert.equal(servicePort('nosuchservice'), undefined)
  })

  it('never fires a timer early', async () => {
    const start = host.clock.nowNs()
    const end = await new Promise<number>((resolve) => {
      host.clock.after(1_300_000, () => {
        resolve(host.clock.nowNs())
      })
    })
    assert(end - start >= 1_300_000)
  })
})
