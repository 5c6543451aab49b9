/** What a run has drawn, and what it must have drawn. */
import assert from 'node:assert/strict'
import { Coverage, coverageLines, judgeCoverage } from './coverage.ts'
import { ExclusionError, isNotBuilt, loadExclusions, parseExclusions } from './exclusions.ts'
import type { StepRecord } from './record.ts'
import { FuzzSchema } from './schema.ts'
import type { FuzzStep } from './step.ts'
import { engineTemplate, playSteps } from './testing.ts'

const SCHEMA = new FuzzSchema([
  { name: 'blockdev-add', 'meta-type': 'command', 'arg-type': '1' },
  { name: 'stop', 'meta-type': 'command', 'arg-type': '0' },
  { name: '0', 'meta-type': 'object', members: [] },
  {
    name: '1',
    'meta-type': 'object',
    tag: 'driver',
    members: [
      { name: 'driver', type: '2' },
      { name: 'node-name', type: 'str', default: null },
    ],
    variants: [{ case: 'box', type: '3' }],
  },
  { name: '2', 'meta-type': 'enum', values: ['box'] },
  {
    name: '3',
    'meta-type': 'object',
    members: [
      { name: 'file', type: '4' },
      { name: 'rule', type: '5', default: null },
    ],
  },
  { name: '4', 'meta-type': 'alternate', members: [{ type: '1' }, { type: 'str' }] },
  { name: '5', 'meta-type': 'object', members: [{ name: 'when', type: 'str' }] },
])

function record(accepted: boolean): StepRecord {
  return { parts: {}, accepted, outcome: { kind: 'ok' } }
}

const nested = {
  driver: 'box',
  file: { driver: 'box', 'node-name': 'b', file: 'x', rule: { when: 'now' } },
}
const ADD: FuzzStep = { kind: 'qmp', command: 'blockdev-add', args: nested }

function covered(times = 1): Coverage {
  const coverage = new Coverage(SCHEMA)
  for (let count = 0; count < times; count += 1) {
    const steps: FuzzStep[] = [ADD, { kind: 'io', node: 'b', ops: [] }]
    coverage.add(steps, [record(count % 2 === 0), record(true)])
  }
  return coverage
}

describe('coverage', () => {
  it('counts commands and those that were accepted', () => {
    assert.deepEqual(covered(3).commands.get('blockdev-add'), { count: 3, accepted: 2 })
  })

  it('counts drivers wherever their options stand', () => {
    assert.equal(covered().drivers.get('box'), 2)
  })

  it('counts members by their path, and common ones for all drivers', () => {
    assert.deepEqual(Object.fromEntries(covered().options), {
      '*.node-name': 1,
      'box.file': 2,
      'box.rule': 1,
      'box.rule.when': 1,
    })
  })

  it('does not count steps that were not played', () => {
    const coverage = new Coverage(SCHEMA)
    coverage.add([ADD], [])
    assert.equal(coverage.drivers.get('box'), 0)
  })

  it('counts sequences with requests', () => {
    assert.deepEqual(covered(2).io, { sequences: 2, withIo: 2 })
  })

  it('is short of what was drawn too rarely', () => {
    const short = covered(150).shortfalls()
    assert.deepEqual(
      short.map(({ subject, figure }) => `${subject}: ${figure}`),
      ['command blockdev-add: count', 'command stop: count', 'command stop: accepted'],
    )
  })

  it('is short of commands that are nearly always accepted', () => {
    const coverage = new Coverage(SCHEMA)
    for (let count = 0; count < 300; count += 1) coverage.add([ADD], [record(true)])
    const [first] = coverage.shortfalls().filter(({ figure }) => figure === 'accepted')
    assert.match(first?.message ?? '', /^100\.0 % accepted/)
  })

  it('is shown as a table with shares', () => {
    assert.ok(coverageLines(covered(2)).includes('blockdev-add      2    50.0 %   50.0 %'))
  })
})

describe('exclusions', () => {
  const STOP = { subject: 'command stop', why: 'x' } as const

  it('take away what they name', () => {
    const { missing } = judgeCoverage(covered(400), [
      { ...STOP, figure: 'count' },
      { ...STOP, figure: 'accepted' },
    ])
    assert.deepEqual(missing, [])
  })

  it('are stale when the figure is met without them', () => {
    const why = 'x'
    const { stale } = judgeCoverage(covered(400), [
      { subject: 'command blockdev-add', figure: 'count', why },
    ])
    assert.deepEqual(stale, ['command blockdev-add, count: the figure is met without it'])
  })

  it('are stale when nothing of the name is built', () => {
    const { stale } = judgeCoverage(covered(400), [
      { subject: 'command gone', figure: 'reply', why: 'x' },
    ])
    assert.deepEqual(stale, ['command gone, reply: nothing of this name is built'])
  })

  const FILE = { subject: 'option box.file', figure: 'drawn', why: 'x' } as const

  it('from being drawn take the count away with it', () => {
    const never = new Coverage(SCHEMA)
    const { missing, stale } = judgeCoverage(never, [FILE])
    assert.ok(missing.every(({ subject }) => subject !== 'option box.file'))
    assert.deepEqual(stale, [])
  })

  it('from being drawn are stale when the engine does not refuse, or knows no such member', () => {
    assert.deepEqual(judgeCoverage(covered(), [FILE], [FILE]).stale, [
      'option box.file, drawn: the engine does not refuse it as not built',
    ])
    assert.deepEqual(judgeCoverage(covered(), [{ ...FILE, subject: 'option box.lid' }]).stale, [
      'option box.lid, drawn: nothing of this name is built',
    ])
  })

  it('from being drawn need a sequence that is refused', () => {
    const source = 'exclusions: [{subject: option box.file, figure: drawn, why: x}]'
    assert.throws(() => parseExclusions(source, 'x.yaml'), /entry 1 needs .* under `refused`/)
  })

  it('from being drawn are borne out by the engine as they are checked in', async () => {
    const listed = loadExclusions().filter(({ figure }) => figure === 'drawn')
    const template = await engineTemplate()
    for (const { subject, refused = [] } of listed) {
      const { records } = await playSteps(refused, template)
      assert.equal(records.length, refused.length + 1, subject)
      assert.ok(isNotBuilt(records[refused.length - 1]), subject)
      assert.ok(
        records.slice(0, refused.length - 1).every(({ accepted }) => accepted),
        subject,
      )
    }
  })

  it('need a reason', () => {
    assert.throws(
      () => parseExclusions('exclusions: [{subject: command quit, figure: count}]', 'x.yaml'),
      ExclusionError,
    )
  })

  it('are readable as they are checked in', () => {
    assert.ok(loadExclusions().length > 0)
  })
})
