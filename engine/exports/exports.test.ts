/** The export registry: refusals in the words of 7.2, order of events, clients that stay or go. */
import assert from 'node:assert/strict'
import type { SimHost } from '../host/sim/index.ts'
import { createSimHost } from '../host/sim/index.ts'
import { NbdClient } from '../nbd/client.ts'
import { BlockError } from '../util/errors.ts'
import type { NbdExportOptions } from './exports.ts'
import type { TestServer } from './testing.ts'
import { startTestServer, TEST_ADDRESS, testDisk } from './testing.ts'

interface Setup {
  readonly host: SimHost
  readonly server: TestServer
  readonly add: (options: Partial<NbdExportOptions>) => Promise<void>
}

async function inSim(
  test: (setup: Setup) => Promise<void>,
  options: Parameters<typeof startTestServer>[2] = {},
): Promise<void> {
  const host = createSimHost({ seed: 3 })
  const play = async (): Promise<void> => {
    const server = await startTestServer(host, testDisk(4096), options)
    const add = (given: Partial<NbdExportOptions>): Promise<void> =>
      (async () => server.exports.add({ type: 'nbd', id: 'x', 'node-name': 'disk', ...given }))()
    await test({ host, server, add })
  }
  await host.run(play(), undefined, 'the test')
}

async function textOf(work: Promise<unknown>): Promise<string> {
  const failure = await work.then(
    () => undefined,
    (error: unknown) => error,
  )
  return failure instanceof BlockError ? failure.message : String(failure)
}

/** Makes requests of the disk take a while. */
function slowDown({ host, server }: Setup, delayNs: number): void {
  server.disk.before = () =>
    new Promise((resolve) => {
      host.clock.after(delayNs, resolve)
    })
}

