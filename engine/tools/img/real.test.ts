/** `img` on qcow2 images against the real program: what each line prints, and its status. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSimHost, type SimHost } from '../../host/sim/index.ts'
import { runOurs, sameStorage } from './testing.ts'

const PREFIX = process.env['BLOCKSPEC_QEMU_PREFIX']

interface Outcome {
  readonly status: number | null
  readonly output: string
  readonly errors: string
}

const CREATE_FAILURES = [
  'create -f qcow2 a',
  'create -f qcow2 a 1Q',
  'create -f qcow2 a 9E',
  'create -f qcow2 a -o size=1M 2M',
  'create -f qcow2 -o cluster_size=3 a 1M',
  'create -f qcow2 -o cluster_size=4M a 1M',
  'create -f qcow2 -o cluster_size=x a 1M',
  'create -f qcow2 -o refcount_bits=3 a 1M',
  'create -f qcow2 -o refcount_bits=128 a 1M',
  'create -f qcow2 -o compat=0.10,refcount_bits=8 a 1M',
  'create -f qcow2 -o compat=0.10,lazy_refcounts=on a 1M',
  'create -f qcow2 -o compat=2 a 1M',
  'create -f qcow2 -o compression_type=zz a 1M',
  'create -f qcow2 -o compat=0.10,compression_type=zstd a 1M',
  'create -f qcow2 -o preallocation=zz a 1M',
  'create -f qcow2 -o data_file_raw=on a 1M',
  'create -f qcow2 -o nosuch=1 a 1M',
  'create -f qcow2 -b nosuch -F qcow2 a 1M',
  'create -f qcow2 -b nosuch a 1M',
  'create -f qcow2 -F raw a 1M',
] as const

/** What is wrong with more than one thing, or with something else than it seems. */
const ORDER_OF_CHECKS = [
  'create -f bogus -o x, a 1Q',
  'create -f bogus a 1Q extra',
  'create -f bogus -b nosuch a 1M',
  'create -f blkdebug -o x=1 a 1M',
  'create -f raw -o size=1M -b nosuch a 1M',
  'create -f raw -F qcow2 a 1M',
  'create -f qcow2 -b nosuch -o nosuch=1 zz:a 1M',
  'create -f qcow2 -b nosuch blkdebug::a 1M',
  'create -f qcow2 -b a -F bogus a',
  'create -f qcow2 -b nosuch -F bogus a',
  'create -f qcow2 -u -b nosuch -F bogus a 1M',
  'create -f qcow2 -u -b nosuch a 1M',
  'create -f qcow2 -u -b nosuch -F raw a',
  'create -f qcow2 -b zz:x a 1M',
  'create -f qcow2 -b json:{ a 1M',
  'create -f qcow2 -o backing_file= a 1M',
  'create -f qcow2 -o backing_file=x,,y a 1M',
  'create -f qcow2 -o ,size=1M a',
  'create -f qcow2 -o size=1M, a',
  'create -f qcow2 -o size=1M,, a',
  'create -f qcow2 -o size=63E a',
  'create -f qcow2 -o size=0x8000000000000000 a',
  'create -f qcow2 -o size=0xffffffffffffffff a',
  'create -f qcow2 -o refcount_bits=-1 a 1M',
  'create -f qcow2 -o refcount_bits=99999999999999999999 a 1M',
  'create -f qcow2 -o refcount_bits=08 a 1M',
  'create -f qcow2 -o nolazy_refcounts,id=x a 1M',
  'create -f raw -o nocow a 1M',
  'create -f raw -o nocow=on,extent_size_hint=1M,preallocation=off a 1M',
  'create -f raw -o extent_size_hint=8G a 1M',
  'create -f qcow2 a 63P',
  'create a 7E',
  'create a 63E',
  'create a 1.5',
  'create a 0x10k',
  'create -o help',
  'create -f qcow2 -o cluster_size=4k,help a',
  'create -f raw -o size=1M -o ? a',
  'create -f file -o help nosuch/a',
  'create -o help nbd:x',
  'create -o help zz:x',
  'create -qf',
  'create -10G',
  'create -q a -10G',
  'resize --preallocation=bogus a -10G extra',
  'map --output=xml a b',
  'map -s 63E a',
  'compare --image-opts -f raw a b',
  'info --image-opts x,driver',
  'info --image-opts =x',
  'info --image-opts driver=raw,file.filename=a,id=4',
  'info --image-opts help',
] as const

