/** Claims about events: occurrence, order, number, absence. */
import assert from 'node:assert/strict'
import type { Value } from '../dsl/plan.ts'
import { eventMismatches } from './event-claims.ts'
import type { QmpEvent } from './session.ts'
import { eventsOf, textAt, withSteps } from './test-plan.ts'

function events(...list: readonly (readonly [string, Value])[]): QmpEvent[] {
  return list.map(([name, data], index) => ({ name, data, index }))
}

function blamed(claims: string, seen: readonly QmpEvent[]): string[] {
  const text = withSteps(`- qmp: {query-block: {}}\n  events: ${claims}`)
  return eventMismatches(eventsOf(claims), seen, () => undefined).map(({ span }) =>
    textAt(span, text),
  )
}

const BAD = ['QUORUM_REPORT_BAD', { 'node-name': 'a', 'sector-num': 0 }] as const
const OTHER = ['QUORUM_REPORT_BAD', { 'node-name': 'b', 'sector-num': 0 }] as const
const FAILURE = ['QUORUM_FAILURE', { reference: 'q', 'sector-num': 0 }] as const

describe('claims about events', () => {
  it('find an event wherever it stands', () => {
    assert.deepEqual(blamed('[QUORUM_FAILURE: {reference: q}]', events(BAD, FAILURE)), [])
  })

  it('blame the member that is wrong in the event that fits best', () => {
    const seen = events(BAD, OTHER)
    assert.deepEqual(blamed('[QUORUM_REPORT_BAD: {node-name: c, sector-num: 0}]', seen), ['c'])
  })

  it('blame the name when no event has it', () => {
    assert.deepEqual(blamed('[QUORUM_FAILURE: {reference: q}]', events(BAD)), ['QUORUM_FAILURE'])
  })

  it('hold an order across lanes', () => {
    const claim = '[{ordered: [{QUORUM_REPORT_BAD: {}}, {QUORUM_FAILURE: {}}]}]'
    assert.deepEqual(blamed(claim, events(BAD, FAILURE)), [])
    assert.deepEqual(blamed(claim, events(FAILURE, BAD)), ['QUORUM_FAILURE'])
  })

  it('hold a set in any order, each claim with an event of its own', () => {
    const claim = '[{set: [{QUORUM_REPORT_BAD: {}}, {QUORUM_REPORT_BAD: {node-name: a}}]}]'
    assert.deepEqual(blamed(claim, events(BAD, OTHER)), [])
    assert.equal(blamed(claim, events(BAD)).length, 1)
  })

  it('hold an absence', () => {
    assert.deepEqual(blamed('[{never: QUORUM_FAILURE}]', events(BAD)), [])
    assert.deepEqual(blamed('[{never: QUORUM_FAILURE}]', events(FAILURE)), ['QUORUM_FAILURE'])
  })

  it('hold an exact number', () => {
    assert.deepEqual(blamed('[{times 2: {QUORUM_REPORT_BAD: {}}}]', events(BAD, OTHER)), [])
    assert.equal(blamed('[{times 2: {QUORUM_REPORT_BAD: {}}}]', events(BAD)).length, 1)
  })

  it('hold that nothing else happened, optional events aside', () => {
    assert.deepEqual(blamed('[{only: [QUORUM_REPORT_BAD]}]', events(BAD, FAILURE)), [])
    const same = ['BLOCK_IO_ERROR', { 'node-name': 'a' }] as const
    assert.equal(blamed('[{only: [QUORUM_REPORT_BAD]}]', events(BAD, same)).length, 1)
    assert.deepEqual(
      blamed('[{only: [QUORUM_REPORT_BAD]}, {optional: BLOCK_IO_ERROR}]', events(BAD, same)),
      [],
    )
  })

  it('blame the name of an only-list that never came', () => {
    assert.deepEqual(blamed('[{only: [QUORUM_FAILURE]}]', events(BAD)), ['QUORUM_FAILURE'])
  })
})
