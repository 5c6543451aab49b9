/** The first difference of two sides, and which differences are alike. */
import assert from 'node:assert/strict'
import { firstDifference, isDeathOfReal, type SidePlayed, shapeOf } from './compare.ts'
import type { Ending, StepRecord } from './record.ts'
import type { FuzzStep } from './step.ts'

const STEPS: FuzzStep[] = ['one', 'two'].map((command) => ({ kind: 'qmp', command, args: {} }))

function side(texts: readonly string[], ending: Ending = { kind: 'done' }): SidePlayed {
  const records = texts.map((reply): StepRecord => ({
    parts: { reply },
    accepted: true,
    outcome: { kind: 'ok' },
  }))
  return { records, ending }
}

describe('comparing', () => {
  it('finds nothing where nothing differs', () => {
    assert.equal(firstDifference(STEPS, side(['a', 'b']), side(['a', 'b'])), undefined)
  })

  it('names the step, the part and the first line that differs', () => {
    const found = firstDifference(STEPS, side(['a', 'x\ny']), side(['a', 'x\nz']))
    assert.deepEqual([found?.step, found?.part, found?.real, found?.ours], [1, 'reply', 'y', 'z'])
  })

  it('tells the death of the real target', () => {
    const found = firstDifference(
      STEPS,
      side(['a'], { kind: 'died', how: 'SIGABRT' }),
      side(['a', 'b']),
    )
    assert.deepEqual(
      [found?.step, found?.part, found?.side, found?.real],
      [1, 'died', 'real', 'died: SIGABRT'],
    )
  })

  it('does not tell how the engine ended later than the real target', () => {
    const found = firstDifference(
      STEPS,
      side(['a'], { kind: 'died', how: 'SIGABRT' }),
      side(['a', 'b'], { kind: 'died', how: 'exit 0' }),
    )
    assert.deepEqual([found?.side, found?.ours], ['real', 'went on'])
  })

  it('tells the death of the engine', () => {
    const found = firstDifference(STEPS, side(['a', 'b']), side(['a'], { kind: 'died', how: 'x' }))
    assert.deepEqual([found?.step, found?.part, found?.side], [1, 'died', 'ours'])
  })

  it('lets both end themselves alike', () => {
    const ended = (): SidePlayed => side(['a'], { kind: 'died', how: 'exit 1' })
    assert.equal(firstDifference(STEPS, ended(), ended()), undefined)
  })

  it('does not blame the engine for an end by design where the real target hangs', () => {
    const found = firstDifference(
      STEPS,
      side(['a'], { kind: 'hung', how: 'x' }),
      side(['a'], { kind: 'died', how: 'exit 1' }),
    )
    assert.deepEqual([found?.part, found?.side, found?.ours], ['hung', 'real', 'died: exit 1'])
  })

  it('tells that the engine hangs where the real target dies', () => {
    const found = firstDifference(
      STEPS,
      side(['a'], { kind: 'died', how: 'SIGABRT' }),
      side(['a'], { kind: 'hung', how: 'stalled' }),
    )
    assert.deepEqual([found?.part, found?.side], ['died', 'both'])
    assert.equal(found !== undefined && isDeathOfReal(found), false)
  })

  it('counts a death of the real target alone apart', () => {
    const [dead, other] = [{ kind: 'died', how: 'SIGABRT' } as const, side(['a', 'b'])]
    const found = firstDifference(STEPS, side(['a'], dead), other)
    assert.equal(found !== undefined && isDeathOfReal(found), true)
    const differs = firstDifference(STEPS, side(['x', 'b']), other)
    assert.equal(differs !== undefined && isDeathOfReal(differs), false)
  })

  it('takes differences that say the same of other things for one', () => {
    const shapes = ["Node 'n1' is busy: 3 users", "Node 'n22' is busy: 17 users"].map(shapeOf)
    assert.equal(shapes[0], shapes[1])
  })

  it('keeps differences in other words apart', () => {
    assert.notEqual(shapeOf("Node 'n1' is busy"), shapeOf("Node 'n1' is in use"))
  })
})
