/** Sequences as scenarios: valid, and true of the target that they were recorded on. */
import assert from 'node:assert/strict'
import { renderProblem } from '../../dsl/index.ts'
import { compileScenario } from '../language.ts'
import type { CaseEnd } from '../report/event.ts'
import { playOne } from '../test-plan.ts'
import type { Difference } from './compare.ts'
import { nameOf, readRuns, scenarioText } from './scenario-text.ts'
import { drawSequence, playSteps, type Drawn } from './testing.ts'
import type { StepRecord } from './record.ts'
import type { FuzzStep } from './step.ts'

const RAW_IMAGES_ONLY = /\$img\.[fq][1-9]|\$img\.q0/

function at(step: number): Difference {
  return { step, part: 'reply', side: 'both', real: 'a "b": {c}', ours: "d: 'e' # f", shape: '' }
}

function textOf(drawn: Drawn): string {
  const { steps, records } = drawn
  const step = steps.length - 1
  return scenarioText({
    steps,
    real: records,
    ours: records,
    difference: at(step),
    again: '--seed 1 --only 2',
  })
}

/** Of a target that did not survive the first step, which the engine answered, or did not. */
function lost(steps: readonly FuzzStep[], ours: readonly StepRecord[] = []): string {
  return scenarioText({ steps, real: [], ours, difference: at(0), again: '' })
}

async function play(text: string): Promise<CaseEnd> {
  const { scenario, problems } = compileScenario(
    { path: 'found/001-x.yaml', text },
    { root: 'found' },
  )
  const errors = problems.filter(({ level }) => level === 'error')
  assert.deepEqual(errors.map(renderProblem), [])
  assert.ok(scenario !== undefined)
  return playOne(scenario)
}

describe('a sequence as a scenario', () => {
  for (const index of [1, 2, 3, 4, 5, 6, 7, 8]) {
    it(`is valid: number ${index}`, async () => {
      const text = textOf(await drawSequence(21, index, 25))
      const { problems } = compileScenario({ path: 'found/001-x.yaml', text }, { root: 'found' })
      const errors = problems.filter(({ level }) => level === 'error')
      assert.deepEqual(errors.map(renderProblem), [])
    })
  }

  it('passes where it was recorded', async () => {
    const steps: FuzzStep[] = [
      {
        kind: 'qmp',
        command: 'blockdev-add',
        args: { driver: 'null-co', 'node-name': 'n0', size: 65_536, 'read-zeroes': true },
      },
      { kind: 'qmp', command: 'blockdev-del', args: { 'node-name': 'it\'s "not": here' } },
      {
        kind: 'io',
        node: 'n0',
        ops: [
          { verb: 'write', offset: 0, bytes: 512, byte: 200, fua: true },
          { verb: 'read', offset: 0, bytes: 4096 },
          { verb: 'zero', offset: 0, bytes: 512, unmap: true },
          { verb: 'discard', offset: 0, bytes: 512 },
          { verb: 'map', offset: 0, bytes: 65_536 },
          { verb: 'flush' },
        ],
      },
      { kind: 'io', node: 'nosuch', ops: [{ verb: 'flush' }] },
      { kind: 'raw', text: '{"execute": 1}' },
      { kind: 'content', node: 'n0' },
      { kind: 'content', node: 'nosuch' },
    ]
    const end = await play(textOf(await playSteps(steps)))
    assert.deepEqual(end.failures, [])
  })

  it('has the images that its steps name, and what backs them', () => {
    const steps: FuzzStep[] = [{ kind: 'qmp', command: 'x', args: { filename: '$img.q1' } }]
    const text = lost(steps)
    const images = [...text.matchAll(/^ {2}([fq]\d): (?:raw|qcow2)/gm)].map(([, name]) => name)
    assert.deepEqual(images, ['q0', 'q1'])
    assert.ok(RAW_IMAGES_ONLY.test(text))
  })

  it('lets the target die where it has died', () => {
    const steps: FuzzStep[] = [{ kind: 'qmp', command: 'quit', args: {} }]
    const text = lost(steps)
    assert.match(text, /expect: error \| crash/)
  })

  for (const { words, reads } of [
    { words: ['0..1000=0x00', '1000..1536=mixed(31)'], reads: ['0 1536'] },
    {
      words: ['8388608 bytes:', '0..64k=0x00', '...', '0..64k=0x00'],
      reads: ['0 65536', '8323072 65536'],
    },
  ]) {
    it(`reads all that the target has died of reading: ${words[0] ?? ''}`, () => {
      const record: StepRecord = { parts: {}, accepted: true, outcome: { kind: 'content', words } }
      const text = lost([{ kind: 'content', node: 'n0' }], [record])
      const lines = [...text.matchAll(/read (.*) => any/g)].map(([, range]) => range)
      assert.deepEqual(lines, reads)
    })
  }

  it('is named after what differs and where', () => {
    const steps: FuzzStep[] = [{ kind: 'qmp', command: 'blockdev-add', args: { driver: 'raw' } }]
    assert.equal(nameOf({ steps, difference: at(0) }), 'reply-blockdev-add-raw')
  })
})

describe('runs of bytes', () => {
  it('are read from the words of a look at data', () => {
    assert.deepEqual(readRuns(['0..64k=0x11', '64k..1000000=0x00']), [
      { from: 0, to: 65_536, byte: '0x11' },
      { from: 65_536, to: 1_000_000, byte: '0x00' },
    ])
  })

  it('are none where bytes are mixed', () => {
    assert.equal(readRuns(['0..64k=mixed(00)']), undefined)
  })
})