/** Lines that run one after the other. */
const SEQUENCES: readonly (readonly string[])[] = [
  ...CREATE_FAILURES.map((line) => [line]),
  ...ORDER_OF_CHECKS.map((line) => [line]),
  [
    'create -q -f qcow2 -o cluster_size=4k -o compat=v2 a 1M',
    'info a',
    'check --output=json file:a',
  ],
  [
    'create -q -f qcow2 a 1M',
    'info --image-opts driver=qcow2,file.filename=a',
    'info --image-opts driver=qcow2,file.filename=a,lazy-refcounts',
    'check --output=json --image-opts file.filename=a',
  ],
  [
    'create -q -f qcow2 a 1T',
    'create -q -f qcow2 b 3G',
    'map a',
    'map --output=json b',
    'compare a b',
    'compare -s a a',
  ],
  [
    'create -q -f qcow2 a 1M',
    'resize a -9E',
    'resize a 63E',
    'resize a 9223372036854775807',
    'resize a 1.5',
  ],
  [
    'create -q -f qcow2 c 1M',
    'create -q -f qcow2 -u -b nosuch -F raw b 1M',
    'create -f qcow2 -b b -F qcow2 a',
    'create -f qcow2 -b b a',
    'create -f qcow2 -b c a',
    'create -f qcow2 -b c a 2M',
    'create -f qcow2 -b c -F file a',
  ],
  ['create -f qcow2 a 1M', 'info a', 'info --output=json a', 'check a', 'check --output=json a'],
  ['create -f qcow2 a 1000', 'info a', 'map a', 'map --output=json a'],
  ['create -f qcow2 a 0', 'info a', 'map --output=json a', 'check a', 'resize a 1M', 'info a'],
  ['create -f qcow2 -o compat=0.10 a 1M', 'info a', 'info --output=json a'],
  ['create -f qcow2 -o compat=v3,lazy_refcounts=on,refcount_bits=1 a 1M', 'info a', 'check a'],
  ['create -f qcow2 -o cluster_size=2M,compression_type=zstd a 5M', 'info a', 'check a'],
  ...['off', 'metadata', 'falloc', 'full'].map((mode) => [
    `create -f qcow2 -o preallocation=${mode} a 300k`,
    'info a',
    'map a',
    'map --output=json a',
    'check a',
    `resize --preallocation=${mode} a 700k`,
    'map --output=json a',
    'check a',
  ]),
  [
    'create -f qcow2 base 1M',
    'create -f qcow2 -b base -F qcow2 top',
    'info top',
    'info --output=json top',
    'info --backing-chain top',
    'info --backing-chain --output=json top',
    'resize base 2M',
    'compare base top',
    'compare -s base top',
    'map --output=json top',
    'resize top 3M',
    'map --output=json top',
    'create -f qcow2 -o preallocation=full -b base -F qcow2 x',
  ],
  [
    'create -f raw base 1M',
    'create -f qcow2 -b base top',
    'create -f qcow2 -b base -F raw top 512k',
    'info top',
    'compare -f qcow2 -F raw top base',
    'check top',
  ],
  [
    'create -f qcow2 a 1M',
    'resize a 512k',
    'resize --shrink a 512k',
    'resize a +512',
    'resize a 100',
    'resize --shrink a 100',
    'resize --shrink --preallocation=full a 1k',
    'resize -q a 8M',
    'info a',
    'check -q a',
  ],
  ['create -q -f qcow2 a 1M', 'info -f raw a', 'check -f raw a', 'create -f qcow2 a 2M', 'info a'],
  ['create -q -f qcow2 -u -b nosuch -F raw a 1M', 'info a', 'map a', 'info --backing-chain a'],
]

