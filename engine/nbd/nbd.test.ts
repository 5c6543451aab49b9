/** NBD end to end on the simulated host: our client against our server, over a byte-array model. */
import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import { startTestServer, TEST_ADDRESS, testDisk } from '../exports/testing.ts'
import type { TestDisk, TestServer } from '../exports/testing.ts'
import type { SimHost } from '../host/sim/index.ts'
import { createSimHost } from '../host/sim/index.ts'
import { BlockError, ioError } from '../util/errors.ts'
import type { Errno } from '../util/errors.ts'
import { NbdClient } from './client.ts'
import type { NbdConnectOptions } from './client.ts'
import { BASE_ALLOCATION, COMMAND, COMMAND_FLAG, EXPORT_FLAG, STATUS } from './constants.ts'

const DISK_BYTES = 64 * 1024
const ALLOCATION: NbdConnectOptions = { metaContexts: [BASE_ALLOCATION] }

interface Setup {
  readonly host: SimHost
  readonly server: TestServer
  readonly disk: TestDisk
  readonly client: NbdClient
}

async function inSim(
  test: (setup: Setup) => Promise<void>,
  options: {
    readonly seed?: number
    readonly disk?: TestDisk
    readonly connect?: NbdConnectOptions
    readonly server?: Parameters<typeof startTestServer>[2]
  } = {},
): Promise<void> {
  const host = createSimHost({ seed: options.seed ?? 1 })
  const disk = options.disk ?? testDisk(DISK_BYTES)
  const play = async (): Promise<void> => {
    const server = await startTestServer(host, disk, options.server)
    const client = await server.connect(options.connect)
    await test({ host, server, disk, client })
    await client.disconnect()
    await server.exports.closeAll()
  }
  await host.run(play(), undefined, 'the test')
}

async function errnoOf(work: Promise<unknown>): Promise<Errno | 'ok'> {
  try {
    await work
    return 'ok'
  } catch (error) {
    assert(error instanceof BlockError, String(error))
    return error.errno
  }
}

