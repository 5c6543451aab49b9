/** Images at rest for tests of `img`: made by the engine, damaged by chance, handled by both programs. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { HEADER, type HeaderFields } from '../../drivers/qcow2/header.ts'
import { imageWorld } from '../../drivers/qcow2/testing.ts'
import type { SimHost } from '../../host/sim/index.ts'
import { WordTable } from '../../util/struct.ts'
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
const MARKS_END = 79
const SNAPSHOT_COUNT = 60
const SNAPSHOT_EXTRA = 36

const COPIED = 1n << 63n
const COMPRESSED = 1n << 62n
const OFFSET = 0xff_ffff_ffff_fe00n
const NEAR = 1n << 26n
const SECTOR = 512
const WORD = 8

/** An image on its way to be damaged; all tables lie at multiples of a word. */
interface Target {
  readonly below: Below
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly words: WordTable
  readonly header: HeaderFields
  readonly clusterBytes: number
  readonly clusters: number
}

function targetOf(below: Below, bytes: Uint8Array<ArrayBuffer>): Target {
  const header = HEADER.decode(bytes)
  const clusterBytes = 2 ** header.clusterBits
  const clusters = Math.ceil(bytes.length / clusterBytes)
  return { below, bytes, words: new WordTable(bytes), header, clusterBytes, clusters }
}

/** Damages an image in a few places: tables, counts, marks, the length of the file, any byte. */
export function damage(below: Below, image: Uint8Array): Uint8Array {
  let bytes = Uint8Array.from(image)
  for (let count = below(4); count >= 0; count--) bytes = damageOnce(targetOf(below, bytes))
  keepBlocksNear(targetOf(below, bytes))
  return bytes
}

/** A repair makes the file as long as the place of a block asks; the real one then takes minutes. */
function keepBlocksNear({ words, header, clusterBytes }: Target): void {
  const first = Number(header.refcountTableOffset) / WORD
  const end = first + (header.refcountTableClusters * clusterBytes) / WORD
  for (let at = first; at < Math.min(end, words.length); at++) {
    words.setExact(at, words.exact(at) % NEAR)
  }
}

function damageOnce(target: Target): Uint8Array<ArrayBuffer> {
  const { below, bytes, header } = target
  if (header.snapshotsOffset !== 0n && below(3) === 0) {
    damageSnapshots(target)
    return bytes
  }
  const kinds = [
    damageCount,
    damageBlock,
    damageL1,
    damageL2,
    damageL2,
    damageL2,
    damageByte,
    header.version === 3 ? mark : damageL2,
  ]
  if (below(9) === 0) return otherLength(below, bytes)
  pick(below, kinds)(target)
  return bytes
}

function damageCount({ below, bytes, words, header, clusterBytes, clusters }: Target): void {
  const block = entryAt(words, Number(header.refcountTableOffset))
  const at = block + below(Math.min(clusterBytes, Math.max(8, clusters)))
  if (at < bytes.length) bytes[at] = pick(below, [0, 1, 2, 255, below(256)])
}

function damageBlock(target: Target): void {
  const { below, header, clusterBytes } = target
  const at =
    Number(header.refcountTableOffset) + WORD * below(pick(below, [1, 2, clusterBytes / 8]))
  change(target, at, (value) =>
    pick(below, [
      0n,
      value ^ (1n << BigInt(below(9))),
      someOffset(target) % NEAR,
      someOffset(target) % NEAR,
      value + BigInt(SECTOR),
      header.refcountTableOffset,
      header.l1Offset,
    ]),
  )
}

function damageL1(target: Target): void {
  const { below, header } = target
  const at = Number(header.l1Offset) + WORD * below(Math.max(1, header.l1Entries))
  change(target, at, (value) => otherEntry(target, value))
}

function damageL2(target: Target): void {
  const { below, words, header, clusterBytes } = target
  const l2 = entryAt(words, Number(header.l1Offset) + WORD * below(Math.max(1, header.l1Entries)))
  if (l2 === 0) return
  const at = l2 + WORD * below(Math.min(clusterBytes / WORD, 40))
  change(target, at, (value) => otherEntry(target, value))
}

function otherEntry(target: Target, value: bigint): bigint {
  const { below } = target
  const offset = someOffset(target)
  return pick(below, [
    value ^ COPIED,
    value ^ COPIED,
    0n,
    offset | COPIED,
    offset,
    offset | 1n,
    value ^ (1n << BigInt(below(9))),
    value ^ (1n << BigInt(56 + below(6))),
    (offset % (1n << 40n)) | COMPRESSED,
    value ^ COMPRESSED,
  ])
}

function someOffset({ below, clusters, clusterBytes }: Target): bigint {
  const cluster = BigInt(below(clusters + 3) * clusterBytes)
  return pick(below, [
    cluster,
    cluster,
    cluster + BigInt(SECTOR),
    BigInt(2 ** (20 + below(6))),
    1n << BigInt(45 + below(11)),
  ])
}

function entryAt(words: WordTable, offset: number): number {
  const index = Math.floor(offset / WORD)
  return index < words.length ? Number(words.exact(index) & OFFSET) : 0
}

function change({ words }: Target, offset: number, to: (value: bigint) => bigint): void {
  const index = Math.floor(offset / WORD)
  if (index < words.length) words.setExact(index, BigInt.asUintN(64, to(words.exact(index))))
}

function damageByte({ below, bytes }: Target): void {
  const at = below(bytes.length)
  if (at >= SECTOR) bytes[at] = below(256)
}

/** Dirty, corrupt or both. */
function mark({ below, bytes }: Target): void {
  bytes[MARKS_END] = (bytes[MARKS_END] ?? 0) | (1 + below(3))
}

function otherLength(below: Below, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const sectors = Math.floor(bytes.length / SECTOR)
  const length = below(2) === 0 ? 1 + below(sectors) : sectors + 1 + below(5)
  const other = new Uint8Array(length * SECTOR).fill(below(2))
  other.set(bytes.subarray(0, other.length))
  return other
}

/** The table of snapshots, mostly its first entry. */
function damageSnapshots({ below, bytes, header }: Target): void {
  const table = Number(header.snapshotsOffset)
  const at = pick(below, [
    SNAPSHOT_COUNT + 3,
    table + SNAPSHOT_EXTRA + 2,
    table + SNAPSHOT_EXTRA + 3,
    table + below(160),
    table + below(160),
  ])
  if (at < bytes.length) bytes[at] = at < table ? below(4) : below(256)
}

export function pick<T>(below: Below, choices: readonly T[]): T {
  return choices[below(choices.length)] as T
}

/** Storage taken is the file system's business. */
export function sameStorage(text: string): string {
  return text
    .replace(/disk size: .*/, 'disk size: …')
    .replace(/"actual-size": \d+/, '"actual-size"')
}
