/** Tests of what a clause needs. */
import assert from 'node:assert/strict'
import type { Profile, Scenario } from '../../dsl/plan.ts'
import type { Clause } from '../clauses.ts'
import { coverageRows, type CoverageOptions } from './coverage-table.ts'

const clause = (id: string, change: Partial<Clause> = {}): Clause => ({
  id,
  section: id.replace(/-.*/, ''),
  profiles: ['qemu'],
  level: 'must',
  sentence: 's',
  refused: true,
  switches: [],
  ...change,
})

/** Only the members that coverage reads. */
function scenario(
  id: string,
  spec: readonly string[],
  refuses: readonly string[] = [],
  profiles: readonly Profile[] = ['qemu'],
): Scenario {
  const refs = (ids: readonly string[]) => ids.map((ref) => ({ id: ref }))
  return {
    id,
    spec: refs(spec),
    refuses: refs(refuses),
    profiles,
    cases: [],
  } as unknown as Scenario
}

function missing(
  clauses: readonly Clause[],
  scenarios: readonly Scenario[],
  change: Partial<CoverageOptions> = {},
) {
  const options = {
    profiles: [],
    wants: () => true,
    built: false,
    counts: () => true,
    ...change,
  }
  return coverageRows(clauses, scenarios, options).map((row) =>
    [row.clause.id, row.profile, ...row.missing].join(' '),
  )
}

describe('clause coverage', () => {
  it('wants what must hold shown and refused', () => {
    assert.deepEqual(missing([clause('A')], []), ['A qemu shown refused'])
    assert.deepEqual(missing([clause('A')], [scenario('s', ['A'])]), ['A qemu refused'])
    assert.deepEqual(missing([clause('A')], [scenario('s', ['A'], ['A'])]), ['A qemu'])
  })

  it('wants nothing refused where nothing can be', () => {
    assert.deepEqual(missing([clause('A', { refused: false })], [scenario('s', ['A'])]), ['A qemu'])
  })

  it('wants what should hold shown, and nothing of what may hold or only a test sees', () => {
    assert.deepEqual(
      missing(
        [
          clause('A', { level: 'should' }),
          clause('B', { level: 'may' }),
          clause('C', { seenBy: 'a test' }),
        ],
        [],
      ),
      ['A qemu shown', 'B qemu', 'C qemu'],
    )
  })

  it('counts each profile by itself', () => {
    const clauses = [clause('A', { profiles: ['qemu', 'note'], refused: false })]
    const scenarios = [scenario('s', ['A'], [], ['note'])]
    assert.deepEqual(missing(clauses, scenarios), ['A qemu shown', 'A note'])
    assert.deepEqual(missing(clauses, scenarios, { profiles: ['note'] }), ['A note'])
  })

  it('wants more than replies where switches make profile note differ', () => {
    const differing = clause('A', {
      profiles: ['qemu', 'note'],
      level: 'may',
      switches: ['reopen.children'],
    })
    const replies = scenario('s', ['A'], [], ['note'])
    assert.deepEqual(missing([differing], [replies]), ['A qemu', 'A note effect'])
  })

  it('leaves out what no scenario names when asked for what is built', () => {
    const clauses = [clause('A'), clause('B')]
    assert.deepEqual(missing(clauses, [scenario('s', ['A'])], { built: true }), ['A qemu refused'])
  })

  it('does not count a scenario that did not pass', () => {
    const clauses = [clause('A', { refused: false })]
    assert.deepEqual(missing(clauses, [scenario('s', ['A'])], { counts: () => false }), [
      'A qemu shown',
    ])
  })
})
