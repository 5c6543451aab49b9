/**
 * Chains of images written here are read and found sound by the real tools, and the other way
 * round. `BLOCKSPEC_QCOW2_CHAINS` says how many of each are tried.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { User } from '../../graph/graph.ts'
import { createPrng } from '../../host/sim/prng.ts'
import { imageWorld, type ImageWorld } from './testing.ts'

const CHAINS = Number(process.env['BLOCKSPEC_QCOW2_CHAINS'] ?? '3')
const PREFIX = process.env['BLOCKSPEC_QEMU_PREFIX']
const SECTOR = 512

/** One request, in words that both sides can carry out. */
interface Request {
  readonly kind: 'write' | 'pack' | 'zero' | 'discard'
  readonly offset: number
  readonly bytes: number
  readonly fill: number
}

interface Layer {
  readonly name: string
  readonly size: number
  readonly clusterBytes: number
  readonly refcountBits: number
  readonly version: 'v2' | 'v3'
  readonly compression: 'zlib' | 'zstd'
  readonly requests: readonly Request[]
}

function chain(seed: number): Layer[] {
  const pick = createPrng(seed)
  const count = 1 + pick(4)
  return Array.from({ length: count }, (_, index) => {
    const size = (1 + pick(400)) * SECTOR * (1 + pick(8))
    const version = pick(4) === 0 ? 'v2' : 'v3'
    const clusterBytes = 2 ** (9 + pick(9))
    return {
      name: `layer${String(index)}`,
      size,
      clusterBytes,
      refcountBits: version === 'v2' ? 16 : 2 ** pick(7),
      version,
      compression: version === 'v3' && pick(2) === 0 ? 'zstd' : 'zlib',
      // A compressed cluster behind one that was given back destroys what is there by now.
      requests: Array.from({ length: pick(12) }, () => request(pick, size, clusterBytes)).sort(
        (one, other) => Number(other.kind === 'pack') - Number(one.kind === 'pack'),
      ),
    }
  })
}

function request(pick: (bound: number) => number, size: number, clusterBytes: number): Request {
  const unit = pick(2) === 0 ? SECTOR : Math.min(clusterBytes, size)
  const offset = Math.floor(pick(size) / unit) * unit
  const bytes = Math.min(size - offset, (1 + pick(40)) * unit)
  const kinds = ['write', 'write', 'write', 'pack', 'pack', 'zero', 'discard'] as const
  const kind = kinds[pick(kinds.length)] ?? 'write'
  const fill = 1 + pick(255)
  if (kind !== 'pack') return { kind, offset, bytes: bytes - (bytes % SECTOR), fill }
  const start = offset - (offset % clusterBytes)
  return { kind, offset: start, bytes: Math.min(clusterBytes, size - start), fill }
}

describe('qcow2 chains', () => {
  let directory = ''
  const tool = (name: string, ...words: string[]): string => {
    const bin = join(PREFIX ?? '', 'qemu-7.2', 'bin', name)
    const done = spawnSync(bin, words, { cwd: directory, encoding: 'utf8' })
    // Of requests, only compressed ones may fail, in their way; the status then says so.
    const [failure] = /^.* failed: (?!Input\/output error).*$/m.exec(done.stdout) ?? []
    assert.equal(failure, undefined)
    if (name !== 'qemu-io') assert.equal(done.status, 0, done.stdout + done.stderr)
    return done.stdout
  }
  before(function () {
    if (PREFIX === undefined || !existsSync(PREFIX)) this.skip()
    directory = mkdtempSync(join(tmpdir(), 'chains-'))
  })
  after(() => {
    if (directory !== '') rmSync(directory, { recursive: true, force: true })
  })

  for (let seed = 1; seed <= CHAINS; seed++) {
    it(`written here pass check and compare of the real tools: ${String(seed)}`, async function () {
      this.timeout(60_000)
      const layers = chain(seed)
      const images = imageWorld()
      let content = new Uint8Array()
      await writeHere(images, layers, async (user) => {
        content = new Uint8Array(user.length())
        await user.read(0, content)
      })
      for (const { name } of layers) {
        writeFileSync(join(directory, name), images.world.host.files.content(name))
        tool('qemu-img', 'check', '-f', 'qcow2', name)
      }
      writeFileSync(join(directory, 'raw'), content)
      const top = layers.at(-1)?.name ?? ''
      tool('qemu-img', 'compare', '-f', 'qcow2', '-F', 'raw', top, 'raw')
    })

    it(`come out byte for byte as from the real tools: ${String(seed)}`, async function () {
      this.timeout(60_000)
      const pick = createPrng(seed)
      const [lowest] = chain(seed + 2_000_000)
      assert.ok(lowest)
      const { name, size, clusterBytes } = lowest
      // Parts of a longer write run side by side there, in any order.
      const requests = Array.from({ length: 30 }, () => {
        const one = request(pick, size, clusterBytes)
        return { ...one, bytes: Math.min(one.bytes, clusterBytes - (one.offset % clusterBytes)) }
      })
      const layer = { ...lowest, requests }
      const failedThere = writeThere(tool, [layer])
      const images = imageWorld()
      // A compressed cluster behind one that was given back may be destroyed, and unreadable: then
      // requests around it fail, as many here as there.
      let failed = 0
      const fails = () => failed++
      await writeHere(images, [layer], () => Promise.resolve(), fails)
      assert.equal(failed, failedThere)
      const here = images.world.host.files.content(name)
      assert.equal(Buffer.compare(here, readFileSync(join(directory, name))), 0)
    })

    it(`written by the real tools are read here: ${String(seed)}`, async function () {
      this.timeout(60_000)
      const layers = chain(seed + 1_000_000)
      writeThere(tool, layers)
      const top = layers.at(-1)?.name ?? ''
      tool('qemu-img', 'convert', '-f', 'qcow2', '-O', 'raw', top, 'raw')
      const expected = readFileSync(join(directory, 'raw'))
      const images = imageWorld()
      for (const { name } of layers) {
        images.world.host.files.put(name, readFileSync(join(directory, name)))
      }
      const user = await images.open(top, { backing: backingOptions(layers, layers.length - 2) })
      const seen = new Uint8Array(user.length())
      await user.read(0, seen)
      assert.equal(Buffer.compare(seen, expected), 0)
    })
  }
})

