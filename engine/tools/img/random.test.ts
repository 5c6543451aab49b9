/** `img` against the real program: command lines by chance, one after the other on the same files. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { createSimHost } from '../../host/sim/index.ts'
import { runOurs, sameStorage } from './testing.ts'

const PREFIX = process.env['BLOCKSPEC_QEMU_PREFIX']
const LINES = 6

type Words = fc.Arbitrary<readonly string[]>

const names = fc.constantFrom(
  ...[
    'a',
    'a',
    'b',
    'b',
    'c',
    'nosuch',
    'file:a',
    'zz:a',
    'blkdebug::a',
    'json:{',
    'json:{"driver":"raw"}',
  ],
  'json:{"driver":"qcow2","file":{"driver":"file","filename":"a"}}',
)
const formats = fc.constantFrom('qcow2', 'qcow2', 'raw', 'raw', 'bogus', 'file', 'blkdebug')
const sizes = fc.constantFrom(
  ...['0', '1', '511', '513', '4k', '64k', '1M', '1M', '1.5M', '1.3k', '+1M', '10G', '1T'],
  ...['-1', 'abc', '1e3', '0x1000', '1M1', '8E', '63E', ''],
)
const option = fc.constantFrom(
  ...['cluster_size=4k', 'cluster_size=3k', 'cluster_size=2M', 'cluster_size=', 'compat=0.10'],
  ...['compat=v3', 'lazy_refcounts=on', 'lazy_refcounts', 'nolazy_refcounts', 'refcount_bits=1'],
  ...['refcount_bits=64', 'refcount_bits=3', 'preallocation=metadata', 'preallocation=bogus'],
  ...['size=1M', 'size=', 'backing_file=b', 'backing_file=', 'backing_fmt=qcow2', 'bogus=1', '='],
  ...['help', '?', 'nocow=on', 'extent_size_hint=1M', 'compression_type=zstd', ''],
)
const lists = fc.array(option, { minLength: 1, maxLength: 3 }).map((items) => items.join(','))

const always = (words: fc.Arbitrary<string>): Words => words.map((word) => [word])
/** In one line of `one in` that many. */
const perhaps = (oneIn: number, ...words: readonly fc.Arbitrary<string>[]): Words =>
  fc.tuple(fc.nat(oneIn - 1), fc.tuple(...words)).map(([die, given]) => (die === 0 ? given : []))
const word = fc.constant<string>
const line = (command: string, ...parts: readonly Words[]): Words =>
  fc.tuple(...parts).map((found) => [command, ...found.flat()])

const output = fc.constantFrom('--output=json', '--output=human', '--output=xml')
const common = [
  perhaps(4, word('-f'), formats),
  perhaps(10, word('-U')),
  perhaps(16, word('--image-opts')),
] as const
const extra = perhaps(20, word('extra'))

const LINE: Words = fc.oneof(
  line(
    'create',
    perhaps(8, word('-q')),
    perhaps(2, word('-f'), formats),
    perhaps(3, word('-b'), names),
    perhaps(3, word('-F'), formats),
    perhaps(8, word('-u')),
    perhaps(2, word('-o'), lists),
    perhaps(10, word('-o'), lists),
    always(names),
    perhaps(1, sizes),
    extra,
  ),
  line(
    'info',
    ...common,
    perhaps(3, output),
    perhaps(3, word('--backing-chain')),
    always(names),
    extra,
  ),
  line(
    'check',
    ...common,
    perhaps(3, output),
    perhaps(6, word('-r'), fc.constantFrom('leaks', 'all', 'x')),
    always(names),
  ),
  line(
    'map',
    ...common,
    perhaps(2, output),
    perhaps(4, word('-s'), sizes),
    perhaps(4, word('-l'), sizes),
    always(names),
    extra,
  ),
  line(
    'compare',
    ...common,
    perhaps(5, word('-F'), formats),
    perhaps(4, word('-s')),
    always(names),
    always(names),
    extra,
  ),
  line(
    'resize',
    perhaps(4, word('-f'), formats),
    perhaps(2, word('--shrink')),
    perhaps(5, word('--preallocation=metadata')),
    always(names),
    fc.tuple(fc.constantFrom('', '+', '-'), sizes).map(([sign, size]) => [`${sign}${size}`]),
    extra,
  ),
  line(
    'rebase',
    perhaps(4, word('-f'), formats),
    perhaps(1, word('-u')),
    perhaps(1, word('-b'), names),
    perhaps(2, word('-F'), formats),
    always(names),
  ),
)

describe('command lines of img by chance', function () {
  this.timeout(120_000)
  let directory = ''

  before(function () {
    if (PREFIX === undefined || !existsSync(PREFIX)) this.skip()
  })

  const real = (words: readonly string[]): unknown => {
    const program = join(PREFIX ?? '', 'qemu-7.2', 'bin', 'qemu-img')
    const options = { cwd: directory, encoding: 'utf8' } as const
    const { status, stdout, stderr } = spawnSync(program, words, options)
    return { status, output: sameStorage(stdout), errors: stderr }
  }

  it('say and do what those of the real one do', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(LINE, { minLength: 1, maxLength: LINES }), async (lines) => {
        directory = mkdtempSync(join(tmpdir(), 'img-'))
        try {
          const host = createSimHost()
          for (const words of lines) {
            const outcome = await runOurs(host, words)
            const ours = { ...outcome, output: sameStorage(outcome.output) }
            assert.deepEqual([words, ours], [words, real(words)])
          }
        } finally {
          rmSync(directory, { recursive: true, force: true })
        }
      }),
      { numRuns: 60 },
    )
  })
})
