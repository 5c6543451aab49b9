/** What a target has printed, held against claims. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import type { Failure } from '../report/event.ts'
import { playSelected } from '../play-selected.ts'
import { selectAll } from '../selected.ts'
import { createTarget } from '../targets/index.ts'
import { parseTargetSpec } from '../targets/spec.ts'
import { scenarioOf, withSteps } from '../test-plan.ts'

const FAKE = join(import.meta.dirname, '..', 'targets', 'fake-target.mjs')

async function failuresOf(target: string, steps: string): Promise<readonly Failure[]> {
  const [selected] = selectAll({ scenarios: [scenarioOf(withSteps(steps))], sources: {} })
  assert.ok(selected !== undefined)
  const played = await playSelected(
    selected,
    createTarget(parseTargetSpec(target)),
    { sources: {}, seed: 1, timeoutScale: 1, keep: 'none' },
    () => undefined,
  )
  return played.failures
}

describe('a claim about what the target has printed', () => {
  it('fails where it is written', async () => {
    const [failure, more] = await failuresOf(
      'engine',
      '- expect-log: []\n- expect-log: ~ has [/x/]',
    )
    assert.equal(failure?.place?.line, 5)
    assert.equal(more, undefined)
  })

  it('without a matcher is that nothing looks like a bug', async () => {
    assert.deepEqual(await failuresOf('engine', '- expect-log:'), [])
    const steps = '- qmp: query-status\n- expect-log:'
    const [failure] = await failuresOf(`qsd:${process.execPath} ${FAKE} confesses`, steps)
    assert.match(failure?.message ?? '', /^the target printed: .* runtime error: index 4/)
  })
})
