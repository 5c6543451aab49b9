/** Images at rest for tests of `img`: made by the engine, damaged by chance, handled by both programs. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { imageWorld } from '../../drivers/qcow2/testing.ts'
import type { SimHost } from '../../host/sim/index.ts'
import { img } from './main.ts'

/** A whole number by chance, from 0 up to, not including, `bound`. */
type Below = (bound: number) => number

export interface Outcome {
  readonly status: number | null
  readonly output: string
  readonly errors: string
}

/** Names that a program makes up differ. */
function told(text: string): string {
  return text.replaceAll(/#block\d+/g, '#block')
}

/** Runs `img` of this program on the files of a simulated host. */
export async function runOurs(host: SimHost, words: readonly string[]): Promise<Outcome> {
  let output = ''
  let errors = ''
  const work = img(host, words, {
    stdout: (text) => {
      output += text
    },
    stderr: (text) => {
      errors += text
    },
  })
  return { status: await host.run(work), output, errors: told(errors) }
}

/** Runs the real one of version 7.2 in a directory. */
export function runReal(prefix: string, directory: string, words: readonly string[]): Outcome {
  const program = join(prefix, 'qemu-7.2', 'bin', 'qemu-img')
  const options = { cwd: directory, encoding: 'utf8', maxBuffer: 2 ** 28 } as const
  const { status, stdout, stderr } = spawnSync(program, words, options)
  return { status, output: stdout, errors: told(stderr) }
}

/** An image with some of everything in it, of a shape that the seed decides. */
export async function someImage(below: Below): Promise<Uint8Array> {
  const clusterBytes = pick(below, [512, 512, 1024, 4096, 65536])
  const version = below(6) === 0 ? 'v2' : 'v3'
  const clusters = 8 + below(pick(below, [16, 60, 200]))
  const size = clusters * clusterBytes - pick(below, [0, 0, 512])
  const images = imageWorld()
  await images.create('image', {
    size,
    version,
    'cluster-size': clusterBytes,
    ...(version === 'v2' ? {} : { 'refcount-bits': 2 ** below(7) }),
    ...(below(5) === 0 ? { preallocation: 'metadata' } : {}),
  })
  const user = await images.open('image')
  for (let count = below(12); count >= 0; count--) {
    const offset = below(clusters - 4) * clusterBytes
    const bytes = clusterBytes * (1 + below(3))
    switch (below(6)) {
      case 0:
        await user.zero(offset, bytes, {})
        break
      case 1:
        if (version === 'v3') await user.zero(offset, bytes, { mayUnmap: false })
        break
      case 2:
        await user.discard(offset, bytes)
        break
      default:
        await user.write(offset, new Uint8Array(bytes).fill(1 + below(255)))
    }
  }
  await images.close('image', user)
  return images.world.host.files.content('image').slice()
}

/** Places of fields: in the header, and in an entry of the table of snapshots. */
const SNAPSHOT_COUNT = 60
const SNAPSHOT_EXTRA = 36

const COPIED = 1n << 63n
const COMPRESSED = 1n << 62n

/** Damages an image in a few places: tables, counts, marks, the length of the file, any byte. */
export function damage(below: Below, image: Uint8Array): Uint8Array {
  let bytes: Buffer = Buffer.from(image)
  for (let count = below(4); count >= 0; count--) bytes = damageOnce(below, bytes)
  keepBlocksNear(bytes)
  return bytes
}

/** A repair makes the file as long as the place of a block asks; the real one then takes minutes. */
function keepBlocksNear(bytes: Buffer): void {
  const table = Number(bytes.readBigUInt64BE(48))
  const end = Math.min(bytes.length, table + bytes.readUInt32BE(56) * 2 ** bytes.readUInt32BE(20))
  for (let at = table; at + 8 <= end; at += 8) bytes.writeUInt32BE(0, at)
  for (let at = table + 4; at + 4 <= end; at += 8) {
    bytes.writeUInt32BE(bytes.readUInt32BE(at) % 2 ** 26, at)
  }
}

function damageOnce(below: Below, image: Buffer): Buffer {
  const bytes = Buffer.from(image)
  const clusterBytes = 2 ** bytes.readUInt32BE(20)
  const clusters = Math.ceil(bytes.length / clusterBytes)
  const l1 = Number(bytes.readBigUInt64BE(40))
  const table = Number(bytes.readBigUInt64BE(48))
  const v3 = bytes.readUInt32BE(4) === 3
  const put = (at: number, change: (value: bigint) => bigint): void => {
    if (at + 8 > bytes.length) return
    bytes.writeBigUInt64BE(BigInt.asUintN(64, change(bytes.readBigUInt64BE(at))), at)
  }
  const someCluster = (): bigint => BigInt(below(clusters + 3) * clusterBytes)
  const someOffset = (): bigint =>
    pick(below, [
      someCluster,
      someCluster,
      () => someCluster() + 512n,
      () => BigInt(2 ** (20 + below(6))),
      () => 1n << BigInt(45 + below(11)),
    ])()
  const entryChange = (): ((value: bigint) => bigint) =>
    pick<() => (value: bigint) => bigint>(below, [
      () => (value) => value ^ COPIED,
      () => (value) => value ^ COPIED,
      () => () => 0n,
      () => {
        const offset = someOffset()
        return () => offset | COPIED
      },
      () => {
        const offset = someOffset()
        return () => offset
      },
      () => {
        const offset = someOffset()
        return () => offset | 1n
      },
      () => (value) => value ^ (1n << BigInt(below(9))),
      () => (value) => value ^ (1n << BigInt(56 + below(6))),
      () => {
        const offset = someOffset() & ((1n << 40n) - 1n)
        return () => offset | COMPRESSED
      },
      () => (value) => value ^ COMPRESSED,
    ])()
  const entryOf = (at: number): number =>
    at + 8 <= bytes.length ? Number(bytes.readBigUInt64BE(at) & 0xff_ffff_ffff_fe00n) : 0
  const l1Entries = bytes.readUInt32BE(36)
  const snapshots = Number(bytes.readBigUInt64BE(64))
  if (snapshots !== 0 && below(3) === 0) {
    damageSnapshots(below, bytes, snapshots)
    return bytes
  }
  switch (below(v3 ? 9 : 8)) {
    case 0: {
      // A count.
      const block = entryOf(table)
      const at = block + below(Math.min(clusterBytes, Math.max(8, clusters)))
      if (at < bytes.length) bytes[at] = pick(below, [0, 1, 2, 255, below(256)])
      break
    }
    case 1:
      put(table + 8 * below(pick(below, [1, 2, clusterBytes / 8])), (value) =>
        pick(below, [
          0n,
          value ^ (1n << BigInt(below(9))),
          someOffset() % (1n << 26n),
          someOffset() % (1n << 26n),
          value + 512n,
          BigInt(table),
          BigInt(l1),
        ]),
      )
      break
    case 2:
      put(l1 + 8 * below(Math.max(1, l1Entries)), entryChange())
      break
    case 3:
    case 4:
    case 5: {
      const l2 = entryOf(l1 + 8 * below(Math.max(1, l1Entries)))
      const at = l2 + 8 * below(Math.min(clusterBytes / 8, 40))
      if (l2 !== 0) put(at, entryChange())
      break
    }
    case 6:
      if (below(2) === 0) return bytes.subarray(0, below(bytes.length / 512) * 512 + 512)
      return Buffer.concat([bytes, Buffer.alloc(below(5) * 512 + 512, below(2))])
    case 7: {
      const at = below(bytes.length)
      if (at >= 512) bytes[at] = below(256)
      break
    }
    default:
      // Dirty, corrupt.
      bytes[79] = (bytes[79] ?? 0) | (1 + below(3))
  }
  return bytes
}

/** The table of snapshots, mostly its first entry. */
function damageSnapshots(below: Below, bytes: Buffer, table: number): void {
  const anywhere = table + below(160)
  switch (below(4)) {
    case 0:
      bytes.writeUInt32BE(below(4), SNAPSHOT_COUNT)
      break
    case 1:
      if (table + 40 <= bytes.length) {
        bytes.writeUInt32BE(pick(below, [0, 8, 12, 16, 1030, 5000]), table + SNAPSHOT_EXTRA)
      }
      break
    default:
      if (anywhere < bytes.length) bytes[anywhere] = below(256)
  }
}

export function pick<T>(below: Below, choices: readonly T[]): T {
  return choices[below(choices.length)] as T
}
