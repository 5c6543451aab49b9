/** The simulated host: order, time, streams, files. */
import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import { BlockError } from '../../util/errors.ts'
import type { ByteStream, HostFile, SocketAddress, Timer } from '../host.ts'
import { streamPair } from '../pair.ts'
import { releaseFiles, type SavedFiles } from './files.ts'
import { createSimHost, SimStalled } from './index.ts'

const ADDRESS: SocketAddress = { type: 'unix', path: '/run/s' }

function errnoOf(work: () => unknown): string {
  try {
    work()
    return 'ok'
  } catch (error) {
    assert(error instanceof BlockError)
    return error.errno
  }
}

describe('simulated scheduler', () => {
  async function orderWith(options: Parameters<typeof createSimHost>[0]): Promise<string> {
    const host = createSimHost(options)
    let order = ''
    for (const name of 'abcdef') host.post(() => (order += name))
    await host.idle()
    return order
  }

  it('runs the same order for the same seed and another for another', async () => {
    assert.equal(await orderWith({ seed: 7 }), await orderWith({ seed: 7 }))
    const orders = new Set<string>()
    for (let seed = 0; seed < 20; seed += 1) orders.add(await orderWith({ seed }))
    assert(orders.size > 10)
  })

  it('lets a test choose the order', async () => {
    assert.equal(await orderWith({ choose: () => 0 }), 'abcdef')
    assert.equal(await orderWith({ choose: (count) => count - 1 }), 'fedcba')
  })

  it('jumps to the next timer when nothing is ready', async () => {
    const host = createSimHost()
    const fired: number[] = []
    for (const delay of [3e9, 1e9, 2e9]) {
      host.clock.after(delay, () => fired.push(host.clock.nowNs()))
    }
    await host.run(
      new Promise<void>((resolve) => {
        host.clock.after(4e9, resolve)
      }),
    )
    assert.deepEqual(fired, [1e9, 2e9, 3e9])
    assert.equal(host.clock.nowNs(), 4e9)
    assert.equal(host.clock.timeOfDay().seconds, 1_000_000_004)
  })

  it('settles work that needs no task at all', async () => {
    const host = createSimHost()
    const value = await host.run(Promise.all([1, 2].map(async (each) => Promise.resolve(each))))
    assert.deepEqual(value, [1, 2])
  })

  it('ends an advance exactly where it was asked to', async () => {
    const host = createSimHost()
    let fired = 0
    host.clock.after(10, () => (fired += 1))
    host.clock.after(11, () => (fired += 1))
    await host.advance(10)
    assert.deepEqual([fired, host.clock.nowNs()], [1, 10])
  })

  it('does not fire cancelled timers, even ready ones', async () => {
    const host = createSimHost({ choose: () => 0 })
    const timers: Timer[] = []
    host.clock.after(5, () => {
      timers[0]?.cancel()
    })
    timers.push(host.clock.after(5, () => assert.fail('it was cancelled')))
    await host.advance(10)
  })

  it('says what was waited for when nothing can happen any more', async () => {
    const host = createSimHost()
    await assert.rejects(
      host.run(new Promise(() => undefined), undefined, 'a reply'),
      (error) => error instanceof SimStalled && error.message.includes('waiting for a reply'),
    )
    host.clock.after(2000, () => undefined)
    await assert.rejects(host.run(new Promise(() => undefined), 1000), /limit of 1000 ns/)
  })

  it('leaves the clock to a step that runs inside', async () => {
    const host = createSimHost()
    host.clock.after(100, () => undefined)
    const seen = await host.run(
      (async () => {
        await host.idle()
        const before = host.clock.nowNs()
        await host.advance(50)
        return [before, host.clock.nowNs()]
      })(),
    )
    assert.deepEqual(seen, [0, 50])
  })
})

