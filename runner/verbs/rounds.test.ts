/** Tests of repeated and retried runs, on a player that answers from a list. */
import assert from 'node:assert/strict'
import type { CaseEnd, RunEvent } from '../report/event.ts'
import { caseEnd } from '../report/fixtures.ts'
import type { RunOptions } from '../suite.ts'
import { playRounds, type RoundsOptions } from './rounds.ts'

type Script = Readonly<Record<string, readonly Partial<CaseEnd>[]>>

/** Plays cases whose n-th run ends as the n-th entry says. */
function player(script: Script) {
  const turns = new Map<string, number>()
  return async ({ cases, onEvent, signal }: RunOptions) => {
    for (const { case: one } of cases) {
      if (signal?.aborted === true) break
      const turn = turns.get(one.id) ?? 0
      turns.set(one.id, turn + 1)
      onEvent(caseEnd({ id: one.id, ...script[one.id]?.[turn] }))
    }
    onEvent({ event: 'run-end', cases: cases.length, verdicts: {}, seconds: 0 })
    return { interrupted: false }
  }
}

async function rounds(script: Script, change: Partial<RoundsOptions> = {}) {
  const events: RunEvent[] = []
  const cases = Object.keys(script).map((id) => ({ case: { id }, profile: 'qemu' }))
  const result = await playRounds({
    play: player(script),
    // The player reads nothing else of the options.
    run: { cases, target: { text: 'engine' } } as unknown as RoundsOptions['run'],
    rounds: 1,
    untilFail: false,
    retries: 0,
    emit: (event) => events.push(event),
    now: () => 0,
    ...change,
  })
  const ends = events.filter((event) => event.event === 'case-end')
  return { events, ends, result }
}

const phases = (text: string) => ({ phases: [{ title: 'p', text }] })
const PASS = phases('a\nb\n')
const FAIL = { verdict: 'fail', ...phases('b\na\n') } as const

describe('rounds of a run', () => {
  it('are one run with one start and one end', async () => {
    const { events, result } = await rounds({ x: [PASS, PASS], y: [PASS, PASS] }, { rounds: 2 })
    assert.deepEqual(
      events.map(({ event }) => event),
      ['run-start', 'case-end', 'case-end', 'case-end', 'case-end', 'run-end'],
    )
    assert.deepEqual(result, { cases: 4, wanted: 4, verdicts: { pass: 4 } })
    assert.deepEqual(events.at(-1), {
      event: 'run-end',
      cases: 4,
      verdicts: { pass: 4 },
      seconds: 0,
    })
  })

  it('fail when a passing transcript changes', async () => {
    const { ends } = await rounds({ x: [PASS, phases('a\nc\n')] }, { rounds: 2 })
    assert.deepEqual(
      ends.map(({ verdict, failures }) => [verdict, failures[0]?.code]),
      [
        ['pass', undefined],
        ['fail', 'unsteady'],
      ],
    )
    assert.match(ends[1]?.failures[0]?.diff ?? '', /-b\n\+c/)
  })

  it('stop after the first that breaks', async () => {
    const script = { x: [PASS, PASS, FAIL, PASS] }
    const { ends } = await rounds(script, { rounds: Number.POSITIVE_INFINITY, untilFail: true })
    assert.equal(ends.length, 3)
  })

  it('call a case flaky that passes when played again, and say how it differed', async () => {
    const { ends, result } = await rounds({ x: [FAIL, PASS], y: [PASS] }, { retries: 2 })
    assert.deepEqual(result.verdicts, { pass: 1, flaky: 1 })
    const [, flaky] = ends
    assert.equal(flaky?.reason, 'passed at attempt 2; the attempts differ in: order of lines')
  })

  it('leave a case broken that never passes', async () => {
    const { ends } = await rounds({ x: [FAIL, FAIL, FAIL] }, { retries: 2 })
    assert.deepEqual(
      ends.map(({ verdict }) => verdict),
      ['fail'],
    )
  })

  it('end the stream even if the player dies', async () => {
    const events: RunEvent[] = []
    const broken = playRounds({
      play: () => Promise.reject(new Error('lost')),
      run: { cases: [], target: { text: 'engine' } } as unknown as RoundsOptions['run'],
      rounds: 1,
      untilFail: false,
      retries: 0,
      emit: (event) => events.push(event),
      now: () => 0,
    })
    await assert.rejects(broken, /lost/)
    assert.deepEqual(
      events.map(({ event }) => event),
      ['run-start', 'run-end'],
    )
  })
})
