/**
 * Images with internal snapshots of the real tools: what is written, zeroed and discarded here
 * leaves every snapshot as it was. `BLOCKSPEC_QCOW2_SNAPSHOTS` says how many images are tried.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { User } from '../../graph/graph.ts'
import { checked, refusal } from '../../graph/testing.ts'
import { createPrng } from '../../host/sim/prng.ts'
import { imageWorld, type ImageWorld } from './testing.ts'

const TRIES = Number(process.env['BLOCKSPEC_QCOW2_SNAPSHOTS'] ?? '4')
const PREFIX = process.env['BLOCKSPEC_QEMU_PREFIX']
const SECTOR = 512

interface Request {
  readonly kind: 'write' | 'compressed' | 'zero' | 'unmap' | 'discard'
  readonly offset: number
  readonly bytes: number
  readonly fill: number
}

/** An image, what is done to it before each snapshot, and what after the last. */
interface Plan {
  readonly size: number
  readonly clusterBytes: number
  readonly version: 'v2' | 'v3'
  readonly stages: readonly (readonly Request[])[]
  readonly last: readonly Request[]
}

function plan(seed: number): Plan {
  const pick = createPrng(seed)
  const clusterBytes = 2 ** (9 + pick(8))
  const size = clusterBytes * (1 + pick(40)) + SECTOR * pick(clusterBytes / SECTOR)
  const requests = (count: number, packs: boolean): Request[] =>
    Array.from({ length: count }, () => {
      const unit = pick(2) === 0 ? SECTOR : clusterBytes
      const offset = Math.floor(pick(size) / unit) * unit
      const bytes = Math.min(size - offset, (1 + pick(10)) * unit)
      const kinds = ['write', 'write', 'zero', 'unmap', 'discard', 'compressed'] as const
      const kind = kinds[pick(packs ? 6 : 5)] ?? 'write'
      const fill = 1 + pick(255)
      if (kind !== 'compressed') return { kind, offset, bytes, fill }
      const start = Math.floor(offset / clusterBytes) * clusterBytes
      return { kind, offset: start, bytes: Math.min(clusterBytes, size - start), fill }
    })
  return {
    size,
    clusterBytes,
    version: pick(4) === 0 ? 'v2' : 'v3',
    stages: Array.from({ length: 1 + pick(3) }, () => requests(1 + pick(6), true)),
    last: requests(2 + pick(10), false),
  }
}

