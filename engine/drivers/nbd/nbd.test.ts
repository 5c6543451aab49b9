/** The `nbd` node on the simulated host: opening, limits, losing the server and getting it back. */
import assert from 'node:assert/strict'
import type { Instance, OpenContext, ReopenQuery } from '../../block/driver.ts'
import type { TestServer } from '../../exports/testing.ts'
import { startTestServer, TEST_ADDRESS, testDisk } from '../../exports/testing.ts'
import type { SimHost } from '../../host/sim/index.ts'
import { createSimHost } from '../../host/sim/index.ts'
import { BlockError } from '../../util/errors.ts'
import { nbd } from '../nbd.ts'

const SIZE = 4096
const SERVER = { type: 'unix', path: TEST_ADDRESS.path }

interface Setup {
  readonly host: SimHost
  readonly server: TestServer
  readonly open: (options?: Record<string, unknown>, readOnly?: boolean) => Promise<Instance>
  readonly fallbacks: string[]
}

async function inSim(
  test: (setup: Setup) => Promise<void>,
  options: Parameters<typeof startTestServer>[2] = {},
): Promise<void> {
  const host = createSimHost({ seed: 5 })
  const fallbacks: string[] = []
  const open = async (given: Record<string, unknown> = {}, readOnly = false): Promise<Instance> => {
    const context = {
      options: { server: SERVER, export: 'disk', ...given },
      services: { ...host, object: () => undefined },
      node: {
        flags: { readOnly },
        fallBackToReadOnly: (reason: string) => {
          fallbacks.push(reason)
          throw new BlockError(reason)
        },
      },
    }
    // The driver looks at no more of its context than this.
    return nbd.open(context as unknown as OpenContext)
  }
  const play = async (): Promise<void> => {
    const server = await startTestServer(host, testDisk(SIZE), options)
    await test({ host, server, open, fallbacks })
    await server.exports.closeAll()
  }
  await host.run(play(), undefined, 'the test')
}

async function restart(server: TestServer, options: { writable?: boolean } = {}): Promise<void> {
  await server.exports.startServer({ addr: TEST_ADDRESS })
  const about = { type: 'nbd', id: 'e', 'node-name': 'disk', writable: true } as const
  await server.exports.add({ ...about, ...options })
}

async function textOf(work: Promise<unknown>): Promise<string> {
  const failure = await work.then(
    () => undefined,
    (error: unknown) => error,
  )
  return failure instanceof BlockError ? failure.message : String(failure)
}

async function errnoOfRead(node: Instance): Promise<string | undefined> {
  try {
    await node.read(0, new Uint8Array(1), {})
    return undefined
  } catch (error) {
    assert(error instanceof BlockError)
    return error.errno
  }
}