describe('img on qcow2 images', () => {
  let directory = ''
  const real = (words: readonly string[]): Outcome => {
    const program = join(PREFIX ?? '', 'qemu-7.2', 'bin', 'qemu-img')
    const options = { cwd: directory, encoding: 'utf8' } as const
    const { status, stdout, stderr } = spawnSync(program, words, options)
    return { status, output: sameStorage(stdout), errors: stderr }
  }
  const ours = async (host: SimHost, words: readonly string[]): Promise<Outcome> => {
    const outcome = await runOurs(host, words)
    return { ...outcome, output: sameStorage(outcome.output) }
  }

  before(function () {
    if (PREFIX === undefined || !existsSync(PREFIX)) this.skip()
  })
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'img-'))
  })
  afterEach(() => {
    rmSync(directory, { recursive: true, force: true })
  })

  for (const lines of SEQUENCES) {
    it(`says what the real one says: ${lines.join('; ')}`, async () => {
      const host = createSimHost()
      for (const line of lines) {
        const words = line.split(' ')
        assert.deepEqual([line, await ours(host, words)], [line, real(words)])
      }
    })
  }

  const SNAPSHOTS = ['info a', 'info --output=json a', 'check a', 'map --output=json a']

  it('tells of snapshots that the real one made', async () => {
    real(['create', '-q', '-f', 'qcow2', 'a', '1M'])
    real(['snapshot', '-c', 'first', 'a'])
    real(['snapshot', '-c', 'a name that takes more room than there is', 'a'])
    const host = createSimHost()
    host.files.put('a', readFileSync(join(directory, 'a')))
    for (const line of SNAPSHOTS) {
      const words = line.split(' ')
      assert.deepEqual(await ours(host, words), real(words))
    }
  })

  it('checks an image above one that only a check can open', async () => {
    real(['create', '-q', '-f', 'qcow2', 'b', '1M'])
    real(['create', '-q', '-f', 'qcow2', '-b', 'b', '-F', 'qcow2', 'a'])
    const [a, b] = ['a', 'b'].map((name) => readFileSync(join(directory, name)))
    assert.ok(a !== undefined && b !== undefined)
    // How many snapshots there are.
    b.writeUInt32BE(0xffff0000, 60)
    writeFileSync(join(directory, 'b'), b)
    const host = createSimHost()
    host.files.put('a', a)
    host.files.put('b', b)
    for (const line of ['check a', 'map a', 'check b']) {
      const words = line.split(' ')
      assert.deepEqual(await ours(host, words), real(words))
    }
  })

  it('says which image a damaged table keeps it from comparing', async () => {
    real(['create', '-q', '-f', 'qcow2', '-o', 'preallocation=metadata', 'a', '1M'])
    real(['create', '-q', '-f', 'qcow2', 'b', '1M'])
    const [a, b] = ['a', 'b'].map((name) => readFileSync(join(directory, name)))
    assert.ok(a !== undefined && b !== undefined)
    a.writeBigUInt64BE(0x8000000000050201n, 4 * 65536)
    writeFileSync(join(directory, 'a'), a)
    const host = createSimHost()
    host.files.put('a', a)
    host.files.put('b', b)
    for (const line of ['compare a b', 'compare b a', 'compare -s a b', 'map a']) {
      const words = line.split(' ')
      assert.deepEqual(await ours(host, words), real(words))
    }
  })

  it('finds the damage that the real one finds', async () => {
    real(['create', '-q', '-f', 'qcow2', '-o', 'preallocation=metadata', 'a', '1M'])
    const content = readFileSync(join(directory, 'a'))
    // Counts of data clusters: one too low, one too high, one of nothing.
    for (const [index, count] of [
      [6, 0],
      [7, 2],
      [100, 1],
    ] as const) {
      content.writeUInt16BE(count, 2 * 65536 + 2 * index)
    }
    writeFileSync(join(directory, 'a'), content)
    const host = createSimHost()
    host.files.put('a', content)
    for (const line of ['check a', 'check --output=json a', 'check -q a']) {
      const words = line.split(' ')
      assert.deepEqual(await ours(host, words), real(words))
    }
  })
})