function backingOptions(layers: readonly Layer[], index: number): object | null {
  const layer = layers[index]
  if (layer === undefined) return null
  return {
    driver: 'qcow2',
    'read-only': true,
    file: { driver: 'file', filename: layer.name },
    backing: backingOptions(layers, index - 1),
  }
}

/** @param look - Gets each layer when it is written. */
async function writeHere(
  images: ImageWorld,
  layers: readonly Layer[],
  look: (user: User) => Promise<void>,
  /** Told of requests that fail; without it only compressed ones may. */
  fails?: () => void,
): Promise<void> {
  for (const [index, layer] of layers.entries()) {
    const below = layers[index - 1]
    await images.create(layer.name, {
      size: layer.size,
      version: layer.version,
      'cluster-size': layer.clusterBytes,
      'refcount-bits': layer.refcountBits,
      'compression-type': layer.compression,
      ...(below === undefined ? {} : { 'backing-file': below.name, 'backing-fmt': 'qcow2' }),
    })
    const user = await images.open(layer.name, { backing: backingOptions(layers, index - 1) })
    for (const one of layer.requests) await carryOut(user, one, fails)
    await look(user)
    await images.close(layer.name, user)
  }
}

async function carryOut(user: User, one: Request, fails?: () => void): Promise<void> {
  const may = fails !== undefined || one.kind === 'pack'
  try {
    await play(user, one)
  } catch (error) {
    if (!may) throw error
    assert.equal((error as Error).message, 'Input/output error')
    fails?.()
  }
}

async function play(user: User, { kind, offset, bytes, fill }: Request): Promise<void> {
  const data = new Uint8Array(bytes).fill(fill)
  if (kind === 'write') await user.write(offset, data)
  else if (kind === 'pack') await user.write(offset, data, { compressed: true })
  else if (kind === 'zero') await user.zero(offset, bytes, { mayUnmap: fill % 2 === 0 })
  else await user.discard(offset, bytes)
}

/** @returns How many requests failed. */
function writeThere(
  tool: (name: string, ...words: string[]) => string,
  layers: readonly Layer[],
): number {
  let failed = 0
  for (const [index, layer] of layers.entries()) {
    const below = layers[index - 1]
    const compat = layer.version === 'v2' ? '0.10' : '1.1'
    const options = [
      `compat=${compat}`,
      `cluster_size=${String(layer.clusterBytes)}`,
      `refcount_bits=${String(layer.refcountBits)}`,
      `compression_type=${layer.compression}`,
    ].join(',')
    const backing = below === undefined ? [] : ['-b', below.name, '-F', 'qcow2']
    const { name, size } = layer
    tool('qemu-img', 'create', '-q', '-f', 'qcow2', '-o', options, ...backing, name, String(size))
    const commands = layer.requests.flatMap((one) => ['-c', ioCommand(one)])
    if (commands.length === 0) continue
    const said = tool('qemu-io', '-t', 'writeback', '-f', 'qcow2', '-d', 'unmap', ...commands, name)
    failed += said.match(/ failed: /g)?.length ?? 0
  }
  return failed
}

function ioCommand({ kind, offset, bytes, fill }: Request): string {
  const range = `${String(offset)} ${String(bytes)}`
  if (kind === 'pack') return `write -c -P ${String(fill)} ${range}`
  if (kind === 'write') return `write -P ${String(fill)} ${range}`
  if (kind === 'zero') return `write -z ${fill % 2 === 0 ? '-u ' : ''}${range}`
  return `discard ${range}`
}
