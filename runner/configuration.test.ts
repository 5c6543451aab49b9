/** What a restart adds again. */
import assert from 'node:assert/strict'
import { compileScenario } from './language.ts'
import type { Template } from '../dsl/plan.ts'
import { Configuration } from './configuration.ts'

const TEXT = `scenario: 1
title: a test
nodes:
  a: { driver: null-co, size: 1M }
  b: { driver: raw, file: a, read-only: true, faults: [] }
define:
  again: &again { driver: raw, node-name: b, file: a }
steps:
  - node: { late: { driver: null-co } }
  - qmp: { blockdev-reopen: { options: [*again] } }
  - each: { one: [*again] }
    do:
      - qmp: { blockdev-reopen: { options: [$one] } }
`

function played(): { readonly configuration: Configuration; readonly reopen: () => void } {
  const { scenario } = compileScenario({ path: 's/x.yaml', text: TEXT }, { root: 's' })
  const plan = scenario?.cases[0]
  assert.ok(plan !== undefined)
  const configuration = new Configuration(plan.setup)
  const reopen = (): void => {
    for (const step of plan.steps) if (step.kind === 'qmp') configuration.note(step)
  }
  return { configuration, reopen }
}

function optionsOf(configuration: Configuration, how: 'clean' | 'as configured'): unknown {
  return configuration.steps(how).map((step) => [step.name, keys(step.options)])
}

function keys(options: Template | undefined): unknown {
  return options?.kind === 'map' ? options.entries.map(({ key }) => key) : undefined
}

describe('a restart', () => {
  it('adds what the scenario declares, and nothing that a step added', () => {
    const { configuration } = played()
    assert.deepEqual(optionsOf(configuration, 'as configured'), [
      ['a', ['driver', 'size']],
      ['b', ['driver', 'file', 'read-only']],
    ])
  })

  it('as configured takes the options that were restated last', () => {
    const { configuration, reopen } = played()
    reopen()
    assert.deepEqual(optionsOf(configuration, 'as configured'), [
      ['a', ['driver', 'size']],
      ['b', ['driver', 'file']],
    ])
  })

  it('that is clean takes the options of the scenario', () => {
    const { configuration, reopen } = played()
    reopen()
    assert.deepEqual(optionsOf(configuration, 'clean'), [
      ['a', ['driver', 'size']],
      ['b', ['driver', 'file', 'read-only']],
    ])
  })
})
