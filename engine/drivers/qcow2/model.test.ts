/** Random requests on images of every shape, against an array of bytes. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { User } from '../../graph/graph.ts'
import { checked } from '../../graph/testing.ts'
import { createPrng } from '../../host/sim/prng.ts'
import { PROFILES, type Profile } from '../../profiles/index.ts'
import { imageWorld, type ImageWorld } from './testing.ts'

type Operation =
  | { readonly kind: 'write'; readonly at: number; readonly length: number; readonly fill: number }
  | { readonly kind: 'pack'; readonly cluster: number; readonly fill: number }
  | { readonly kind: 'zero'; readonly at: number; readonly length: number; readonly unmap: boolean }
  | { readonly kind: 'discard'; readonly at: number; readonly length: number }
  | { readonly kind: 'truncate'; readonly length: number }
  | { readonly kind: 'reopen' }

const SIZE = 96 * 1024
const SECTOR = 512

const sectors = fc.integer({ min: 0, max: SIZE / SECTOR - 1 }).map((count) => count * SECTOR)
const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('write'),
      at: sectors,
      length: sectors,
      fill: fc.integer({ min: 1, max: 255 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('pack'),
      cluster: fc.nat(),
      fill: fc.integer({ min: 0, max: 300 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('zero'),
      at: sectors,
      length: sectors,
      unmap: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('discard'), at: sectors, length: sectors }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('truncate'), length: sectors }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen') }) },
)

const shape = fc.record({
  clusterBits: fc.oneof(
    { weight: 4, arbitrary: fc.integer({ min: 9, max: 14 }) },
    { weight: 1, arbitrary: fc.integer({ min: 15, max: 21 }) },
  ),
  refcountOrder: fc.integer({ min: 0, max: 6 }),
  version: fc.constantFrom('v2', 'v3'),
  lazy: fc.boolean(),
  l2Entry: fc.boolean(),
  zstd: fc.boolean(),
})

describe('a qcow2 image', () => {
  for (const name of ['qemu', 'note'] as const) {
    it(`keeps what an array of bytes keeps, and stays sound, in profile ${name}`, async () => {
      await playRandom(PROFILES[name])
    })
  }
})

async function playRandom(profile: Profile): Promise<void> {
  await fc.assert(
    fc.asyncProperty(shape, fc.array(operation, { maxLength: 20 }), async (about, operations) => {
      const images = imageWorld(0, profile)
      const isV3 = about.version === 'v3'
      await images.create('image', {
        size: SIZE,
        version: isV3 ? 'v3' : 'v2',
        'cluster-size': 2 ** about.clusterBits,
        'refcount-bits': isV3 ? 2 ** about.refcountOrder : 16,
        'lazy-refcounts': isV3 && about.lazy,
        'compression-type': isV3 && about.zstd ? 'zstd' : 'zlib',
      })
      // Pieces of L2 tables as small as they can be find other mistakes than whole tables.
      const options = about.l2Entry ? { 'l2-cache-entry-size': 512 } : {}
      await play(images, options, 2 ** about.clusterBits, operations)
    }),
    { numRuns: 50 },
  )
}

async function play(
  images: ImageWorld,
  options: object,
  clusterBytes: number,
  operations: readonly Operation[],
): Promise<void> {
  let user = await images.open('image', options)
  let model = new Uint8Array(SIZE)
  for (const one of operations) {
    // As with 7.2, a compressed cluster goes behind the last one even where that was given back and
    // its place is somebody else's by now. An image that was opened anew has no last one.
    if (one.kind === 'reopen' || (one.kind === 'pack' && !rewrites(images))) {
      await images.close('image', user)
      user = await images.open('image', options)
    }
    if (one.kind === 'pack') await pack(images, user, model, one, clusterBytes)
    else if (one.kind !== 'reopen') model = await apply(user, model, one, clusterBytes)
  }
  const { graph } = images.world
  const report = await checked(graph, 'image')
  assert.deepEqual([report.corruptions, report.checkErrors], [0, 0], report.lines.join('\n'))
  await images.close('image', user)
  const reader = await images.open('image', options)
  const seen = new Uint8Array(model.length)
  await reader.read(0, seen)
  assert.deepEqual(Buffer.compare(seen, model), 0)
  const after = await checked(graph, 'image')
  assert.deepEqual([after.corruptions, after.leaks], [0, 0], after.lines.join('\n'))
  await images.close('image', reader)
}

async function apply(
  user: User,
  model: Uint8Array<ArrayBuffer>,
  one: Exclude<Operation, { readonly kind: 'reopen' | 'pack' }>,
  clusterBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  if (one.kind === 'truncate') {
    await user.truncate(one.length)
    const next = new Uint8Array(one.length)
    next.set(model.subarray(0, one.length))
    // The rest of what was the last cluster shows again what it held, as with QEMU.
    const grown = next.subarray(Math.min(model.length, one.length))
    if (grown.length > 0) {
      await user.read(model.length, grown)
      for (const byte of grown.subarray(clusterBytes)) assert.equal(byte, 0)
    }
    return next
  }
  const length = Math.min(one.length, model.length - one.at)
  if (length <= 0) return model
  if (one.kind === 'write') {
    await user.write(one.at, new Uint8Array(length).fill(one.fill))
    model.fill(one.fill, one.at, one.at + length)
  } else if (one.kind === 'zero') {
    await user.zero(one.at, length, { mayUnmap: one.unmap })
    model.fill(0, one.at, one.at + length)
  } else {
    await user.discard(one.at, length)
    // What is discarded reads as zeroes or as before, by whole clusters.
    await user.read(one.at, model.subarray(one.at, one.at + length))
  }
  return model
}

function rewrites({ profile }: ImageWorld): boolean {
  return profile['compressed.rewrite'] === 'replaces'
}

/** Writes a few clusters compressed, which may fail where one has data; those that can be are written. */
async function pack(
  images: ImageWorld,
  user: User,
  model: Uint8Array,
  { cluster, fill }: Operation & { readonly kind: 'pack' },
  clusterBytes: number,
): Promise<void> {
  const first = (cluster % Math.ceil(model.length / clusterBytes)) * clusterBytes
  for (let at = first; at < Math.min(first + 3 * clusterBytes, model.length); at += clusterBytes) {
    const data = content(Math.min(clusterBytes, model.length - at), fill)
    try {
      await user.write(at, data, { compressed: true })
      model.set(data, at)
    } catch (error) {
      assert.equal(rewrites(images), false)
      assert.equal((error as Error).message, 'Input/output error')
    }
  }
}

/** Bytes of one value, or what no packing makes smaller. */
function content(bytes: number, fill: number): Uint8Array {
  if (fill < 256) return new Uint8Array(bytes).fill(fill)
  const pick = createPrng(fill)
  return Uint8Array.from({ length: bytes }, () => pick(256))
}
