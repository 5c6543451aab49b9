/** Tests of which claims are about what is there, and which about replies. */
import assert from 'node:assert/strict'
import { scenarioOf } from '../test-plan.ts'
import { clausesWithEffects } from './effects.ts'

const HEAD = `scenario: 1
title: a test
profile: note
spec: [QUO-1, QUO-2]
nodes:
  a: { driver: null-co, size: 1M, read-zeroes: true }
steps:
`

const ACT = '  - qmp: { blockdev-del: { node-name: b } }\n    expect: error\n    clause: QUO-1\n'

function seen(steps: string, head = HEAD): readonly string[] {
  return [...clausesWithEffects(scenarioOf(`${head}${steps}`))].sort()
}

describe('claims about what is there', () => {
  for (const [what, step] of [
    ['a graph', 'graph: only a'],
    ['data', 'io: a\n    do: read -P 0 0 64k'],
    ['a request that fails', 'io: a\n    do: write -P 1 0 64k => EPERM'],
    ['an event', 'wait: quiet\n    events: [{ never: JOB_STATUS_CHANGE }]'],
  ] as const) {
    it(`are those about ${what} after a command`, () => {
      assert.deepEqual(seen(`${ACT}  - ${step}\n    clause: QUO-2\n`), ['QUO-2'])
    })
  }

  it('are none where only replies are looked at', () => {
    assert.deepEqual(seen(`${ACT}  - qmp: query-jobs\n    return: []\n    clause: QUO-1\n`), [])
  })

  it('do not count before anything was done', () => {
    assert.deepEqual(seen('  - graph: only a\n    clause: QUO-1\n'), [])
  })

  it('speak of the clause of their step, or of the only one of the scenario', () => {
    const graph = `${ACT.replace('    clause: QUO-1\n', '')}  - graph: only a\n`
    assert.deepEqual(seen(graph), [])
    assert.deepEqual(seen(graph, HEAD.replace(', QUO-2', '')), ['QUO-1'])
  })
})
