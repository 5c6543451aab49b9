/** What every step may carry is heeded wherever it stands: at steps that hold others, at any kind. */
import assert from 'node:assert/strict'
import type { CaseEnd } from './report/event.ts'
import { playOne, scenarioOf, withSteps } from './test-plan.ts'

const TOP = `nodes:
  s: {driver: null-co, size: 1M, read-zeroes: true}
  t: {driver: null-co, size: 1M}
`

/** Two steps, of which the first has the job's events. */
const COPY = [
  '    - qmp: {blockdev-backup: {job-id: j, device: s, target: t, sync: full}}',
  '    - wait: job j gone',
  '    - qmp: {query-jobs: {}}',
]

async function play(...lines: readonly string[]): Promise<CaseEnd> {
  const scenario = scenarioOf(withSteps(lines.join('\n'), TOP), 'scenarios/test/case.yaml')
  return playOne(scenario)
}

const codes = ({ failures }: CaseEnd): string[] => failures.map(({ code }) => code)

/** Steps under a condition that the values decide, under one that the target decides, and in a loop. */
const HOLDERS = {
  'a decided condition': '- if: true',
  'a condition that the target decides': '- if: has qmp.query-jobs',
  'a loop': '- each: {n: [1]}',
}

describe('keys of every step', () => {
  for (const [name, head] of Object.entries(HOLDERS)) {
    it(`claim the events of all steps in ${name}`, async () => {
      const held = await play(
        head,
        '  events: [BLOCK_JOB_COMPLETED: {device: j}]',
        '  do:',
        ...COPY,
      )
      assert.deepEqual(codes(held), [])
      const missed = await play(head, '  events: [BLOCK_JOB_READY]', '  do:', ...COPY)
      assert.deepEqual(codes(missed), ['claim'])
    })

    it(`save parts of the last answer in ${name}`, async () => {
      const save = (path: string): Promise<CaseEnd> =>
        play(
          head,
          `  save: {x: '${path}'}`,
          '  do:',
          '    - qmp: {query-named-block-nodes: {}}',
          '    - io: s',
          '      do: read 0 512',
        )
      assert.deepEqual(codes(await save('[node-name=s].drv')), [])
      assert.deepEqual(codes(await save('[node-name=u].drv')), ['step'])
    })

    it(`limit the steps in ${name}`, async () => {
      const end = await play(head, '  within: 7ms', '  do:', '    - wait: event JOB_STATUS_CHANGE')
      assert.equal(end.verdict, 'timeout')
      assert.match(end.failures[0]?.message ?? '', /within 7 ms/)
    })
  }

  it('save from a query after steps that answer nothing', async () => {
    const end = await play(
      '- io: s',
      '  do: read 0 512',
      "  save: {driver: 'query-named-block-nodes[node-name=s].drv'}",
    )
    assert.deepEqual(codes(end), [])
    assert.match(end.phases.map(({ text }) => text).join('\n'), /save +driver null-co/)
  })

  it('save from a query beside a command', async () => {
    const end = await play(
      '- qmp: {query-jobs: {}}',
      "  save: {driver: 'query-named-block-nodes[node-name=s].drv'}",
    )
    assert.match(end.phases.map(({ text }) => text).join('\n'), /save +driver null-co/)
  })

  it('say where there is no such part', async () => {
    const end = await play('- io: s', '  do: read 0 512', "  save: {x: '.nothing'}")
    assert.deepEqual(codes(end), ['step'])
    assert.match(end.failures[0]?.message ?? '', /there is no \.nothing in/)
  })
})