describe('exports', () => {
  const long = 'x'.repeat(4097)
  const refused: readonly [Partial<NbdExportOptions>, string][] = [
    [{ id: '1x' }, 'Invalid block export id'],
    [{ id: '' }, 'Invalid block export id'],
    [{ id: 'e 0' }, 'Invalid block export id'],
    [{ id: 'e' }, "Block export id 'e' is already in use"],
    [{ 'node-name': 'nope' }, 'there is one disk'],
    [{ iothread: 'io', name: long }, 'iothread "io" not found'],
    [{ name: long }, `export name '${long}' too long`],
    [{ description: long }, `description '${long}' too long`],
    [{}, "NBD server already has export named 'disk'"],
    [{ name: 'y', bitmaps: ['b'] }, "Bitmap 'b' is not found"],
    [{ name: 'y', bitmaps: [{ node: 'zz', name: 'b' }] }, "Node 'zz' not found"],
    [{ name: 'y', bitmaps: [{ node: 'disk', name: 'b' }] }, "Dirty bitmap 'b' not found"],
  ]
  it('are refused in the words of 7.2, and nothing stays behind', () =>
    inSim(async ({ server, add }) => {
      for (const [options, text] of refused) assert.equal(await textOf(add(options)), text)
      assert.deepEqual(
        server.exports.list().map(({ id }) => id),
        ['e'],
      )
    }))

  it('need a server, of which there is one', () =>
    inSim(async ({ server, add }) => {
      const { exports } = server
      const start = (): Promise<void> => exports.startServer({ addr: TEST_ADDRESS })
      assert.equal(await textOf(start()), 'NBD server already running')
      await exports.stopServer()
      assert.equal(await textOf(exports.stopServer()), 'NBD server not running')
      assert.equal(await textOf(add({})), 'NBD server not running')
      assert.equal(await textOf(exports.remove('e', 'safe')), "Export 'e' is not found")
      const creds = { addr: TEST_ADDRESS, 'tls-creds': 'c' }
      assert.equal(await textOf(exports.startServer(creds)), "No TLS credentials with id 'c'")
      const path = `/${'x'.repeat(120)}`
      const tooLong = { addr: { type: 'unix' as const, path } }
      assert.equal(
        await textOf(exports.startServer({ ...tooLong, 'tls-creds': 'c' })),
        `UNIX socket path '${path}' is too long`,
      )
      await start()
      await add({})
    }))

  it('are listed newest first, and go in the order of their making', () =>
    inSim(async ({ server, add }) => {
      await add({ id: 'z', name: 'z' })
      await add({ id: 'a', name: 'a' })
      assert.deepEqual(
        server.exports.list().map(({ id }) => id),
        ['a', 'z', 'e'],
      )
      await server.exports.stopServer()
      assert.deepEqual(server.events, [
        'BLOCK_EXPORT_DELETED e',
        'BLOCK_EXPORT_DELETED z',
        'BLOCK_EXPORT_DELETED a',
      ])
      assert.deepEqual(server.exports.list(), [])
    }))

  it('stay while clients are connected, unless removed the hard way', () =>
    inSim(async ({ server }) => {
      const client = await server.connect()
      const { exports } = server
      assert.equal(await textOf(exports.remove('e', 'safe')), "export 'e' still in use")
      await client.read(0, 512)
      await exports.remove('e', 'hard')
      assert.equal(await textOf(client.read(0, 512)), 'server closed the connection')
    }))

  it('are in use until a client that says goodbye sees the server leave', () =>
    inSim(async ({ server }) => {
      const client = await server.connect()
      await client.disconnect()
      await client.ended
      await server.exports.remove('e', 'safe')
    }))

  it('wait for the requests of clients that they drop', () =>
    inSim(async (setup) => {
      const { server, add, host } = setup
      const { exports } = server
      slowDown(setup, 1e9)
      const client = await server.connect()
      const read = textOf(client.read(0, 512))
      await host.idle()
      await exports.remove('e', 'hard')
      assert.equal(await read, 'server closed the connection')
      assert.equal(exports.list()[0]?.['shutting-down'], true)
      const again = "Export 'e' is already shutting down"
      assert.equal(await textOf(exports.remove('e', 'hard')), again)
      // The id is taken until it is gone, the name is free at once.
      assert.equal(await textOf(add({ id: 'e' })), "Block export id 'e' is already in use")
      await add({ id: 'n' })
      assert.deepEqual(server.events, [])
      await host.advance(1e9)
      assert.deepEqual(server.events, ['BLOCK_EXPORT_DELETED e'])
    }))

  it('end for good when the server stops, however busy', () =>
    inSim(async (setup) => {
      slowDown(setup, 1e6)
      const { server, host } = setup
      const client = await server.connect()
      const write = textOf(client.write(0, new Uint8Array(512).fill(1)))
      await host.idle()
      await server.exports.stopServer()
      assert.equal(await write, 'server closed the connection')
      // What the server had taken was carried out.
      assert.equal(server.disk.bytes[511], 1)
      assert.deepEqual(server.events, ['BLOCK_EXPORT_DELETED e'])
    }))

  it('stop with clients that have not chosen an export yet', () =>
    inSim(async ({ server, host }) => {
      const stream = await host.sockets.connect(TEST_ADDRESS)
      const ended = new Promise<void>((resolve) => {
        stream.onData(() => undefined)
        stream.onEnd(resolve)
      })
      await host.idle()
      await server.exports.stopServer()
      await ended
    }))

  it('keep clients waiting beyond the limit of connections', () =>
    inSim(
      async ({ server, host }) => {
        const first = await server.connect()
        const second = server.connect()
        await host.idle()
        let connected = false
        void second.then(() => (connected = true))
        await host.idle()
        assert.equal(connected, false)
        await first.disconnect()
        await (await second).disconnect()
      },
      { maxConnections: 1 },
    ))

  it('say that several connections agree, unless there is but one', async () => {
    const flagsWith = async (maxConnections: number): Promise<number> => {
      let flags = 0
      await inSim(
        async ({ server }) => {
          const client = await server.connect({ structured: false })
          flags = client.info.flags
          await client.disconnect()
        },
        { maxConnections },
      )
      return flags
    }
    assert.equal(await flagsWith(0), 0xd6d)
    assert.equal(await flagsWith(1), 0xc6d)
  })

  it('flush after each write where they are writethrough', async () => {
    await inSim(
      async ({ server }) => {
        const seen: boolean[] = []
        const client = await server.connect()
        server.disk.wrote = ({ fua }) => seen.push(fua === true)
        await client.write(0, new Uint8Array(512))
        await client.zero(0, 512)
        assert.deepEqual(seen, [true, true])
        await client.disconnect()
      },
      { writethrough: true },
    )
  })

  it('are offered by name and description to who asks', () =>
    inSim(async ({ server, add, host }) => {
      await add({ id: 'two', name: 'second', description: 'the other one' })
      const list = await NbdClient.list(await host.sockets.connect(TEST_ADDRESS))
      assert.deepEqual(list, [
        { name: 'disk', description: '' },
        { name: 'second', description: 'the other one' },
      ])
      assert.equal(server.exports.serverRunning, true)
    }))
})
