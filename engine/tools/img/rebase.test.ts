/**
 * `img rebase` against the real one: texts, status and the bytes of all images, on lines that are
 * written down and on chains made by chance. `BLOCKSPEC_IMG_REBASES` says how many chains are tried.
 */
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSimHost, type SimHost } from '../../host/sim/index.ts'
import { createPrng } from '../../host/sim/prng.ts'
import { damage, pick, runOurs, runReal, someImage } from './testing.ts'

const TRIES = Number(process.env['BLOCKSPEC_IMG_REBASES'] ?? '40')
const PREFIX = process.env['BLOCKSPEC_QEMU_PREFIX'] ?? ''
/** Those that showed a difference once, on damaged images. */
const FOUND = [98, 111, 236, 329]
const NAMES = ['base', 'mid', 'new', 'top'] as const

const JSON_TOP = '{"driver":"qcow2","file":{"driver":"file","filename":"top"}}'
const BELOW_A_FILTER =
  'driver=copy-on-read,file.driver=qcow2,file.file.driver=file,file.file.filename=top'
const ABOVE_A_FILTER =
  'driver=qcow2,file.driver=copy-on-read,file.file.driver=file,file.file.filename=top'

/** Lines on a fresh chain of `top` over `mid` over `base`, beside `new`; each list is a new start. */
const SEQUENCES: readonly (readonly string[])[] = [
  ['rebase', 'rebase top', 'rebase -b new', 'rebase -b new -F qcow2 top x', 'rebase --foo top'],
  ['rebase -u top -b'],
  ['rebase -b new top', 'rebase -u -b new top', 'rebase -f raw -b new top'],
  ['rebase -u -b nosuch -F qcow2 top', 'info -f qcow2 top', 'rebase -b new -F qcow2 top'],
  ['rebase -u top', 'info top', 'rebase -b new -F qcow2 top', 'rebase -u -F raw top', 'info top'],
  ['rebase -b new -F qcow2 top', 'map --output=json top', 'info top', 'check top'],
  ['rebase -q -b mid -F qcow2 top', 'rebase -b base -F qcow2 top', 'map --output=json top'],
  ['rebase -b ./base -F raw top', 'info top', 'rebase -b base top'],
  ['rebase -b nosuch -F qcow2 top', 'rebase -b nosuch top', 'rebase -b new -F raw top'],
  ['rebase -b new -F nofmt top', 'rebase -u -F nofmt top', 'rebase -f bad -u top'],
  ['rebase -u -b new -F vdi top', 'info top', 'rebase -u -b new -F throttle top', 'info top'],
  ['rebase -t foo -T bar -b new -F qcow2 top', 'rebase -T bar -b new -F qcow2 nosuch'],
  ...['none', 'writeback', 'directsync', 'writethrough', 'unsafe'].map((mode) => [
    `rebase -t ${mode} -T ${mode} -b new -F qcow2 top`,
    'map --output=json top',
  ]),
  ['rebase -b top -F qcow2 top', 'rebase -b top -F qcow2 base', 'rebase -u -b top -F qcow2 base'],
  // The same file as another format is no loop.
  ['rebase -u -b top -F raw top', 'map --output=json top', 'rebase -b base -F qcow2 top'],
  ['rebase -f raw -u -b new -F qcow2 top', 'rebase -f raw -b new -F qcow2 top'],
  ['rebase -f raw -u top', 'rebase -f raw -u -b new top', 'rebase -u new', 'rebase -u nosuch'],
  ['rebase -U -b new -F qcow2 top', 'rebase -U -u -b base -F qcow2 top', 'info top'],
  [
    `rebase -u -b ${'x'.repeat(1023)} -F qcow2 top`,
    `rebase -u -b ${'x'.repeat(1024)} -F qcow2 top`,
  ],
  [`rebase -u -b ${'x'.repeat(1024)} top`, `rebase -u -b x -F ${'x'.repeat(300)} top`],
  ['rebase --image-opts -f qcow2 -u top', 'rebase --image-opts -u top'],
  [`rebase --image-opts -b new -F qcow2 ${BELOW_A_FILTER}`],
  [`rebase --image-opts -u -b new -F qcow2 ${BELOW_A_FILTER}`, 'info top'],
  [`rebase --image-opts -b new -F qcow2 ${ABOVE_A_FILTER}`],
  [
    `rebase -b new -F qcow2 json:${JSON_TOP}`,
    'info top',
    `rebase -b json:${JSON_TOP} -F qcow2 new`,
  ],
  ['rebase -b json:{} -F qcow2 top', 'rebase -b json:[] -F qcow2 top', 'rebase -b x:y -F raw top'],
]

