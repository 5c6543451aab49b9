/** Requests that overlap in time: what is stored must be explained by some order of them. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { checked, testWorld } from '../../graph/testing.ts'
import { createSimHost } from '../../host/sim/index.ts'
import { requestPaths } from '../../io/paths.ts'
import {
  discard,
  everySchedule,
  explain,
  memory,
  playTasks,
  read,
  reopen,
  write as writing,
  wroteBefore,
  type Choose,
  type MemoryRequest,
  type Task,
} from '../../io/testing.ts'
import { PROFILES } from '../../profiles/index.ts'
import { qcow2 } from './qcow2.ts'
import { imageWorld } from './testing.ts'

const SIZE = 64 * 1024
const CLUSTER = 4096

interface Write {
  readonly from: number
  readonly bytes: number
}

const write = fc.record({
  from: fc.integer({ min: 0, max: 15 }).map((count) => count * 1024),
  bytes: fc.integer({ min: 1, max: 10 }).map((count) => count * 1024),
})

const packing = fc.record({
  cluster: fc.integer({ min: 0, max: 3 }),
  clusters: fc.integer({ min: 1, max: 3 }),
  how: fc.constantFrom('compressed', 'plain', 'read'),
})

describe('requests on a qcow2 image that overlap in time', () => {
  it('lose nothing of writes, whatever the order of their steps', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(write, { minLength: 2, maxLength: 8 }),
        fc.integer(),
        async (writes, seed) => {
          await playWrites(writes, seed)
        },
      ),
      { numRuns: 60 },
    )
  })

  it('lose nothing of compressed writes to the same clusters, where these are taken', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(packing, { minLength: 2, maxLength: 24 }),
        fc.integer(),
        playPacked,
      ),
      { numRuns: 60 },
    )
  })

  it('read and discard beside writes elsewhere without harm', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(write, { minLength: 1, maxLength: 5 }), fc.integer(), playMixed),
      { numRuns: 40 },
    )
  })
})

/** Every file operation takes a random time, so that requests overtake each other. */
async function world(seed: number, profile = PROFILES.qemu) {
  const images = imageWorld(seed, profile)
  await images.create('image', { size: SIZE, 'cluster-size': CLUSTER })
  const user = await images.open('image')
  const { host } = images.world
  host.files.hook = ({ kind }) =>
    kind === 'read' || kind === 'write' || kind === 'flush'
      ? { delayNs: host.random.below(1000) + 1 }
      : undefined
  return { images, user, host }
}

async function playWrites(writes: readonly Write[], seed: number): Promise<void> {
  const { images, user, host } = await world(seed)
  await host.run(
    Promise.all(
      writes.map(({ from, bytes }, index) =>
        Promise.resolve(user.write(from, new Uint8Array(bytes).fill(index + 1))),
      ),
    ),
  )
  const seen = new Uint8Array(SIZE)
  await host.run(Promise.resolve(user.read(0, seen)))
  for (let at = 0; at < SIZE; at += 512) {
    const covering = writes.flatMap(({ from, bytes }, index) =>
      at >= from && at < from + bytes ? [index + 1] : [],
    )
    const allowed = covering.length === 0 ? [0] : covering
    assert.ok(allowed.includes(seen[at] ?? -1), `byte ${String(at)} is ${String(seen[at])}`)
  }
  await assertSound(images, host)
  await host.run(images.close('image', user))
}

/** What is read is what somebody wrote, cluster by cluster: nobody sees half of another's. */
async function playPacked(
  requests: readonly { cluster: number; clusters: number; how: string }[],
  seed: number,
): Promise<void> {
  const { images, user, host } = await world(seed, PROFILES.note)
  await host.run(Promise.resolve(user.write(0, new Uint8Array(SIZE).fill(255))))
  const reads: Uint8Array[] = []
  await host.run(
    Promise.all(
      requests.map(({ cluster, clusters, how }, index) => {
        const data = new Uint8Array(clusters * CLUSTER).fill(index + 1)
        if (how === 'read') reads.push(data)
        if (how === 'read') return Promise.resolve(user.read(cluster * CLUSTER, data))
        return Promise.resolve(
          user.write(cluster * CLUSTER, data, { compressed: how === 'compressed' }),
        )
      }),
    ),
  )
  const last = new Uint8Array(SIZE)
  await host.run(Promise.resolve(user.read(0, last)))
  for (const seen of [...reads, last]) {
    for (let at = 0; at < seen.length; at += CLUSTER) {
      assert.equal(new Set(seen.subarray(at, at + CLUSTER)).size, 1)
    }
  }
  requests.forEach(({ cluster }, index) => {
    if (!last.includes(index + 1)) return
    assert.ok(last.indexOf(index + 1) >= cluster * CLUSTER)
  })
  await assertSound(images, host)
  await host.run(images.close('image', user))
}

async function playMixed(writes: readonly Write[], seed: number): Promise<void> {
  const { images, user, host } = await world(seed)
  const half = SIZE / 2
  await host.run(Promise.resolve(user.write(half, new Uint8Array(half).fill(200))))
  const reads: Uint8Array[] = []
  const requests = writes.flatMap(({ from, bytes }, index) => {
    const into = new Uint8Array(CLUSTER)
    reads.push(into)
    return [
      Promise.resolve(user.write(from, new Uint8Array(bytes).fill(index + 1))),
      Promise.resolve(user.read(half + index * CLUSTER, into)),
      Promise.resolve(user.discard(half + index * CLUSTER, CLUSTER)),
    ]
  })
  await host.run(Promise.all(requests))
  for (const into of reads) {
    // All as it was or all gone, and never what another cluster holds.
    for (const byte of into) assert.ok(byte === 200 || byte === 0, `read ${String(byte)}`)
  }
  await assertSound(images, host)
  await host.run(images.close('image', user))
}

