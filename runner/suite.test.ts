/** Whole cases on the engine: what is written down, what is claimed, and that nothing else matters. */
import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CaseEnd, RunEvent } from './report/event.ts'
import { orderCases, selectAll } from './selected.ts'
import { type RunOptions, runSuite, type RunSummary } from './suite.ts'
import { scenarioOf, withSteps } from './test-plan.ts'
import { parseTargetSpec } from './targets/spec.ts'

const DISK = `images: {a: raw 1M}
seed: {a: write -P 0x11 0 1M}
nodes:
  a: {driver: file, img: a}
  r: {driver: raw, file: a, offset: 64k, size: 64k}
`

describe('a run on the engine', () => {
  let root: string
  before(() => {
    root = mkdtempSync(join(tmpdir(), 'blockspec-test-'))
  })
  after(() => {
    rmSync(root, { recursive: true })
  })

  async function run(
    texts: readonly string[],
    more: Partial<RunOptions> = {},
  ): Promise<{
    readonly ends: CaseEnd[]
    readonly events: RunEvent[]
    readonly summary: RunSummary
  }> {
    const scenarios = texts.map((text, index) =>
      scenarioOf(text, `scenarios/test/case-${String(index)}.yaml`),
    )
    const events: RunEvent[] = []
    const summary = await runSuite({
      cases: selectAll({ scenarios, sources: {} }),
      target: parseTargetSpec('engine'),
      jobs: 1,
      seed: 1,
      timeoutScale: 1,
      golden: { mode: 'off', root },
      keep: 'none',
      onEvent: (event) => {
        events.push(event)
      },
      ...more,
    })
    return { events, summary, ends: events.filter((event) => event.event === 'case-end') }
  }

  async function one(steps: string, top = DISK, more: Partial<RunOptions> = {}): Promise<CaseEnd> {
    const { ends } = await run([withSteps(steps, top)], more)
    const [end] = ends
    assert.ok(end !== undefined)
    return end
  }

  const text = (end: CaseEnd): string => end.phases.map((phase) => phase.text).join('\n\n')

  it('is silent about all steps of a loop, a branch or a fragment that is to leave no line', async () => {
    const end = await one(
      [
        '- each: {n: [0, 1]}',
        '  golden: false',
        '  do: [{io: r, do: read -P 0x11 0 512}]',
        '- if: $w == yes',
        '  golden: false',
        '  do: [{each: {n: [0, 1]}, do: [{io: r, do: read -P 0x11 0 4k}]}]',
        '- io: r',
        '  do: read -P 0x11 0 8k',
      ].join('\n'),
      `${DISK}matrix: {w: ['yes']}\ngolden: true\n`,
    )
    assert.equal(end.verdict, 'pass')
    assert.equal(text(end).match(/read/g)?.length, 1)
    assert.doesNotMatch(text(end), /^--/m)
  })

  it('writes down everything that is visible, in golden notation', async () => {
    const end = await one(
      [
        '- phase: a window',
        '- io: r',
        '  do: |',
        '    write -P 0x22 0 4k',
        '    read -P 0x22 0 4k',
        '- qmp: {blockdev-del: {node-name: a}}',
        '  expect: error GenericError',
        '- graph: picture',
        '- each: {n: [0, 1]}',
        '  do: [{io: r, do: read -P 0x22 0 512}]',
        '- qmp: {query-block-exports: {}}',
      ].join('\n'),
      `${DISK}after:\n  - verify: {a: 64k..68k = 0x22 | rest = 0x11}\n`,
    )
    assert.deepEqual(end.failures, [])
    assert.equal(
      text(end),
      [
        '== setup',
        'img   create a raw 1M                                            => ok',
        'seed  a write -P 0x11 0..1M                                      => ok',
        'node  a file img:a                                               => ok',
        'node  r raw file=a offset=64k size=64k                           => ok',
        '',
        '== a window',
        'io    r write -P 0x22 0..4k                                      => ok',
        'io    r read -P 0x22 0..4k                                       => ok',
        'qmp   blockdev-del node-name=a                                   => GenericError',
        '      | Block device a is in use',
        'graph',
        '      r raw',
        '        file -> a file',
        '-- n=0',
        'io    r read -P 0x22 0..512                                      => ok',
        '-- n=1',
        'io    r read -P 0x22 0..512                                      => ok',
        '--',
        'qmp   query-block-exports                                        => ok',
        '      []',
        '',
        '== after',
        'data  a 0..64k=0x11 64k..68k=0x22 68k..1M=0x11',
        'tidy  jobs 0  exports 0  leaks 0',
      ].join('\n'),
    )
  })

  for (const [what, steps, leaf] of [
    [
      'class',
      '- qmp: {blockdev-del: {node-name: x}}\n  expect: error DeviceNotFound',
      'DeviceNotFound',
    ],
    [
      'text',
      '- qmp: {blockdev-del: {node-name: x}}\n  expect: error GenericError /nope/',
      '/nope/',
    ],
    ['error', '- qmp: {query-block: {}}\n  expect: error', 'error'],
    ['return leaf', '- qmp: {query-block-exports: {}}\n  return: "~ count 7"', '7'],
    ['event', '- qmp: {query-block: {}}\n  events: [{QUORUM_FAILURE: {}}]', 'QUORUM_FAILURE'],
    ['graph line', '- graph: |\n    r -file-> a\n    r -backing-> a', '-backing->'],
    ['pattern', '- io: r\n  do: read -P 0x12 0 4k', '0x12'],
    ['outcome', '- io: r\n  do: read -P 0x11 0 4k => EIO', '=> EIO'],
    ['extent', '- verify: {r: 0..4k = 0x12 | rest = 0x11}', '0x12'],
  ] as const) {
    it(`fails and points at the ${what} that does not hold`, async () => {
      const end = await one(steps)
      assert.equal(end.verdict, 'fail')
      const [failure] = end.failures
      const lines = withSteps(steps, DISK).split('\n')
      const { line = 0, column = 0 } = failure?.place ?? {}
      const rest = (lines[line - 1] ?? '').slice(column - 1)
      assert.ok(rest.startsWith(leaf), `points at ${rest}`)
      assert.match(failure?.excerpt ?? '', /\^/)
    })
  }

  for (const branch of ['do', 'else']) {
    it(`judges the steps under '${branch}' where only the target decides`, async () => {
      const command = branch === 'do' ? 'query-block' : 'no-such-command'
      const claim = '[{io: r, do: read -P 0x12 0 4k}]'
      const other = branch === 'do' ? 'else' : 'do'
      const end = await one(
        `- if: has qmp.${command}\n  ${branch}: ${claim}\n  ${other}: [{io: r, do: read 0 4k}]`,
      )
      assert.equal(end.verdict, 'fail')
      assert.deepEqual(
        end.failures.map(({ code }) => code),
        ['claim'],
      )
    })
  }

  it('says that a node which cannot be exported refused', async () => {
    const top = `${DISK}  q: {driver: quorum, vote-threshold: 1, children: [{driver: raw, file: r, read-only: true}], read-only: true}\n`
    const end = await one('- io: q\n  do: write 0 4k => refused', top)
    assert.deepEqual(end.failures, [])
    assert.match(text(end), /=> refused\n {6}\| /)
  })

  it('keeps requests in flight over steps', async () => {
    const top = 'nodes:\n  n: {driver: null-co, size: 1M, latency-ns: 1000000000}\n'
    const steps =
      '- io: n\n  do: aio_read 0 4k as r1 => pending\n- advance: 2s\n- io: n\n  do: await r1'
    assert.deepEqual((await one(steps, top)).failures, [])
  })

  it('is not applicable where a need is missing, with the reason', async () => {
    const end = await one('- qmp: {query-block: {}}', 'needs: [driver.nosuch]\n')
    assert.equal(end.verdict, 'n/a')
    assert.equal(end.reason, 'no driver.nosuch')
  })

  it('times out in virtual time, at once in real time', async () => {
    const top = 'nodes:\n  n: {driver: null-co, size: 1M, latency-ns: 100000000000}\n'
    const end = await one('- io: n\n  do: read 0 4k', top)
    assert.equal(end.verdict, 'timeout')
    assert.ok(end.milliseconds < 2000)
  })

  it('plays in real time on the real host when a scenario asks for it', async () => {
    const end = await one('- io: r\n  do: read -P 0x11 0 4k', `time: real\ntags: [slow]\n${DISK}`)
    assert.deepEqual(end.failures, [])
  })

  it('gives one transcript in any order, with any seed, and in workers', async () => {
    const steps = '- io: r\n  do: |\n    write -P 1 0 4k\n    read -P 1 0 4k\n- graph: picture'
    const texts = Array.from({ length: 6 }, () => withSteps(steps, DISK))
    const transcripts = async (more: Partial<RunOptions>): Promise<string[]> => {
      const { ends } = await run(texts, more)
      assert.deepEqual(
        ends.flatMap((end) => end.failures),
        [],
      )
      return ends.map((end) => `${end.id}\n${text(end)}`).sort()
    }
    const first = await transcripts({})
    assert.deepEqual(await transcripts({ seed: 4711 }), first)
    assert.deepEqual(await transcripts({ jobs: 2 }), first)
    assert.equal(new Set(first.map((whole) => whole.slice(whole.indexOf('\n')))).size, 1)
  })

  it('stops at the number of failures that was asked for', async () => {
    const texts = Array.from({ length: 4 }, () =>
      withSteps('- qmp: {query-block: {}}\n  expect: error'),
    )
    assert.equal((await run(texts, { maxFailures: 2 })).summary.cases, 2)
  })

  it('listens once for its interruption, whatever its jobs, and not afterwards', async () => {
    const texts = Array.from({ length: 12 }, () =>
      withSteps('- qmp: {query-block: {}}', 'needs: [driver.nosuch]\n'),
    )
    const { signal } = new AbortController()
    const listeners = (): number => getEventListeners(signal, 'abort').length
    const during = new Set<number>()
    const onEvent = ({ event }: RunEvent): void => {
      if (event === 'case-start') during.add(listeners())
    }
    await run(texts, { jobs: texts.length, signal, onEvent })
    assert.deepEqual([...during], [1])
    assert.equal(listeners(), 0)
  })

  it('reports itself as one stream with a start and an end', async () => {
    const { events, summary } = await run([withSteps('- qmp: {query-block: {}}')])
    assert.equal(events[0]?.event, 'run-start')
    assert.equal(events.at(-1)?.event, 'run-end')
    assert.deepEqual(summary.verdicts, { pass: 1 })
  })

  it('orders cases by a seed, the same way each time', () => {
    const scenario = scenarioOf(
      withSteps('- qmp: {query-block: {flat: $n}}', 'matrix: {n: [1, 2, 3, 4, 5, 6, 7, 8]}\n'),
    )
    const cases = selectAll({ scenarios: [scenario], sources: {} })
    const ids = (seed: number): string[] =>
      orderCases(cases, { kind: 'random', seed }).map((one) => one.case.id)
    assert.deepEqual(ids(7), ids(7))
    assert.notDeepEqual(ids(7), ids(8))
    assert.deepEqual(ids(7).sort(), cases.map((one) => one.case.id).sort())
  })
})
