/** Goldens on disk: recording, accepting, refusing, provenance. */
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Scenario } from '../dsl/plan.ts'
import { GoldenStore, type PendingCase } from './store.ts'
import { scenarioOf, withSteps } from './test-plan.ts'

const OPTIONS = { unconfirmed: false, shrink: false }
const TEXT = '== one\nqmp   a => ok\nqmp   b => ok\nqmp   c => ok\nqmp   d => ok\n'

describe('the store of goldens', () => {
  let root: string
  let scenario: Scenario
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'blockspec-test-'))
    scenario = scenarioOf(
      withSteps('- qmp: {query-block: {flat: $flag}}', 'matrix: {flag: [true, false]}\n'),
    )
  })
  afterEach(() => {
    rmSync(root, { recursive: true })
  })

  const id = (value: string): string => `test/case[flag=${value}]`

  function pending(
    value: string,
    transcript: string,
    more: Partial<PendingCase> = {},
  ): PendingCase {
    return {
      id: id(value),
      scenario: 'test/case',
      profile: 'qemu',
      from: 'qemu-storage-daemon 7.2.22',
      target: 'qsd 7.2.22',
      transcript,
      failed: false,
      ...more,
    }
  }

  /** Records, accepts all, and returns what was refused. */
  function accept(cases: readonly PendingCase[], options = OPTIONS): readonly string[] {
    const store = new GoldenStore(root)
    store.writePending(cases)
    const { refused } = store.accept([scenario], store.pending([scenario]), options)
    return refused.map(({ reason }) => reason)
  }

  it('gives accepted transcripts back, by case', () => {
    accept([pending('true', TEXT), pending('false', `${TEXT}qmp   e => ok\n`)])
    const store = new GoldenStore(root)
    assert.equal(store.transcript(scenario, id('true'), 'qemu'), TEXT)
    assert.equal(store.transcript(scenario, id('false'), 'qemu'), `${TEXT}qmp   e => ok\n`)
    assert.ok(!existsSync(join(root, '.pending/test/case.golden.json')))
  })

  it('has nothing for a case that was never recorded', () => {
    accept([pending('true', TEXT)])
    assert.equal(new GoldenStore(root).transcript(scenario, id('false'), 'qemu'), undefined)
  })

  it('writes the same bytes when the same is recorded again', () => {
    accept([pending('true', TEXT), pending('false', TEXT)])
    const golden = readFileSync(join(root, 'test/case.golden'), 'utf8')
    const provenance = readFileSync(join(root, 'provenance.json'), 'utf8')
    rmSync(root, { recursive: true })
    accept([pending('false', TEXT)])
    accept([pending('true', TEXT)])
    assert.equal(readFileSync(join(root, 'test/case.golden'), 'utf8'), golden)
    assert.equal(readFileSync(join(root, 'provenance.json'), 'utf8'), provenance)
  })

  it('refuses what failed its inline claims', () => {
    assert.deepEqual(accept([pending('true', TEXT, { failed: true })]), ['inline claims failed'])
  })

  it('takes goldens of profile qemu from a real 7.2 only', () => {
    assert.match(accept([pending('true', TEXT, { target: 'engine' })])[0] ?? '', /--unconfirmed/)
    assert.match(accept([pending('true', TEXT, { target: 'qsd 10.0.2' })])[0] ?? '', /real 7.2/)
    assert.deepEqual(accept([pending('true', TEXT, { target: 'system 7.2.22' })]), [])
  })

  it('takes the engine’s unconfirmed, and says so until a real one agrees', () => {
    accept([pending('true', TEXT, { target: 'engine' })], { ...OPTIONS, unconfirmed: true })
    const store = new GoldenStore(root)
    assert.ok(store.isUnconfirmed('test/case', id('true'), 'qemu'))
    store.noteIdentical('test/case', id('true'), 'qemu', 'qsd 7.2.22', true)
    assert.ok(!store.isUnconfirmed('test/case', id('true'), 'qemu'))
  })

  it('refuses a golden that shrinks by more than 30 %', () => {
    accept([pending('true', TEXT)])
    const short = '== one\nqmp   a => ok\n'
    assert.match(accept([pending('true', short)])[0] ?? '', /30 %/)
    assert.deepEqual(accept([pending('true', short)], { ...OPTIONS, shrink: true }), [])
  })

  it('forgets who agreed when the transcript changes', () => {
    accept([pending('true', TEXT)])
    const store = new GoldenStore(root)
    store.noteIdentical('test/case', id('true'), 'qemu', 'engine', true)
    store.save()
    accept([pending('true', `${TEXT}qmp   e => ok\n`)])
    assert.deepEqual(new GoldenStore(root).origin('test/case', id('true'), 'qemu')?.same, [])
  })

  it('shows equal changes of many goldens under one hash', () => {
    accept([pending('true', TEXT)])
    const store = new GoldenStore(root)
    store.writePending([pending('true', TEXT.replace('qmp   b', 'qmp   B'))])
    const [one] = store.pending([scenario])
    assert.match(one?.hunks[0]?.text ?? '', /^-qmp {3}b => ok$/m)
    assert.match(one?.hunks[0]?.hash ?? '', /^[0-9a-f]{8}$/)
  })

  it('names goldens that no scenario has', () => {
    accept([pending('true', TEXT)])
    assert.deepEqual(new GoldenStore(root).orphans([scenario]), [])
    assert.equal(new GoldenStore(root).orphans([]).length, 2)
  })

  it('drops what was rejected', () => {
    const store = new GoldenStore(root)
    store.writePending([pending('true', TEXT)])
    store.reject(store.pending([scenario]))
    assert.deepEqual(store.pending([scenario]), [])
  })
})
