/** Tests of copy-before-write, with snapshot-access nodes to see what it keeps. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { BitmapView, ListedBitmap } from '../../block/driver.ts'
import { refusal, testWorld } from '../../graph/testing.ts'
import { createSimHost } from '../../host/sim/index.ts'
import { Bitmap } from '../../bitmap/bitmap.ts'
import { requestPaths } from '../../io/paths.ts'
import { memory } from '../../io/testing.ts'
import { snapshotAccess } from '../snapshot-access.ts'
import { filterWorld } from '../testing.ts'
import { copyBeforeWrite } from './copy-before-write.ts'

const CLUSTER = 65536
const CLUSTERS = 4
const SIZE = CLUSTERS * CLUSTER
const DENIED = 'Permission denied'

interface About {
  readonly options?: object
  readonly target?: object
  readonly bitmap?: BitmapView
}

async function world({ options = {}, target, bitmap }: About = {}) {
  const host = createSimHost()
  const listed: [node: string, bitmap: ListedBitmap][] = []
  const test = filterWorld(host, {
    listBitmap(node, shown) {
      listed.unshift([node, shown])
      return () => undefined
    },
    ...(bitmap === undefined ? {} : { dirtyBitmap: () => bitmap }),
  })
  await test.file('f', new Uint8Array(SIZE).fill(1))
  if (target === undefined) await test.file('t', new Uint8Array(SIZE).fill(9))
  else await test.add({ 'node-name': 't', ...target })
  const filter = {
    driver: 'copy-before-write',
    'node-name': 'c',
    file: 'f',
    target: 't',
    ...options,
  }
  const open = async () => {
    await test.add(filter, {
      driver: 'snapshot-access',
      'node-name': 's',
      file: 'c',
      discard: 'unmap',
    })
    return { ...test, guest: test.writer('c'), snapshot: test.writer('s') }
  }
  return { ...test, filter, open, listed }
}

async function bytesAt(
  io: { read(offset: number, into: Uint8Array): unknown },
  offset: number,
  bytes = 1,
): Promise<number[]> {
  const into = new Uint8Array(bytes)
  await io.read(offset, into)
  return [...into]
}

describe('copy-before-write', () => {
  it('wants to write its target, and keeps others from its source once it has parents', async () => {
    const { add, filter, edge, writer } = await world()
    await add(filter)
    assert.deepEqual([edge('c', 'file'), edge('c', 'target')], ['/suwr', 'w/uwr'])
    await add({ driver: 'raw', 'node-name': 'r', file: 'c' })
    assert.equal(edge('c', 'file'), '/ur')
    writer('c')
    assert.equal(edge('c', 'file'), 'wr/ur')
  })

  it('is named as its source', async () => {
    const { add, filter, graph } = await world()
    await add(filter)
    assert.equal(graph.info(graph.find('c')).filename, 'f')
  })

  const CHANGES = ['write', 'zero', 'discard'] as const
  for (const kind of CHANGES) {
    it(`saves old data before a ${kind}`, async () => {
      const { open } = await world({ options: { discard: 'unmap' } })
      const { guest, snapshot, host } = await open()
      if (kind === 'write') await guest.write(CLUSTER + 5, Uint8Array.of(7))
      else await guest[kind](CLUSTER, 512)
      assert.deepEqual(
        host.files.content('t').subarray(CLUSTER, 2 * CLUSTER),
        new Uint8Array(CLUSTER).fill(1),
      )
      assert.equal(host.files.content('t')[0], 9)
      assert.deepEqual(await bytesAt(snapshot, CLUSTER + 5), [1])
    })
  }

  it('saves a cluster once', async () => {
    const { open } = await world()
    const { guest, snapshot } = await open()
    await guest.write(0, Uint8Array.of(7))
    await guest.write(0, Uint8Array.of(8))
    assert.deepEqual(await bytesAt(snapshot, 0), [1])
    assert.deepEqual(await bytesAt(guest, 0), [8])
  })

  it('counts in the clusters of its target, but in none below 64 KiB', async () => {
    const { image, add, filter, listed } = await world()
    await image('big', { size: SIZE, clusterBytes: 2 * CLUSTER })
    await image('small', { size: SIZE, clusterBytes: 4096 })
    await add({ ...filter, 'node-name': 'a', target: 'big' })
    await add({ ...filter, 'node-name': 'b', target: 'small' })
    assert.deepEqual(
      listed.map(([node, { granularity, count }]) => [node, granularity, count]),
      [
        ['b', CLUSTER, SIZE],
        ['b', CLUSTER, 0],
        ['f', CLUSTER, SIZE],
        ['a', 2 * CLUSTER, SIZE],
        ['a', 2 * CLUSTER, 0],
        ['f', 2 * CLUSTER, SIZE],
      ],
    )
  })

  it('warns where the target cannot tell how large its clusters are', async () => {
    const { open } = await world({ target: { driver: 'null-co', size: SIZE } })
    const { log } = await open()
    assert.equal(log.length, 1)
  })

  it('protects only what a given bitmap has, and denies the rest', async () => {
    const bitmap = new Bitmap(SIZE, 4096)
    bitmap.mark(CLUSTER + 100, 1)
    const { open } = await world({ options: { bitmap: { node: 'f', name: 'b' } }, bitmap })
    const { guest, snapshot, host } = await open()
    await guest.write(0, new Uint8Array(SIZE).fill(7))
    assert.deepEqual(await bytesAt(snapshot, CLUSTER, 2), [1, 1])
    assert.equal(await refusal(() => snapshot.read(CLUSTER - 1, new Uint8Array(2))), DENIED)
    assert.equal(await refusal(() => snapshot.status(0, SIZE)), DENIED)
    assert.equal(host.files.content('t')[0], 9)
  })

  it('refuses a bitmap of another size', async () => {
    const bitmap = new Bitmap(SIZE / 2, 4096)
    const { graph, filter } = await world({ bitmap })
    assert.equal(
      await refusal(() => graph.add({ ...filter, bitmap: { node: 'f', name: 'b' } })),
      "Cannot create block-copy-state: Failed to merge bitmap 'b' to internal copy-bitmap: Bitmaps " +
        'are of different sizes (destination size is 262144, source size is 131072) and ' +
        "can't be merged",
    )
  })

  const SHORT = { driver: 'null-co', size: CLUSTER }

  it('fails the write where old data cannot be saved', async () => {
    const { open } = await world({ target: SHORT })
    const { guest, snapshot } = await open()
    assert.equal(await refusal(() => guest.write(CLUSTER, Uint8Array.of(7))), 'Input/output error')
    assert.deepEqual(await bytesAt(guest, CLUSTER), [1])
    assert.deepEqual(await bytesAt(snapshot, CLUSTER), [1])
  })

  it('or breaks the snapshot, as asked for', async () => {
    const { open } = await world({ target: SHORT, options: { 'on-cbw-error': 'break-snapshot' } })
    const { guest, snapshot } = await open()
    await guest.write(CLUSTER, Uint8Array.of(7))
    assert.deepEqual(await bytesAt(guest, CLUSTER), [7])
    assert.equal(await refusal(() => snapshot.read(0, new Uint8Array(1))), DENIED)
  })

  it('does not wait longer for saving than it is told', async () => {
    const target = { driver: 'null-co', size: SIZE, 'latency-ns': 5e9 }
    const { open } = await world({ target, options: { 'cbw-timeout': 2 } })
    const { guest, host } = await open()
    const failed = refusal(() => guest.write(0, Uint8Array.of(7)))
    assert.equal(await host.run(failed), 'Connection timed out')
    assert.equal(host.clock.nowNs(), 2e9)
  })

  it('forgets whole clusters that are discarded from the snapshot', async () => {
    const { open } = await world()
    const { guest, snapshot, host } = await open()
    await snapshot.discard(100, 2 * CLUSTER)
    assert.deepEqual(await bytesAt(snapshot, 0), [1])
    assert.equal(await refusal(() => snapshot.read(CLUSTER, new Uint8Array(1))), DENIED)
    await guest.write(CLUSTER, Uint8Array.of(7))
    assert.equal(host.files.content('t')[CLUSTER], 9)
  })

  it('asks the target for the status of what was written, if all of it was', async () => {
    const { open } = await world({ target: { driver: 'null-co', size: SIZE, 'read-zeroes': true } })
    const { guest, snapshot } = await open()
    await guest.write(0, Uint8Array.of(7))
    const zero = async (bytes: number) => (await snapshot.status(0, bytes)).zero
    assert.deepEqual([await zero(CLUSTER), await zero(SIZE)], [true, false])
  })
})

describe('a snapshot', () => {
  const place = fc.nat(SIZE)
  const step = fc.record({
    kind: fc.constantFrom('write', 'zero', 'snapshot', 'read'),
    from: place,
    to: place,
  })

  it('is what the disk was, while the disk is what was written', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 8 }), async (steps) => {
        const { open } = await world()
        const { guest, snapshot } = await open()
        const model = new Uint8Array(SIZE).fill(1)
        for (const [index, { kind, from: one, to: other }] of steps.entries()) {
          const from = Math.min(one, other)
          const part = model.subarray(from, Math.max(one, other))
          if (kind === 'write') await guest.write(from, part.fill(index + 10))
          else if (kind === 'zero') await guest.zero(from, part.fill(0).length)
          else {
            const seen = new Uint8Array(part.length)
            await (kind === 'read' ? guest : snapshot).read(from, seen)
            assert.deepEqual(seen, kind === 'read' ? part : new Uint8Array(part.length).fill(1))
          }
        }
        const all = new Uint8Array(SIZE)
        await snapshot.read(0, all)
        assert.deepEqual(all, new Uint8Array(SIZE).fill(1))
      }),
      { numRuns: 40 },
    )
  })

  it('stays what the disk was when requests run at the same time, in any order', async () => {
    const task = fc.record({ kind: fc.constantFrom('write', 'snapshot'), from: place })
    await fc.assert(
      fc.asyncProperty(fc.array(task, { maxLength: 8 }), fc.nat(), async (tasks, seed) => {
        const host = createSimHost({ seed })
        const source = memory(SIZE, {}, host)
        source.bytes.fill(1)
        const drivers = [
          { ...source.driver, name: 'source' },
          { ...memory(SIZE, {}, host).driver, name: 'target' },
          copyBeforeWrite,
          snapshotAccess,
        ]
        const { add, writer } = testWorld(drivers, requestPaths, host)
        await add({ driver: 'source', 'node-name': 'f' }, { driver: 'target', 'node-name': 't' })
        await add({ driver: 'copy-before-write', 'node-name': 'c', file: 'f', target: 't' })
        await add({ driver: 'snapshot-access', 'node-name': 's', file: 'c' })
        const [guest, snapshot] = [writer('c'), writer('s')]
        const run = async ({ kind, from }: (typeof tasks)[number]): Promise<void> => {
          const data = new Uint8Array(Math.min(3000, SIZE - from)).fill(7)
          await (kind === 'write' ? guest.write(from, data) : snapshot.read(from, data))
          if (kind === 'write') source.bytes.subarray(from, from + data.length).forEach(isWritten)
          else assert.deepEqual(data, new Uint8Array(data.length).fill(1))
        }
        await host.run(Promise.all(tasks.map(run)))
      }),
      { numRuns: 60 },
    )
  })
})

function isWritten(byte: number): void {
  assert.equal(byte, 7)
}
