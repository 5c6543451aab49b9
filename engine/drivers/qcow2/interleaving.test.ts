/** Requests that overlap in time: what is stored must be explained by some order of them. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
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

  it('read and discard beside writes elsewhere without harm', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(write, { minLength: 1, maxLength: 5 }), fc.integer(), playMixed),
      { numRuns: 40 },
    )
  })
})

/** Every file operation takes a random time, so that requests overtake each other. */
async function world(seed: number) {
  const images = imageWorld(seed)
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
  const checking = graph.check(graph.find('image'))
  assert.ok(checking !== undefined)
  const report = await host.run(checking)
  assert.deepEqual([report.corruptions, report.leaks], [0, 0], report.lines.join('\n'))
}