async function assertSound(
  images: ReturnType<typeof imageWorld>,
  host: ReturnType<typeof imageWorld>['world']['host'],
): Promise<void> {
  const { graph } = images.world
  const report = await host.run(checked(graph, 'image'))
  assert.deepEqual([report.corruptions, report.leaks], [0, 0], report.lines.join('\n'))
}

describe('every order of a few requests and a reopening of a qcow2 image', () => {
  const CLUSTER_BYTES = 1024
  /** Virtual: two clusters that have data and two that have none. */
  const BYTES = 4 * CLUSTER_BYTES
  const FREE = 2 * CLUSTER_BYTES
  const FILE_BYTES = 32 * CLUSTER_BYTES
  const BEFORE = 9
  /** In the file, behind header, refcount table, refcount block, L1 and L2 table. */
  const FIRST_DATA = 5 * CLUSTER_BYTES

  async function storedImage(): Promise<Uint8Array> {
    const images = imageWorld()
    await images.create('i', { size: BYTES, 'cluster-size': CLUSTER_BYTES })
    const user = await images.open('i')
    await user.write(0, new Uint8Array(FREE).fill(BEFORE))
    await images.close('i', user)
    const stored = images.world.host.files.content('i')
    assert.equal(stored.indexOf(BEFORE, FIRST_DATA), FIRST_DATA)
    return stored
  }

  async function play(stored: Uint8Array, tasks: readonly Task[], choose: Choose): Promise<void> {
    const host = createSimHost({ choose })
    // Of four tasks all steps would be too many orders: tables and flushes come at once.
    const isStep = ({ kind, offset }: MemoryRequest): boolean => {
      // Only the reopening flushes, and it does so when all that came before it is over.
      if (kind === 'flush') assert.equal(store.waiting.size, 0, 'the reopening did not wait')
      return tasks.length < 4 || offset >= FIRST_DATA
    }
    const store = memory(FILE_BYTES, { requestAlignment: 512 }, host, isStep)
    store.bytes.set(stored)
    const { graph, add, writer } = testWorld([store.driver, qcow2], requestPaths, host)
    const top = { driver: 'qcow2', 'node-name': 'q', file: 'm', backing: null, discard: 'unmap' }
    await host.run(add({ driver: 'memory', 'node-name': 'm', discard: 'unmap' }, top))
    const user = writer('q')
    const ran = await playTasks(tasks, {
      host,
      user,
      reopen: () => graph.reopen([{ ...top, 'overlap-check': 'all' }]),
      drain: () => assert.fail('no drained section here'),
    })
    assert.equal(store.waiting.size, 0)
    const end = new Uint8Array(BYTES)
    await host.run(Promise.resolve(user.read(0, end)))
    explain([wroteBefore(0, FREE, BEFORE), ...ran], end)
    const report = await host.run(checked(graph, 'q'))
    assert.deepEqual([report.corruptions, report.leaks], [0, 0], report.lines.join('\n'))
  }

  const CASES: readonly (readonly [what: string, tasks: readonly Task[]])[] = [
    ['a write', [writing(0, 100, 1)]],
    ['a write where nothing was', [writing(FREE + 100, FREE + 200, 1)]],
    ['a discard', [discard(0, 1024)]],
    ['two writes', [writing(0, 100, 1), writing(50, 700, 2)]],
    [
      'two writes where nothing was',
      [writing(FREE, FREE + 100, 1), writing(FREE + 50, FREE + 700, 2)],
    ],
    ['a write and a read', [writing(0, 100, 1), read(0, 700)]],
    ['a discard and a read', [discard(0, 1024), read(0, 700)]],
    ['a write and a discard', [writing(0, 100, 1), discard(0, 1024)]],
    [
      'a write and a discard where nothing was',
      [writing(FREE, FREE + 100, 1), discard(FREE, FREE + 1024)],
    ],
    ['two writes and a read', [writing(0, 512, 1), writing(0, 1024, 2), read(0, 512)]],
    ['two writes and a discard', [writing(0, 512, 1), writing(0, 1024, 2), discard(0, 1024)]],
    ['a write, a discard and a read', [writing(0, 512, 1), discard(0, 1024), read(0, 512)]],
    [
      'a write, a discard and a read where nothing was',
      [writing(FREE, FREE + 512, 1), discard(FREE, FREE + 1024), read(FREE, FREE + 512)],
    ],
    [
      'two writes and a read over the edge of what there is',
      [writing(FREE - 512, FREE + 512, 1), writing(FREE, FREE + 700, 2), read(512, FREE + 1024)],
    ],
  ]
  for (const [what, tasks] of CASES) {
    it(`is explained by a byte array: ${what}`, async () => {
      const stored = await storedImage()
      const runs = await everySchedule((choose) => play(stored, [...tasks, reopen], choose))
      assert.ok(runs > 1)
    })
  }
})
