/** A target may die, hang, flood or speak garbage: each is a clear verdict, in bounded time and memory. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CaseEnd } from '../report/event.ts'
import { selectAll } from '../selected.ts'
import { runSuite } from '../suite.ts'
import { playOne, scenarioOf, withSteps } from '../test-plan.ts'
import { parseTargetSpec } from './spec.ts'
import { TargetError } from './target.ts'

const FAKE = join(import.meta.dirname, 'fake-target.mjs')

describe('a badly behaved target', function () {
  let root: string
  before(() => {
    root = mkdtempSync(join(tmpdir(), 'blockspec-test-'))
  })
  after(() => {
    rmSync(root, { recursive: true })
  })

  async function play(how: string): Promise<CaseEnd> {
    const scenario = scenarioOf(withSteps('- qmp: {query-status: {}}\n  within: 300ms'))
    return playOne(scenario, `qsd:${process.execPath} ${FAKE} ${how}`)
  }

  it('that dies crashes, with its exit status and the step', async () => {
    const end = await play('dies')
    assert.equal(end.verdict, 'crash')
    assert.match(end.failures[0]?.message ?? '', /exit 3 at qmp query-status/)
  })

  it('that aborts crashes, with the signal and what it wrote before', async () => {
    const end = await play('aborts')
    assert.equal(end.verdict, 'crash')
    assert.match(end.failures[0]?.message ?? '', /SIGABRT at qmp query-status/)
    assert.match(end.failures[0]?.message ?? '', /the target wrote:\nits last words/)
  })

  it('that hangs times out at the step, with what it still owes', async () => {
    const end = await play('hangs')
    assert.equal(end.verdict, 'timeout')
    assert.match(end.failures[0]?.message ?? '', /an answer to query-status within 300 ms/)
    assert.match(end.failures[0]?.message ?? '', /waiting for: query-status/)
    assert.equal(end.failures[0]?.place?.line, 4)
  })

  it('that speaks garbage fails, with a sample', async () => {
    const end = await play('garbage')
    assert.equal(end.verdict, 'fail')
    assert.match(end.failures[0]?.message ?? '', /garbage: not QMP: "hello/)
  })

  it('that stops in the middle of a message crashes', async () => {
    assert.equal((await play('cut')).verdict, 'crash')
  })

  it('that floods events is stopped', async () => {
    const end = await play('flood')
    assert.equal(end.verdict, 'fail')
    assert.match(end.failures[0]?.message ?? '', /floods/)
  })

  it('that never ends a message is stopped', async () => {
    const end = await play('long')
    assert.ok(end.verdict === 'fail' || end.verdict === 'timeout')
  })

  it('that ignores SIGTERM is killed, and nothing waits for ever', async () => {
    assert.equal((await play('deaf')).verdict, 'timeout')
  })

  it('that does not exist is an error of the environment', async () => {
    await assert.rejects(
      runSuite({
        cases: selectAll({
          scenarios: [scenarioOf(withSteps('- qmp: {query-status: {}}'))],
          sources: {},
        }),
        target: parseTargetSpec('qsd:/nonexistent/daemon'),
        jobs: 1,
        seed: 1,
        timeoutScale: 1,
        golden: { mode: 'off', root },
        keep: 'none',
        onEvent: () => undefined,
      }),
      TargetError,
    )
  })
})
