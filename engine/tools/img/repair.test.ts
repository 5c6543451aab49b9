/**
 * `img check` with and without `-r` against the real one, on images that were damaged by chance: texts,
 * status and the bytes of the image. `BLOCKSPEC_IMG_REPAIRS` says how many images are tried.
 */
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSimHost } from '../../host/sim/index.ts'
import { createPrng } from '../../host/sim/prng.ts'
import { damage, pick, runOurs, runReal, someImage } from './testing.ts'

const TRIES = Number(process.env['BLOCKSPEC_IMG_REPAIRS'] ?? '40')
const PREFIX = process.env['BLOCKSPEC_QEMU_PREFIX'] ?? ''

const WAYS = [
  [],
  ['-r', 'leaks'],
  ['-r', 'all'],
  ['-r', 'all'],
  ['-r', 'all', '--output=json'],
  ['-r', 'all', '--output=json', '-q'],
  ['-r', 'all', '-q'],
] as const

describe('img check on damaged qcow2 images', () => {
  let directory = ''
  before(function () {
    // Without a real QEMU there is nothing to compare with.
    if (!existsSync(PREFIX)) this.skip()
  })
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'repair-'))
  })
  afterEach(() => {
    rmSync(directory, { recursive: true, force: true })
  })

  const runBoth = async (image: Uint8Array, lines: readonly (readonly string[])[]) => {
    const path = join(directory, 'a')
    writeFileSync(path, image)
    const host = createSimHost()
    host.files.put('a', image.slice())
    for (const line of lines) {
      const real = runReal(PREFIX, directory, line)
      assert.deepEqual(await runOurs(host, line), real, line.join(' '))
      const ours = Buffer.from(host.files.content('a'))
      assert.ok(readFileSync(path).equals(ours), `the bytes differ after ${line.join(' ')}`)
    }
  }

  for (let seed = 1; seed <= TRIES; seed++) {
    it(`says and does what the real one says and does: ${String(seed)}`, async () => {
      const below = createPrng(seed)
      let image = await someImage(below)
      if (below(3) === 0) image = addSnapshots(image, 1 + below(3))
      const check = ['check', '-f', 'qcow2']
      const how = pick(below, WAYS)
      await runBoth(damage(below, image), [
        [...check, ...how, 'a'],
        [...check, 'a'],
      ])
    })
  }

  it('makes a table of counts that takes several clusters itself', async () => {
    const words = ['-o', 'cluster_size=512,refcount_bits=64,preallocation=metadata']
    runReal(PREFIX, directory, ['create', '-q', '-f', 'qcow2', ...words, 'a', '6M'])
    const image = readFileSync(join(directory, 'a'))
    // The table is lost.
    const table = Number(image.readBigUInt64BE(48))
    image.fill(0, table, table + 512)
    const lines = [
      ['check', '-f', 'qcow2', '-r', 'all', 'a'],
      ['check', '-f', 'qcow2', 'a'],
    ]
    await runBoth(image, lines)
  })

  const addSnapshots = (image: Uint8Array, count: number): Uint8Array => {
    const path = join(directory, 'a')
    writeFileSync(path, image)
    for (let index = 0; index < count; index++) {
      runReal(PREFIX, directory, ['snapshot', '-c', `s${String(index)}`, 'a'])
    }
    return readFileSync(path)
  }
})