describe('NBD client and server', () => {
  it('agree with a byte array under any sequence of requests', async () => {
    const range = fc.tuple(fc.nat(DISK_BYTES - 1), fc.integer({ min: 1, max: 9000 }))
    const request = fc.record({
      kind: fc.constantFrom('read', 'pieces', 'write', 'zero', 'status', 'flush', 'cache'),
      range,
      byte: fc.integer({ min: 1, max: 255 }),
      fua: fc.boolean(),
    })
    const sequence = fc.array(request, { maxLength: 25 })
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.boolean(), sequence, (seed, structured, requests) =>
        inSim(
          async ({ client, disk }) => {
            const model = new Uint8Array(DISK_BYTES)
            for (const {
              kind,
              range: [offset, wanted],
              byte,
              fua,
            } of requests) {
              const bytes = Math.min(wanted, DISK_BYTES - offset)
              switch (kind) {
                case 'read':
                case 'pieces': {
                  const data = await client.read(offset, bytes, { pieces: kind === 'pieces' })
                  assert(
                    Buffer.from(model)
                      .subarray(offset, offset + bytes)
                      .equals(data),
                  )
                  break
                }
                case 'write':
                  await client.write(offset, new Uint8Array(bytes).fill(byte), { fua })
                  model.fill(byte, offset, offset + bytes)
                  break
                case 'zero':
                  await client.zero(offset, bytes, { fua })
                  model.fill(0, offset, offset + bytes)
                  break
                case 'status':
                  if (structured) await checkStatus(client, model, offset, bytes)
                  break
                case 'flush':
                  await client.flush()
                  break
                case 'cache':
                  await client.cache(offset, bytes)
                  break
              }
            }
            assert(Buffer.from(model).equals(disk.bytes))
          },
          { seed, connect: structured ? ALLOCATION : { structured: false } },
        ),
      ),
      { numRuns: 60 },
    )
  })

  it('keeps many requests in flight apart', () =>
    inSim(async ({ client, disk, host }) => {
      disk.before = () =>
        new Promise((resolve) => {
          host.clock.after(host.random.below(1000), resolve)
        })
      disk.bytes.forEach((_byte, index) => {
        disk.bytes[index] = index >> 8
      })
      const reads = Array.from({ length: 100 }, async (_value, index) => {
        const [first, ...rest] = await client.read(index << 8, 256)
        assert.equal(first, index)
        assert(rest.every((byte) => byte === index))
      })
      await Promise.all(reads)
    }))

  it('works on at most sixteen requests of a client at once', () =>
    inSim(async ({ client, disk, host }) => {
      let running = 0
      let most = 0
      disk.before = async () => {
        running += 1
        most = Math.max(most, running)
        await new Promise<void>((resolve) => {
          host.clock.after(1000, resolve)
        })
        running -= 1
      }
      await Promise.all(Array.from({ length: 50 }, () => client.read(0, 512)))
      assert.equal(most, 16)
    }))

  it('maps errors as the protocol has them', async () => {
    const mapped: readonly [Errno, Errno][] = [
      ['EPERM', 'EPERM'],
      ['EROFS', 'EPERM'],
      ['EIO', 'EIO'],
      ['ENOMEM', 'ENOMEM'],
      ['EFBIG', 'ENOSPC'],
      ['ENOSPC', 'ENOSPC'],
      ['EDQUOT', 'ENOSPC'],
      ['EOVERFLOW', 'EOVERFLOW'],
      ['ENOTSUP', 'ENOTSUP'],
      ['ESHUTDOWN', 'ESHUTDOWN'],
      ['EACCES', 'EINVAL'],
      ['ECANCELED', 'EINVAL'],
    ]
    await inSim(async ({ client, disk }) => {
      for (const [inner, outer] of mapped) {
        disk.before = () => {
          throw ioError(inner)
        }
        assert.equal(await errnoOf(client.write(0, new Uint8Array(512))), outer)
        assert.equal(await errnoOf(client.read(0, 512)), outer)
      }
    })
  })

  it('hang up on a failed read in pieces, and answer one in a single piece', async () => {
    const disk = testDisk(DISK_BYTES)
    disk.bytes.fill(1)
    await inSim(
      async ({ client, server }) => {
        disk.before = (kind) => {
          if (kind === 'read') throw ioError('ENOSPC')
        }
        assert.equal(await errnoOf(client.read(0, 512)), 'ENOSPC')
        assert.equal(await errnoOf(client.read(0, 512, { pieces: true })), 'EIO')
        assert.deepEqual(server.log, [
          'Disconnect client, due to: Failed to send reply: reading from file failed: No space left on device',
        ])
      },
      { disk },
    )
  })

  it('refuses requests outside the disk, with unknown flags or types', () =>
    inSim(async ({ client }) => {
      const { read, write, writeZeroes, trim, cache, flush } = COMMAND
      const cases: readonly [number, number, number, number, Errno | 'ok'][] = [
        [read, 0, DISK_BYTES, 1, 'EINVAL'],
        [read, 0, DISK_BYTES + 1, 0, 'EINVAL'],
        [read, COMMAND_FLAG.noHole, 0, 1, 'EINVAL'],
        [writeZeroes, 0, DISK_BYTES, 1, 'EINVAL'],
        [writeZeroes, 0, DISK_BYTES, 0, 'ok'],
        [trim, 0, DISK_BYTES - 1, 2, 'EINVAL'],
        [trim, COMMAND_FLAG.noHole, 0, 2, 'EINVAL'],
        [cache, 0, 0, 2 ** 26, 'EINVAL'],
        [flush, 0, 99, 99, 'ok'],
        [99, 0, 0, 0, 'EINVAL'],
        [write, 0, DISK_BYTES, 0, 'ok'],
      ]
      for (const [type, flags, offset, bytes, outcome] of cases) {
        const text = `${String(type)} ${String(flags)} ${String(offset)} ${String(bytes)}`
        assert.equal(await errnoOf(client.raw(type, flags, offset, bytes)), outcome, text)
      }
    }))

  it('takes no writes on a read-only export', () =>
    inSim(
      async ({ client }) => {
        assert(client.info.readOnly)
        assert.equal(await errnoOf(client.write(0, new Uint8Array(1))), 'EINVAL')
        assert.equal(await errnoOf(client.zero(0, 1)), 'EINVAL')
        assert.equal(await errnoOf(client.trim(0, 1)), 'EINVAL')
        assert.equal(await errnoOf(client.flush()), 'ok')
      },
      { server: { writable: false } },
    ))

  it('merges neighbours of one state, and answers with one extent when asked to', async () => {
    const disk = testDisk(4096)
    disk.bytes.fill(7, 512, 1536)
    await inSim(
      async ({ client }) => {
        const hole = STATUS.hole | STATUS.zero
        const [all] = await client.blockStatus(0, 4096)
        assert.deepEqual(all?.extents, [
          { bytes: 512, flags: hole },
          { bytes: 1024, flags: 0 },
          { bytes: 2560, flags: hole },
        ])
        const [one] = await client.blockStatus(512, 3000, { one: true })
        assert.deepEqual(one?.extents, [{ bytes: 1024, flags: 0 }])
      },
      { disk, connect: ALLOCATION },
    )
  })

  it('tell each other flags, sizes, names and descriptions', async () => {
    const disk = testDisk(4096, { requestAlignment: 512 })
    await inSim(
      async ({ client, host }) => {
        const { hasFlags, flush, fua, trim, writeZeroes, df, multiConn, cache, fastZero } =
          EXPORT_FLAG
        assert.deepEqual(client.info, {
          size: 4096,
          flags: hasFlags | flush | fua | trim | writeZeroes | df | multiConn | cache | fastZero,
          readOnly: false,
          structured: true,
          minimumBlock: 512,
          preferredBlock: 4096,
          maximumPayload: 32 << 20,
          name: 'disk',
          description: 'for tests',
          metaContexts: [BASE_ALLOCATION],
        })
        const list = await NbdClient.list(await host.sockets.connect(TEST_ADDRESS))
        assert.deepEqual(list, [{ name: 'disk', description: 'for tests' }])
        const stream = await host.sockets.connect(TEST_ADDRESS)
        assert.deepEqual(await NbdClient.listMetaContexts(stream, 'disk'), [BASE_ALLOCATION])
      },
      { disk, connect: ALLOCATION, server: { description: 'for tests' } },
    )
  })

  it('says which export is missing, with what the server said as a hint', () =>
    inSim(async ({ server }) => {
      await assert.rejects(server.connect({ export: 'nope' }), (error: unknown) => {
        assert(error instanceof BlockError)
        assert.equal(error.message, 'Requested export not available')
        assert.equal(error.hint, "server reported: export 'nope' not present\n")
        return true
      })
    }))

  it('fails what is under way when the client leaves', () =>
    inSim(async ({ client, disk, host }) => {
      disk.before = () =>
        new Promise((resolve) => {
          host.clock.after(1000, resolve)
        })
      const read = errnoOf(client.read(0, 512))
      await client.disconnect()
      assert.equal(await read, 'ESHUTDOWN')
      assert.equal(await errnoOf(client.read(0, 512)), 'ESHUTDOWN')
    }))
})

async function checkStatus(
  client: NbdClient,
  model: Uint8Array,
  offset: number,
  bytes: number,
): Promise<void> {
  const [status] = await client.blockStatus(offset, bytes)
  let at = offset
  for (const extent of status?.extents ?? []) {
    if ((extent.flags & STATUS.zero) !== 0) {
      assert(model.subarray(at, at + extent.bytes).every((byte) => byte === 0))
    }
    at += extent.bytes
  }
  assert.equal(at, offset + bytes)
}