describe('nbd node', () => {
  it('reads, writes and tells the status of the export', () =>
    inSim(async ({ open, server }) => {
      const node = await open()
      assert.equal(node.length(), SIZE)
      await node.write(512, new Uint8Array(512).fill(3), { fua: true })
      assert.equal(server.disk.bytes[1023], 3)
      const got = new Uint8Array(SIZE)
      await node.read(0, got, {})
      assert(Buffer.from(got).equals(server.disk.bytes))
      assert.deepEqual(await node.status?.(0, SIZE), {
        bytes: 512,
        allocated: true,
        data: false,
        zero: true,
        offset: 0,
      })
      await node.zero?.(512, 512, {})
      assert(server.disk.bytes.every((byte) => byte === 0))
      await node.flush?.()
      await node.close?.()
    }))

  it('takes its limits from the server', async () => {
    await inSim(async ({ open }) => {
      const node = await open()
      assert.deepEqual(node.limits?.(), {
        requestAlignment: 1,
        maxTransfer: 32 << 20,
        optimalTransfer: 4096,
        maxZero: 2 ** 31 - 1,
        maxDiscard: 2 ** 31 - 1,
      })
      await node.close?.()
    })
  })

  it('gives storage up by zeroing, as the server may', async () => {
    await inSim(async ({ open }) => {
      const node = await open()
      assert.equal(node.supports?.unmapZero, true)
      await node.close?.()
    })
  })

  it('is refused in the words of 7.2', () =>
    inSim(async ({ open }) => {
      const path = { type: 'unix', path: '/none' }
      const inet = { type: 'inet', host: '127.1', port: '1' }
      const descriptor = { type: 'fd', str: '7' }
      const long = 'x'.repeat(5000)
      const cases: readonly [Record<string, unknown>, string][] = [
        [{ server: path }, "Failed to connect to '/none': No such file or directory"],
        [{ server: inet }, "Failed to connect to '127.1:1': Connection refused"],
        [
          { server: { ...inet, port: 'x' } },
          'address resolution failed for 127.1:x: Servname not supported for ai_socktype',
        ],
        [{ export: 'nope' }, 'Requested export not available'],
        [{ export: long }, 'export name too long to send to server'],
        [{ 'tls-creds': 'c' }, "No TLS credentials with id 'c'"],
        [{ server: path, 'tls-creds': 'c' }, "No TLS credentials with id 'c'"],
        [{ server: descriptor, 'tls-creds': 'c' }, 'only QEMU supports file descriptor passing'],
        [{ server: descriptor, export: long }, 'only QEMU supports file descriptor passing'],
        [{ export: long, 'tls-creds': 'c' }, 'export name too long to send to server'],
        [{ 'x-dirty-bitmap': long, 'tls-creds': 'c' }, "No TLS credentials with id 'c'"],
        [{ 'x-dirty-bitmap': long }, 'x-dirty-bitmap query too long to send to server'],
        [{ 'x-dirty-bitmap': 'b' }, 'Could not open image: Invalid argument'],
      ]
      for (const [options, text] of cases) assert.equal(await textOf(open(options)), text)
    }))

  it('asks to be read-only where the server is', () =>
    inSim(
      async ({ open, fallbacks }) => {
        assert.equal(await textOf(open()), 'Could not open image: Permission denied')
        assert.equal(fallbacks.length, 1)
      },
      { writable: false },
    ))

  it('keeps trying to connect for as long as it may', () =>
    inSim(async ({ open, host }) => {
      const start = host.clock.nowNs()
      const server = { type: 'unix', path: '/none' }
      await textOf(open({ server, 'open-timeout': 3 }))
      assert.equal(host.clock.nowNs() - start, 3e9)
    }))

  it('tells what went wrong last when it gives up opening, or that nothing did', () =>
    inSim(async ({ open, host }) => {
      const server = { type: 'vsock', cid: '1', port: '2' }
      const cancelled = 'Connection attempt cancelled by timeout'
      const failed = "Failed to connect to '1:2': Connection timed out"
      for (const [seconds, text] of [
        [1, cancelled],
        [2, cancelled],
        [3, failed],
        [4, failed],
      ] as const) {
        const start = host.clock.nowNs()
        assert.equal(await textOf(open({ server, 'open-timeout': seconds })), text)
        assert.equal(host.clock.nowNs() - start, seconds * 1e9)
      }
    }))

  it('fails while the server is lost, and finds it again by itself', () =>
    inSim(async ({ open, server, host }) => {
      const node = await open()
      await server.exports.stopServer()
      await restart(server)
      // The first notices, the second begins to look.
      assert.equal(await errnoOfRead(node), 'EIO')
      assert.equal(await errnoOfRead(node), 'EIO')
      await host.idle()
      assert.equal(await errnoOfRead(node), undefined)
      await server.exports.stopServer()
      for (const _again of [1, 2, 3]) assert.equal(await errnoOfRead(node), 'EIO')
      await node.close?.()
    }))

  it('looks for a lost server less and less often', () =>
    inSim(async ({ open, server, host }) => {
      const node = await open({ 'reconnect-delay': 9 })
      await server.exports.stopServer()
      const attempts: number[] = []
      const listener = await host.sockets.listen({ type: 'unix', path: SERVER.path }, (stream) => {
        attempts.push(host.clock.nowNs() / 1e9)
        stream.destroy()
      })
      assert.equal(await errnoOfRead(node), 'EIO')
      assert.equal(host.clock.nowNs(), 9e9)
      assert.equal(await errnoOfRead(node), 'EIO')
      await host.advance(50e9)
      assert.deepEqual(attempts, [0, 1, 3, 7, 15, 31, 47])
      listener.close()
      await node.close?.()
    }))

  it('waits for a lost server if it may', () =>
    inSim(async ({ open, server, host }) => {
      const node = await open({ 'reconnect-delay': 10 })
      await server.exports.stopServer()
      const late = (async () => node.write(0, new Uint8Array(512).fill(9), {}))()
      await host.advance(4.5e9)
      await server.exports.startServer({ addr: TEST_ADDRESS })
      await server.exports.add({ type: 'nbd', id: 'e', 'node-name': 'disk', writable: true })
      await late
      assert.equal(server.disk.bytes[0], 9)
      await node.close?.()
    }))

  it('sends again what was under way when the server was lost', () =>
    inSim(async ({ open, server, host }) => {
      const node = await open({ 'reconnect-delay': 10 })
      const held: (() => void)[] = []
      server.disk.before = () => new Promise((resolve) => held.push(resolve))
      const write = (async () => node.write(0, new Uint8Array(512).fill(9), {}))()
      const read = (async () => node.read(512, new Uint8Array(512), {}))()
      await host.idle()
      assert.equal(held.length, 2)
      const stopped = server.exports.stopServer()
      server.disk.before = () => undefined
      for (const release of held) release()
      await stopped
      server.disk.bytes.fill(0)
      await restart(server)
      await Promise.all([write, read])
      assert.equal(server.disk.bytes[0], 9)
      await node.close?.()
    }))

  it('has all requests wait for one attempt to get the server back', () =>
    inSim(async ({ open, server, host }) => {
      const node = await open({ 'reconnect-delay': 3 })
      await server.exports.stopServer()
      const early = textOf((async () => node.read(0, new Uint8Array(1), {}))())
      await host.advance(2e9)
      const late = textOf((async () => node.read(0, new Uint8Array(1), {}))())
      assert.deepEqual(await Promise.all([early, late]), Array(2).fill('Input/output error'))
      assert.equal(host.clock.nowNs(), 3e9)
    }))

  it('takes no other disk for the one that it lost', () =>
    inSim(async ({ open, server }) => {
      const node = await open({ 'reconnect-delay': 5 })
      await server.exports.stopServer()
      await restart(server, { writable: false })
      const failure = await textOf((async () => node.read(0, new Uint8Array(1), {}))())
      assert.equal(failure, 'Input/output error')
    }))

  it('opens as soon as a late server is there', () =>
    inSim(async ({ open, server, host }) => {
      await server.exports.stopServer()
      const opening = open({ 'open-timeout': 10 })
      await host.advance(4.5e9)
      await restart(server)
      const node = await opening
      // Attempts come after 1, 3 and 7 seconds.
      assert.equal(host.clock.nowNs(), 7e9)
      await node.close?.()
    }))

  it('has the size that the server says, so that it can only do with less', () =>
    inSim(async ({ open }) => {
      const node = await open()
      const resized = (bytes: number, exact: boolean): Promise<string> =>
        textOf((async () => node.truncate?.(bytes, { exact }))())
      assert.equal(await resized(SIZE, true), 'undefined')
      assert.equal(await resized(512, true), 'Cannot resize NBD nodes')
      assert.equal(await resized(512, false), 'undefined')
      assert.equal(await resized(SIZE + 512, false), 'Cannot grow NBD nodes')
      assert.equal(node.length(), SIZE)
      await node.close?.()
    }))

  it('does not become writable where the server is not', () =>
    inSim(
      async ({ open }) => {
        const node = await open({}, true)
        const query = (readOnly: boolean) => ({ flags: { readOnly } }) as ReopenQuery
        assert.deepEqual(await node.reopen?.(query(true)), {})
        const text = await textOf((async () => node.reopen?.(query(false)))())
        assert.equal(text, "Can't reopen read-only NBD mount as read/write")
        await node.close?.()
      },
      { writable: false },
    ))

  it('gives up on a lost server when the time is over', () =>
    inSim(async ({ open, server, host }) => {
      const node = await open({ 'reconnect-delay': 2 })
      await server.exports.stopServer()
      const failure = await textOf((async () => node.read(0, new Uint8Array(1), {}))())
      assert.equal(failure, 'Input/output error')
      assert.equal(host.clock.nowNs(), 2e9)
    }))
})
