/** Steps before the start, played once for cases that begin alike. */
import assert from 'node:assert/strict'
import { playCases, scenarioOf } from './test-plan.ts'

const ALIKE = `scenario: 1
title: two cases that begin alike
matrix:
  byte: [1, 2]
images:
  base: qcow2 1M
seed:
  base: write -P 5 0 64k
nodes:
  base: { driver: qcow2, img: base }
steps:
  - io: base
    do: |
      read -P 5 0 64k
      write -P $byte 0 64k
after:
  - io: base
    do: read -P $byte 0 64k
`

const DAMAGED = ALIKE.replace('write -P 5', 'read -P 7')

describe('setups', () => {
  it('begin every case with what they made, whatever the case before has changed', async () => {
    const ends = await playCases(scenarioOf(ALIKE))
    assert.deepEqual(
      ends.map(({ verdict, failures }) => [verdict, failures]),
      [
        ['pass', []],
        ['pass', []],
      ],
    )
  })

  it('fail every case that begins with a claim that fails', async () => {
    const ends = await playCases(scenarioOf(DAMAGED))
    assert.deepEqual(
      ends.map(({ verdict }) => verdict),
      ['fail', 'fail'],
    )
  })
})