describe('simulated streams', () => {
  async function exchange(seed: number, pieces: readonly Uint8Array[]): Promise<Buffer> {
    const host = createSimHost({ seed })
    const accepted = new Promise<ByteStream>((resolve) => {
      void host.sockets.listen(ADDRESS, resolve)
    })
    const play = async (): Promise<Buffer> => {
      const client = await host.sockets.connect(ADDRESS)
      const server = await accepted
      const got: Uint8Array[] = []
      server.onData((chunk) => got.push(chunk))
      const ended = new Promise<void>((resolve) => {
        server.onEnd(resolve)
      })
      for (const piece of pieces) await client.write(piece)
      client.end()
      await ended
      return Buffer.concat(got)
    }
    await host.idle()
    return host.run(play())
  }

  it('deliver all bytes in order under any schedule', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(),
        fc.array(fc.uint8Array({ maxLength: 9 })),
        async (seed, pieces) => {
          assert((await exchange(seed, pieces)).equals(Buffer.concat(pieces)))
        },
      ),
      { numRuns: 50 },
    )
  })

  it('refuse where nobody listens', async () => {
    const host = createSimHost()
    const connect = async (address: SocketAddress): Promise<string> => {
      const failure = await host.run(host.sockets.connect(address).catch((error: unknown) => error))
      return failure instanceof BlockError ? failure.errno : 'connected'
    }
    assert.equal(await connect(ADDRESS), 'ENOENT')
    assert.equal(await connect({ type: 'unix', path: 'x', abstract: 'tight' }), 'ECONNREFUSED')
    assert.equal(await connect({ type: 'unix', path: '' }), 'ECONNREFUSED')
    assert.equal(await connect({ type: 'inet', host: '127.1', port: 1 }), 'ECONNREFUSED')
    assert.equal(await connect({ type: 'inet', host: 'h', port: 1 }), 'ENXIO')
    assert.equal(await connect({ type: 'inet', host: '10.0.0.1', port: 1 }), 'ENETUNREACH')
  })

  it('hold back a writer whose reader is paused, and tell the end to nobody who left', async () => {
    const host = createSimHost()
    const [here, there] = streamPair(host)
    there.onData(() => undefined)
    there.pause()
    const blocked = here.write(new Uint8Array(2 << 20))
    assert(blocked instanceof Promise)
    await host.idle()
    there.resume()
    await host.run(blocked)
    let ends = 0
    here.onEnd(() => assert.fail('it left by itself'))
    there.onEnd(() => (ends += 1))
    here.destroy()
    await host.idle()
    assert.equal(ends, 1)
    assert.equal(there.write(new Uint8Array(2 << 20)), undefined)
  })
})

