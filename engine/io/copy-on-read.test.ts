/** Tests of reads that copy, with a node that has some of its data only further down. */
import assert from 'node:assert/strict'
import { defineDriver, type Driver } from '../block/driver.ts'
import { refusal, testWorld } from '../graph/testing.ts'
import { requestPaths } from './paths.ts'

const UNIT = 1024
const SIZE = 8 * UNIT
const COPY = { copyOnRead: true }

interface Layer {
  readonly driver: Driver
  readonly log: string[]
  /** Units that the node has itself. */
  readonly own: Set<number>
}

/** A node over imagined data: its first unit is zeroes, each other one holds its number. */
function layer({ canZero = true } = {}): Layer {
  const own = new Set<number>()
  const log: string[] = []
  const note = (kind: string, offset: number, bytes: number): void => {
    log.push(`${kind} ${String(offset)}+${String(bytes)}`)
    if (kind === 'read') return
    for (let at = offset; at < offset + bytes; at += UNIT) own.add(at / UNIT)
  }
  const driver = defineDriver({
    name: 'layer',
    kind: 'protocol',
    doc: 'For tests.',
    options: {},
    children: {},
    open: () => ({
      length: () => SIZE,
      read(offset, into) {
        note('read', offset, into.length)
        for (const index of into.keys()) into[index] = Math.floor((offset + index) / UNIT)
      },
      write(offset, data, { unchanged }) {
        note(unchanged === true ? 'copy' : 'write', offset, data.length)
      },
      ...(canZero
        ? {
            zero(offset: number, bytes: number) {
              note('zero', offset, bytes)
            },
          }
        : {}),
      status(offset) {
        const unit = Math.floor(offset / UNIT)
        const allocated = own.has(unit)
        return { bytes: (unit + 1) * UNIT - offset, allocated, data: allocated, zero: false }
      },
      info: () => ({ clusterBytes: UNIT }),
    }),
  })
  return { driver, log, own }
}

async function world(about: Parameters<typeof layer>[0] = {}, options: object = {}) {
  const { driver, log, own } = layer(about)
  const { add, graph } = testWorld([driver], requestPaths)
  await add({ driver: 'layer', 'node-name': 'n', ...options })
  return { log, own, user: graph.attach(graph.find('n'), { uses: 1, shares: 15 }) }
}

describe('a read that copies', () => {
  it('copies whole clusters and reads what was asked for', async () => {
    const { user, own } = await world()
    const into = new Uint8Array(4)
    await user.read(3 * UNIT - 2, into, COPY)
    assert.deepEqual(into, Uint8Array.of(2, 2, 3, 3))
    assert.deepEqual([...own], [2, 3])
  })

  it('only reads what the node has itself', async () => {
    const { user, own, log } = await world()
    own.add(2)
    await user.read(2 * UNIT + 5, new Uint8Array(10), COPY)
    assert.deepEqual(log, [`read ${String(2 * UNIT + 5)}+10`])
  })

  it('stores zeroes as such', async () => {
    const { user, log } = await world()
    await user.read(0, new Uint8Array(1), COPY)
    assert.deepEqual(log, ['read 0+1024', 'zero 0+1024'])
  })

  it('writes zeroes where the driver cannot do better', async () => {
    const { user, log } = await world({ canZero: false })
    await user.read(0, new Uint8Array(1), COPY)
    assert.deepEqual(log, ['read 0+1024', 'copy 0+1024'])
  })

  it('reads nothing that is there already if nobody looks at it', async () => {
    const { user, own, log } = await world()
    own.add(1)
    await user.read(UNIT, new Uint8Array(2 * UNIT), { ...COPY, prefetch: true })
    assert.deepEqual(log, ['read 2048+1024', 'copy 2048+1024'])
  })

  it('copies once what two reads at the same time want', async () => {
    const { user, log } = await world()
    await Promise.all([
      user.read(UNIT, new Uint8Array(UNIT), COPY),
      user.read(UNIT + 1, new Uint8Array(UNIT - 1), COPY),
    ])
    assert.equal(log.filter((line) => line.startsWith('copy')).length, 1)
  })

  it('fails where the node cannot be written', async () => {
    const { user, own } = await world({}, { 'read-only': true })
    const read = () => user.read(UNIT, new Uint8Array(1), COPY)
    assert.equal(await refusal(read), 'Operation not permitted')
    own.add(1)
    await read()
  })
})
