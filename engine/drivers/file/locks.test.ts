/** Locks between programs: what real ones hold is kept from us, and what we hold from them. */
import assert from 'node:assert/strict'
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  needing,
  qemu,
  run,
  startEngine,
  startOursFormat,
  startTheirsFormat,
  succeed,
} from '../../nbd/testing.ts'

describe('locks between programs', function () {
  const [img, io] = [qemu('qemu-img'), qemu('qemu-io')]
  before(needing(img, io, qemu('qemu-storage-daemon')))

  let folder = ''
  let image = ''
  beforeEach(async () => {
    folder = fs.mkdtempSync(join(tmpdir(), 'locks-'))
    image = join(folder, 'image')
    await succeed(img, ['create', '-q', '-f', 'qcow2', image, '1M'])
  })
  afterEach(() => {
    fs.rmSync(folder, { recursive: true })
  })

  const file = (): object => ({ driver: 'file', filename: image })
  const OPENINGS: readonly (readonly [what: string, options: () => object, text?: string])[] = [
    [
      'keep us from writing',
      () => ({ driver: 'qcow2', file: file() }),
      'Failed to get "write" lock',
    ],
    [
      'keep us from reading what changes',
      () => ({ driver: 'qcow2', file: file(), 'read-only': true }),
      'Failed to get shared "write" lock',
    ],
    [
      'let us read what we know to change',
      () => ({
        driver: 'qcow2',
        file: { ...file(), 'force-share': true },
        'read-only': true,
        'force-share': true,
      }),
    ],
    ['let us have a node that nobody uses', file],
  ]

  for (const start of [startTheirsFormat, startOursFormat]) {
    describe(`of ${start === startTheirsFormat ? 'a real daemon' : 'another of our engines'}`, () => {
      for (const [what, options, text] of OPENINGS) {
        it(what, async () => {
          const server = await start(folder, image, 'qcow2')
          const { engine, qmp } = await startEngine()
          try {
            const about = { 'node-name': 'mine', ...options() }
            assert.equal(await qmp.refusal('blockdev-add', about), text)
          } finally {
            await engine.shutdown()
            await server.stop()
          }
        })
      }
    })
  }

  describe('of ours', () => {
    /** What a real program says while our engine exports the image, writable. */
    async function meanwhile(program: string, args: readonly string[]): Promise<string> {
      const server = await startOursFormat(folder, image, 'qcow2')
      try {
        const { status, stderr } = await run(
          program,
          args.map((arg) => (arg === 'IMAGE' ? image : arg)),
        )
        return status === 0 ? 'done' : stderr
      } finally {
        await server.stop()
      }
    }

    const CASES: readonly (readonly [
      what: string,
      program: string,
      args: string,
      lock?: string,
    ])[] = [
      ['keep a real qemu-io from writing', io, '-f qcow2 -c read IMAGE', '"write"'],
      ['keep a real qemu-img from resizing', img, 'resize -f raw IMAGE 2M', '"write"'],
      ['keep a real qemu-img from reading what changes', img, 'info IMAGE', 'shared "write"'],
      ['let a real qemu-img read that knows it changes', img, 'info -U IMAGE'],
    ]
    for (const [what, program, args, lock] of CASES) {
      it(what, async () => {
        const said = await meanwhile(program, args.split(' '))
        if (lock === undefined) {
          assert.equal(said, 'done')
          return
        }
        const hint = `Is another process using the image [${image}]?`
        assert(said.includes(`Failed to get ${lock} lock\n${hint}`), said)
      })
    }

    it('are gone with it', async () => {
      await meanwhile(img, ['info', '-U', 'IMAGE'])
      await succeed(io, ['-f', 'qcow2', '-c', 'write 0 512', image])
    })
  })
})