describe('simulated files', () => {
  it('agree with a byte array, report no hole that has bytes, and are kept as they were', () => {
    const place = fc.tuple(fc.nat(200_000), fc.nat(70_000))
    const step = fc.record({
      kind: fc.constantFrom('write', 'punch', 'zero', 'truncate', 'save'),
      place,
      byte: fc.integer({ min: 1, max: 255 }),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        const { files } = createSimHost()
        const file = files.open('/disk', { write: true, create: true })
        let model = Buffer.alloc(0)
        const kept: { readonly files: SavedFiles; readonly model: Buffer }[] = []
        const fill = (value: number, from: number, bytes: number): void => {
          const end = Math.min(from + bytes, model.length)
          if (from < end) model.fill(value, from, end)
        }
        const grow = (bytes: number): void => {
          if (bytes > model.length) model = Buffer.concat([model], bytes)
        }
        for (const {
          kind,
          place: [offset, bytes],
          byte,
        } of steps) {
          if (kind === 'write') {
            void file.write(offset, new Uint8Array(bytes).fill(byte))
            if (bytes > 0) grow(offset + bytes)
            fill(byte, offset, bytes)
          } else if (kind === 'punch') {
            file.punchHole(offset, bytes)
            fill(0, offset, bytes)
          } else if (kind === 'zero') {
            file.zeroRange(offset, bytes)
            if (bytes > 0) grow(offset + bytes)
            fill(0, offset, bytes)
          } else if (kind === 'save') {
            kept.push({ files: files.save(), model: Buffer.from(model) })
          } else {
            file.truncate(offset)
            grow(offset)
            model = model.subarray(0, offset)
          }
        }
        assert.equal(file.length(), model.length)
        const all = new Uint8Array(model.length + 100)
        void file.read(0, all)
        assert(model.equals(all.subarray(0, model.length)))
        assert(all.subarray(model.length).every((each) => each === 0))
        for (let at = 0; at < model.length;) {
          const extent = file.extent(at)
          assert(extent.bytes > 0)
          const run = model.subarray(at, at + extent.bytes)
          assert(extent.data || run.every((each) => each === 0))
          at += extent.bytes
        }
        // The next one begins with memory that is not all zeroes.
        files.clear()
        for (const saved of kept) {
          const elsewhere = createSimHost().files
          elsewhere.restore(saved.files)
          assert(saved.model.equals(elsewhere.content('/disk')))
          // Who takes over what is given back takes nothing from files that began there.
          releaseFiles(saved.files)
          createSimHost().files.put('/other', new Uint8Array(saved.model.length).fill(0xff))
          assert(saved.model.equals(elsewhere.content('/disk')))
        }
      }),
      { numRuns: 100, examples: [[[{ kind: 'write', place: [1, 0], byte: 1 }]]] },
    )
  })

  it('hold nothing of files that a host has cleared away', () => {
    const before = createSimHost()
    const old = before.files.open('/old', { write: true, create: true })
    void old.write(0, new Uint8Array(1 << 20).fill(0xff))
    before.files.clear()
    assert.deepEqual(before.files.list(), [])
    assert.equal(old.length(), 0)

    const file = createSimHost().files.open('/new', { write: true, create: true })
    file.zeroRange(1 << 16, 1 << 16)
    void file.write(9, new Uint8Array([1]))
    const all = new Uint8Array(1 << 17).fill(2)
    void file.read(0, all)
    assert.deepEqual(
      [...all.entries()].filter(([, byte]) => byte !== 0),
      [[9, 1]],
    )
  })

  it('find the data behind a hole of any size at once', () => {
    const file = createSimHost().files.open('/disk', { write: true, create: true })
    file.truncate(2 ** 43)
    void file.write(2 ** 42, new Uint8Array([1]))
    assert.deepEqual(file.extent(0), { data: false, bytes: 2 ** 42 })
    assert.deepEqual(file.extent(2 ** 42), { data: true, bytes: 4096 })
    assert.equal(file.allocatedBytes(), 4096)
  })

  const LONGEST = 2 ** 44 - 4096

  it('take what there is room for of a write across the longest length', () => {
    const file = createSimHost().files.open('/new', { write: true, create: true })
    assert.throws(() => file.write(LONGEST - 1, new Uint8Array([1, 2])), { errno: 'EFBIG' })
    assert.equal(file.length(), LONGEST)
    const last = new Uint8Array(2)
    void file.read(LONGEST - 1, last)
    assert.deepEqual([...last], [1, 0])
  })

  const TOO_FAR: readonly (readonly [string, (file: HostFile) => unknown])[] = [
    ['truncated', (file) => file.truncate(LONGEST + 1)],
    ['written', (file) => file.write(LONGEST, new Uint8Array(1))],
    ['zeroed', (file) => file.zeroRange(LONGEST - 1, 2)],
    ['punched', (file) => file.punchHole(LONGEST - 1, 2)],
    ['set aside', (file) => file.allocate(LONGEST - 1, 2)],
  ]
  for (const [verb, act] of TOO_FAR) {
    it(`are not ${verb} behind the longest length`, () => {
      const file = createSimHost().files.open('/new', { write: true, create: true })
      assert.throws(() => act(file), { errno: 'EFBIG' })
      assert.equal(file.length(), 0)
    })
  }

  const CACHED: readonly (readonly [string, (file: HostFile) => void, number[]])[] = [
    ['nothing that was zeroed', (file) => file.zeroRange(65_536, 65_536), []],
    [
      'what was zeroed and read since, in whole pages',
      (file) => {
        file.zeroRange(65_536, 65_536)
        void file.read(70_000, new Uint8Array(1))
      },
      [69_632, 73_728],
    ],
    [
      'four pages where the first byte was read',
      (file) => {
        file.zeroRange(0, 65_536)
        void file.read(0, new Uint8Array(1))
      },
      [0, 16_384],
    ],
    [
      'a page that was read and then zeroed in part',
      (file) => {
        void file.read(65_536, new Uint8Array(65_536))
        file.zeroRange(69_632, 8193)
      },
      [77_824, 81_920],
    ],
    ['no hole that was read', (file) => void file.read(65_536, new Uint8Array(512)), []],
  ]
  for (const [what, act, expected] of CACHED) {
    it(`take for data ${what}`, () => {
      const file = createSimHost().files.open('/disk', { write: true, create: true })
      file.truncate(1 << 18)
      act(file)
      const edges: number[] = []
      for (let at = 0; at < 1 << 18;) {
        const { data, bytes } = file.extent(at)
        if (data) edges.push(at, at + bytes)
        at += bytes
      }
      assert.deepEqual(edges, expected)
    })
  }

  it('show a directory to readers, as something that is no file', () => {
    const { files } = createSimHost()
    files.put('/dir/file', new Uint8Array(1))
    const folder = files.open('/dir', { write: false })
    assert.equal(folder.regular, false)
    assert.throws(() => folder.read(0, new Uint8Array(1)), { errno: 'EISDIR' })
  })

  it('let nobody read a directory past the page cache', () => {
    const { files } = createSimHost()
    files.put('/dir/file', new Uint8Array(1))
    assert.throws(() => files.open('/dir', { write: false, direct: true }), { errno: 'EINVAL' })
  })

  it('tell the alignment of direct access where they begin with data', () => {
    const { files } = createSimHost()
    files.put('data', new Uint8Array(4096).fill(1))
    files.put('hole', new Uint8Array())
    files.open('hole', { write: true }).truncate(4096)
    const alignmentOf = (path: string) =>
      files.open(path, { write: false, direct: true }).probeAlignment()
    assert.deepEqual(['data', 'hole'].map(alignmentOf), [512, 4096])
  })

  it('fail as a file system does', () => {
    const { files } = createSimHost()
    files.put('/dir/file', new Uint8Array(1))
    files.setReadOnly('/dir/file')
    assert.equal(
      errnoOf(() => files.open('/none', { write: false })),
      'ENOENT',
    )
    assert.equal(
      errnoOf(() => files.open('', { write: true, create: true })),
      'ENOENT',
    )
    assert.equal(
      errnoOf(() => files.open('/dir', { write: true })),
      'EISDIR',
    )
    assert.equal(
      errnoOf(() => files.open('/dir/file/x', { write: false })),
      'ENOTDIR',
    )
    assert.equal(
      errnoOf(() => files.open('/dir/file', { write: true })),
      'EACCES',
    )
    const long = '/'.concat('x'.repeat(300))
    assert.equal(
      errnoOf(() => files.open(long, { write: false })),
      'ENAMETOOLONG',
    )
    const file = files.open('/dir/file', { write: false })
    assert.equal(
      errnoOf(() => file.write(0, new Uint8Array(1))),
      'EBADF',
    )
    file.close()
    assert.equal(
      errnoOf(() => file.read(0, new Uint8Array(1))),
      'EBADF',
    )
  })

  it('keep locks per open file', () => {
    const { files } = createSimHost()
    const first = files.open('/disk', { write: true, create: true })
    const second = files.open('/disk', { write: true })
    assert(first.locks !== undefined && second.locks !== undefined)
    assert(first.locks.lockShared(100))
    assert(!first.locks.isHeldByOther(100))
    assert(second.locks.isHeldByOther(100))
    assert(second.locks.lockShared(100))
    first.close()
    assert(!second.locks.isHeldByOther(100))
  })

  it('delay and fail operations as a hook says', async () => {
    const host = createSimHost()
    const file = host.files.open('/disk', { write: true, create: true })
    host.files.hook = ({ kind }) =>
      kind === 'read'
        ? { delayNs: 1000, errno: 'EIO' }
        : kind === 'flush'
          ? { errno: 'ENOSPC' }
          : {}
    await file.write(0, new Uint8Array(1))
    const failure = await host.run(
      Promise.resolve(file.read(0, new Uint8Array(1))).catch((error: unknown) => error),
    )
    assert(failure instanceof BlockError)
    assert.deepEqual([failure.errno, host.clock.nowNs()], ['EIO', 1000])
    assert.equal(
      errnoOf(() => file.flush()),
      'ENOSPC',
    )
  })
})
