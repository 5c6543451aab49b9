/** Events: time stamps, who hears them, and the kinds that come at most once a second. */
import assert from 'node:assert/strict'
import { createSimHost } from '../host/sim/index.ts'
import type { QmpEvent } from './events.ts'
import { EventBus } from './events.ts'

const SECOND = 1_000_000_000

function bus() {
  const host = createSimHost({ epochSeconds: 1000 })
  const events = new EventBus(host.clock)
  const heard: QmpEvent[] = []
  events.subscribe((event) => heard.push(event))
  const report = (node: string, sector: number): void => {
    events.emit('QUORUM_REPORT_BAD', { 'node-name': node, 'sector-num': sector })
  }
  const sectors = (): unknown[] => heard.map(({ data }) => data?.['sector-num'])
  return { host, events, heard, report, sectors }
}

describe('the event bus', () => {
  it('stamps events with the time of day', async () => {
    const { host, events, heard } = bus()
    await host.advance(2 * SECOND + 3000)
    events.emit('BLOCK_EXPORT_DELETED', { id: 'e' })
    assert.deepEqual(heard, [
      {
        timestamp: { seconds: 1002, microseconds: 3 },
        event: 'BLOCK_EXPORT_DELETED',
        data: { id: 'e' },
      },
    ])
  })

  it('lists members as declared, whatever the order in which they came', () => {
    const { events, heard } = bus()
    events.emit('QUORUM_FAILURE', { 'sectors-count': 1, 'sector-num': 0, reference: 'q' })
    assert.deepEqual(Object.keys(heard[0]?.data ?? {}), [
      'reference',
      'sector-num',
      'sectors-count',
    ])
  })

  it('sends the first of a limited kind at once and the last one a second later', async () => {
    const { host, report, sectors } = bus()
    for (const sector of [0, 8, 16]) report('c', sector)
    assert.deepEqual(sectors(), [0])
    await host.advance(SECOND)
    assert.deepEqual(sectors(), [0, 16])
  })

  it('keeps the time at which a late event happened', async () => {
    const { host, report, heard } = bus()
    report('c', 0)
    await host.advance(SECOND / 2)
    report('c', 8)
    await host.advance(SECOND)
    assert.deepEqual(heard[1]?.timestamp, { seconds: 1000, microseconds: 500_000 })
  })

  it('starts another second with each late event', async () => {
    const { host, report, sectors } = bus()
    report('c', 0)
    report('c', 8)
    await host.advance(SECOND)
    report('c', 16)
    assert.deepEqual(sectors(), [0, 8])
    await host.advance(SECOND)
    assert.deepEqual(sectors(), [0, 8, 16])
  })

  it('limits each bad child on its own', () => {
    const { report, sectors } = bus()
    report('c', 0)
    report('d', 1)
    assert.deepEqual(sectors(), [0, 1])
  })

  it('limits all failures together', () => {
    const { events, heard } = bus()
    events.emit('QUORUM_FAILURE', { reference: 'q' })
    events.emit('QUORUM_FAILURE', { reference: 'r' })
    assert.equal(heard.length, 1)
  })

  it('forgets what it held back when it closes', async () => {
    const { host, events, report, sectors } = bus()
    report('c', 0)
    report('c', 8)
    events.close()
    await host.advance(2 * SECOND)
    assert.deepEqual(sectors(), [0])
  })
})