/** Lines with words that hold nothing. */
const EMPTY: readonly (readonly string[])[] = [
  ['rebase', '-b', '', 'top'],
  ['rebase', '-b', '', '-F', 'qcow2', 'top'],
  ['rebase', '-u', '-b', '', 'mid'],
  ['rebase', '-u', '-b', 'new', '-F', '', 'top'],
  ['rebase', '-f', 'raw', '-b', '', 'top'],
]

/** Storage taken is the file system's business. */
function sameStorage(text: string): string {
  return text.replace(/disk size: .*/, 'disk size: …')
}

describe('img rebase', () => {
  let directory = ''
  let host: SimHost = createSimHost()
  before(function () {
    // Without a real QEMU there is nothing to compare with.
    if (!existsSync(PREFIX)) this.skip()
  })
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'rebase-'))
    host = createSimHost()
  })
  afterEach(() => {
    rmSync(directory, { recursive: true, force: true })
  })

  const put = (name: string, content: Uint8Array): void => {
    writeFileSync(join(directory, name), content)
    host.files.put(name, content.slice())
  }
  const runBoth = async (words: readonly string[]): Promise<void> => {
    const real = runReal(PREFIX, directory, words)
    const ours = await runOurs(host, words)
    assert.deepEqual(
      { ...ours, output: sameStorage(ours.output) },
      { ...real, output: sameStorage(real.output) },
      words.join(' '),
    )
    for (const name of NAMES) {
      const bytes = Buffer.from(host.files.content(name))
      const same = readFileSync(join(directory, name)).equals(bytes)
      assert.ok(same, `the bytes of ${name} differ after ${words.join(' ')}`)
    }
  }
  /** `top` over `mid` over `base`, which lie beside `new`. */
  const chain = async (below: (bound: number) => number): Promise<void> => {
    for (const name of NAMES) put(name, await someImage(below))
    await runBoth(['rebase', '-u', '-b', 'mid', '-F', 'qcow2', 'top'])
    await runBoth(['rebase', '-u', '-b', 'base', '-F', 'qcow2', 'mid'])
  }

  for (const [index, lines] of SEQUENCES.entries()) {
    it(`says what the real one says: ${lines.join('; ').slice(0, 300)}`, async () => {
      await chain(createPrng(index))
      for (const line of lines) await runBoth(line.split(' '))
    })
  }

  it('takes no name for no backing image', async () => {
    await chain(createPrng(1))
    for (const words of EMPTY) await runBoth(words)
  })

  for (const seed of [...Array.from({ length: TRIES }, (_, index) => index + 1), ...FOUND]) {
    it(`keeps what a chain shows, with the bytes of the real one: ${String(seed)}`, async () => {
      const below = createPrng(seed)
      await chain(below)
      if (below(3) === 0) await runBoth(['rebase', '-u', '-b', 'base', '-F', 'qcow2', 'new'])
      if (below(3) === 0) {
        const name = pick(below, NAMES)
        put(name, damage(below, host.files.content(name)))
      }
      for (let count = below(3); count >= 0; count--) {
        const backing = pick(below, ['base', 'new', 'mid', './base', ''])
        const format = pick(below, ['qcow2', 'qcow2', 'qcow2', 'raw'])
        await runBoth(['rebase', '-b', backing, '-F', format, pick(below, ['top', 'top', 'mid'])])
      }
      await runBoth(['map', '--output=json', '-f', 'qcow2', 'top'])
      await runBoth(['check', '-f', 'qcow2', 'top'])
    })
  }
})
