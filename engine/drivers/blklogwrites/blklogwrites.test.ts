/** Tests of the blklogwrites driver. The logs are laid out as a real 7.2 wrote them. */
import assert from 'node:assert/strict'
import { refusal, testWorld } from '../../graph/testing.ts'
import { createSimHost } from '../../host/sim/index.ts'
import { requestPaths } from '../../io/paths.ts'
import { DRIVERS } from '../index.ts'
import { ENTRY, MAGIC, SUPERBLOCK } from './format.ts'

async function world(
  options: Record<string, unknown> = {},
  log: Uint8Array<ArrayBuffer> = new Uint8Array(0),
) {
  const host = createSimHost()
  host.files.put('disk', new Uint8Array(65536).fill(1))
  host.files.put('log', log)
  const file = (filename: string) => ({ driver: 'file', filename, discard: 'unmap' })
  const test = testWorld(DRIVERS, requestPaths, host)
  await test.add({
    driver: 'blklogwrites',
    'node-name': 'w',
    discard: 'unmap',
    file: file('disk'),
    log: file('log'),
    ...options,
  })
  return { ...test, host, user: test.writer('w'), content: () => host.files.content('log') }
}

/** Entries as `sector+sectors/flags`, after the number that the superblock has. */
function told(log: Uint8Array, sectorBytes = 512): string {
  const { magic, entries } = SUPERBLOCK.decode(log)
  const parts = [magic === MAGIC ? String(entries) : '-']
  for (let at = sectorBytes; at < log.length; at += sectorBytes) {
    const { sector, sectors, flags } = ENTRY.decode(log, at)
    parts.push(`${String(sector)}+${String(sectors)}/${String(flags)}`)
    if ((flags & 4n) === 0n) at += Number(sectors) * sectorBytes
  }
  return parts.join(' ')
}

function superblock(entries: bigint, { version = 1n, sectorBytes = 512, magic = MAGIC } = {}) {
  const block: Uint8Array<ArrayBuffer> = new Uint8Array(512)
  SUPERBLOCK.encodeInto(block, 0, { magic, version, entries, sectorBytes })
  return block
}

function withEntries(...flags: readonly bigint[]): Uint8Array<ArrayBuffer> {
  const log = new Uint8Array(512 * (1 + flags.length))
  log.set(superblock(BigInt(flags.length)))
  flags.forEach((own, index) => {
    ENTRY.encodeInto(log, 512 * (index + 1), {
      sector: 0n,
      sectors: 0n,
      flags: own,
      dataBytes: 0n,
    })
  })
  return log
}

describe('blklogwrites', () => {
  it('logs writes with their data, the superblock with a flush', async () => {
    const { user, content } = await world()
    await user.write(1024, new Uint8Array(1024).fill(7))
    assert.equal(told(content()), '- 2+2/0')
    assert.equal(content()[1024], 7)
    await user.flush()
    assert.equal(told(content()), '2 2+2/0 0+0/1')
    await user.flush()
    assert.equal(told(content()), '2 2+2/0 0+0/1')
  })

  it('logs discards without data and zeroes with them', async () => {
    const { user, content } = await world()
    await user.discard(0, 4096)
    await user.zero(4096, 1024)
    await user.flush()
    assert.equal(told(content()), '3 0+8/4 8+2/0 0+0/1')
  })

  it('logs whole sectors', async () => {
    const { user, content } = await world({ 'log-sector-size': 4096 })
    await user.write(100, Uint8Array.of(7))
    await user.flush()
    assert.equal(told(content(), 4096), '2 0+1/0 0+0/1')
  })

  it('does not discard parts of sectors', async () => {
    const { user, content } = await world()
    await user.discard(100, 1024)
    await user.flush()
    assert.equal(told(content()), '2 1+1/4 0+0/1')
  })

  it('cannot zero fast', async () => {
    const { user } = await world()
    assert.equal(
      await refusal(() => user.zero(0, 512, { noFallback: true })),
      'Operation not supported',
    )
  })

  it('writes the superblock after so many entries', async () => {
    const { user, content } = await world({ 'log-super-update-interval': 2 })
    await user.write(0, new Uint8Array(512))
    assert.equal(told(content()), '- 0+1/0')
    await user.write(0, new Uint8Array(512))
    assert.equal(told(content()), '2 0+1/0 0+1/0')
  })

  it('logs what fails too, and fails where the log does', async () => {
    const { user, host, content } = await world()
    host.files.hook = ({ path }) => (path === 'disk' ? { errno: 'ENOSPC' } : undefined)
    const write = () => user.write(0, new Uint8Array(512))
    assert.equal(await refusal(write), 'No space left on device')
    assert.equal(told(content()), '- 0+1/0')
    host.files.hook = () => ({ errno: 'EIO' })
    assert.equal(await refusal(write), 'Input/output error')
  })

  it('goes on with a log', async () => {
    const { user, content } = await world({ 'log-append': true }, withEntries(1n, 8n))
    await user.write(0, new Uint8Array(512))
    await user.flush()
    assert.equal(told(content()), '4 0+0/1 0+0/8 0+1/0 0+0/1')
  })

  it('takes what a log lacks for entries without data, however many they are', async () => {
    const { user } = await world({ 'log-append': true }, superblock(2n ** 64n - 1n))
    await user.write(0, new Uint8Array(512))
  })

  const REFUSED: readonly (readonly [
    options: Record<string, unknown>,
    log: Uint8Array<ArrayBuffer>,
    text: string,
  ])[] = [
    [{ 'log-sector-size': 1000 }, new Uint8Array(0), 'Invalid log sector size 1000'],
    [{ 'log-sector-size': 2 ** 24 }, new Uint8Array(0), 'Invalid log sector size 16777216'],
    [
      { 'log-super-update-interval': 0 },
      new Uint8Array(0),
      'Invalid log superblock update interval 0',
    ],
    [
      { 'log-append': true, 'log-sector-size': 512 },
      new Uint8Array(0),
      'log-append and log-sector-size are mutually exclusive',
    ],
    [{ 'log-append': true }, superblock(0n, { magic: 0n }), 'Invalid log superblock magic'],
    [{ 'log-append': true }, superblock(0n, { version: 2n }), 'Unsupported log version 2'],
    [{ 'log-append': true }, superblock(0n, { sectorBytes: 1000 }), 'Invalid log sector size 1000'],
    [{ 'log-append': true }, withEntries(8n, 64n), 'Invalid flags 0x40 in log entry 1'],
  ]
  for (const [options, log, text] of REFUSED) {
    it(`is refused: ${text}`, async () => {
      assert.equal(await refusal(() => world(options, log)), text)
    })
  }
})