describe('qcow2 images with internal snapshots', () => {
  let directory = ''
  const tool = (name: string, ...words: string[]): string => {
    const bin = join(PREFIX ?? '', 'qemu-7.2', 'bin', name)
    return execFileSync(bin, words, { cwd: directory, encoding: 'utf8', stdio: 'pipe' })
  }
  const play = (image: string, requests: readonly Request[]): void => {
    const words = requests.flatMap((request) => ['-c', ioCommand(request)])
    if (words.length > 0) tool('qemu-io', '-f', 'qcow2', '-d', 'unmap', ...words, image)
  }
  const contentOf = (image: string): Buffer => {
    tool('qemu-img', 'convert', '-f', 'qcow2', '-O', 'raw', image, 'flat')
    return readFileSync(join(directory, 'flat'))
  }
  /** @returns what each snapshot keeps. */
  const make = (image: string, { size, clusterBytes, version, stages }: Plan): Buffer[] => {
    const compat = version === 'v2' ? '0.10' : '1.1'
    const options = `compat=${compat},cluster_size=${String(clusterBytes)}`
    tool('qemu-img', 'create', '-q', '-f', 'qcow2', '-o', options, image, String(size))
    return stages.map((requests, index) => {
      try {
        play(image, requests)
      } catch {
        // Compressed clusters cannot replace others: what else was asked for is done.
      }
      tool('qemu-img', 'snapshot', '-c', `s${String(index)}`, image)
      return contentOf(image)
    })
  }
  const load = (image: string): ImageWorld => {
    const images = imageWorld()
    images.world.host.files.put(image, readFileSync(join(directory, image)))
    return images
  }
  const save = (images: ImageWorld, image: string): void => {
    writeFileSync(join(directory, image), images.world.host.files.content(image))
  }

  before(function () {
    if (PREFIX === undefined || !existsSync(PREFIX)) this.skip()
    directory = mkdtempSync(join(tmpdir(), 'snapshots-'))
  })
  after(() => {
    if (directory !== '') rmSync(directory, { recursive: true, force: true })
  })

  for (let seed = 1; seed <= TRIES; seed++) {
    it(`keep each snapshot and come out as the real ones do: ${String(seed)}`, async () => {
      const wanted = plan(seed)
      const kept = make('i', wanted)
      writeFileSync(join(directory, 'theirs'), readFileSync(join(directory, 'i')))
      play('theirs', wanted.last)

      const images = load('i')
      const user = await images.open('i')
      for (const request of wanted.last) await carryOut(user, request)
      await images.close('i', user)
      save(images, 'i')

      tool('qemu-img', 'check', '-f', 'qcow2', 'i')
      tool('qemu-img', 'compare', '-f', 'qcow2', '-F', 'qcow2', 'i', 'theirs')
      for (const [index, content] of kept.entries()) {
        tool('qemu-img', 'snapshot', '-a', `s${String(index)}`, 'i')
        assert.equal(Buffer.compare(contentOf('i'), content), 0, `snapshot ${String(index)}`)
      }
      tool('qemu-img', 'check', '-f', 'qcow2', 'i')
    })
  }

  it('are counted and found sound', async () => {
    make('counted', plan(7))
    const images = load('counted')
    await images.open('counted')
    const report = await checked(images.world.graph, 'counted')
    assert.deepEqual(report.lines, [])
  })

  const SMALL: Plan = {
    size: 2 ** 20,
    clusterBytes: 65536,
    version: 'v3',
    stages: [[{ kind: 'write', offset: 0, bytes: 2 ** 20, fill: 1 }]],
    last: [],
  }

  /** A snapshot's L1 table in the file, where the snapshot table says. */
  const snapshotL1 = (content: Buffer): number =>
    Number(content.readBigUInt64BE(Number(content.readBigUInt64BE(64))))

  const OVERLAPS: readonly (readonly [
    what: string,
    place: (content: Buffer) => number,
    check: string,
    allowed: string,
  ])[] = [
    ['inactive L1 table', snapshotL1, 'cached', 'constant'],
    [
      'inactive L2 table',
      (content) => Number(content.readBigUInt64BE(snapshotL1(content)) & 0xff_ffff_ffff_fe00n),
      'all',
      'cached',
    ],
  ]
  for (const [what, place, check, allowed] of OVERLAPS) {
    /** The active disk's first cluster lies, by mistake, where the snapshot's structure is. */
    const confused = (): ImageWorld => {
      rmSync(join(directory, 'o'), { force: true })
      make('o', SMALL)
      play('o', [{ kind: 'write', offset: 0, bytes: 65536, fill: 2 }])
      const content = readFileSync(join(directory, 'o'))
      const l1 = Number(content.readBigUInt64BE(40))
      const l2 = Number(content.readBigUInt64BE(l1) & 0xff_ffff_ffff_fe00n)
      content.writeBigUInt64BE(2n ** 63n + BigInt(place(content)), l2)
      writeFileSync(join(directory, 'o'), content)
      return load('o')
    }

    it(`are not hurt by a write onto the ${what}`, async () => {
      const images = confused()
      const user = await images.open('o', { 'overlap-check': check })
      await refusal(() => user.write(0, new Uint8Array(SECTOR)))
      assert.deepEqual(
        images.world.events.map(([, data]) => data['msg']),
        [`Preventing invalid write on metadata (overlaps with ${what})`],
      )
    })

    it(`are not looked after where the check of the ${what} is off`, async () => {
      const images = confused()
      const user = await images.open('o', { 'overlap-check': allowed })
      await user.write(0, new Uint8Array(SECTOR).fill(3))
      assert.deepEqual(images.world.events, [])
    })
  }

  it('are resized in version 3 and keep the old length', async () => {
    const [kept] = make('r', SMALL)
    const images = load('r')
    const user = await images.open('r')
    await user.truncate(2 ** 19, { exact: true })
    await images.close('r', user)
    save(images, 'r')
    tool('qemu-img', 'check', '-f', 'qcow2', 'r')
    tool('qemu-img', 'snapshot', '-a', 's0', 'r')
    assert.equal(Buffer.compare(contentOf('r'), kept ?? Buffer.alloc(0)), 0)
  })

  it('are not resized in version 2', async () => {
    make('old', { ...SMALL, version: 'v2' })
    const images = load('old')
    const user = await images.open('old')
    assert.equal(
      await refusal(() => user.truncate(2 ** 21, { exact: true })),
      "Can't resize a v2 image which has snapshots",
    )
  })
})

async function carryOut(user: User, { kind, offset, bytes, fill }: Request): Promise<void> {
  if (kind === 'zero') await user.zero(offset, bytes)
  else if (kind === 'unmap') await user.zero(offset, bytes, { mayUnmap: true })
  else if (kind === 'discard') await user.discard(offset, bytes)
  else await user.write(offset, new Uint8Array(bytes).fill(fill))
}

function ioCommand({ kind, offset, bytes, fill }: Request): string {
  const range = `${String(offset)} ${String(bytes)}`
  if (kind === 'zero') return `write -z ${range}`
  if (kind === 'unmap') return `write -z -u ${range}`
  if (kind === 'discard') return `discard ${range}`
  return `write ${kind === 'compressed' ? '-c ' : ''}-P ${String(fill)} ${range}`
}
