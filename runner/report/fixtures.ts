/** A fixed stream of events for the tests of reporters. */
import type { CaseEnd, RunEvent } from './event.ts'

export const NASTY = 'a <b> & "c" \u001b[31m]]> % , : # \\ \u0000 \ud800 é'

export function caseEnd(change: Partial<CaseEnd> = {}): CaseEnd {
  return {
    event: 'case-end',
    id: 'quorum/vote[mode=fifo]',
    scenario: 'quorum/vote',
    title: 'votes are counted',
    file: 'scenarios/quorum/vote.yaml',
    target: 'engine',
    profile: 'qemu',
    verdict: 'pass',
    milliseconds: 4.25,
    clauses: ['QUO-3'],
    failures: [],
    normalised: { time: 2 },
    phases: [{ title: 'one vote', text: '== one vote\nio    q0 read 0..64k  => ok' }],
    rerun: "blockspec run 'quorum/vote[mode=fifo]' --target engine",
    ...change,
  }
}

export const FAILED = caseEnd({
  id: 'quorum/threshold',
  scenario: 'quorum/threshold',
  verdict: 'fail',
  failures: [
    {
      code: 'claim',
      message: 'expected EIO, got ok',
      phase: 'one vote',
      place: { file: 'scenarios/quorum/threshold.yaml', line: 45, column: 7 },
      excerpt: '   45 |   read 0 64k => EIO\n      |                 ^^^',
    },
    {
      code: 'golden',
      message: 'the transcript differs from the golden',
      phase: 'one vote',
      diff: '@@ == one vote\n-io    q0 read 0..64k  => EIO\n+io    q0 read 0..64k  => ok',
    },
  ],
})

export const SKIPPED = caseEnd({
  id: 'throttle/virtual',
  scenario: 'throttle/virtual',
  verdict: 'n/a',
  reason: 'needs time.virtual',
  phases: [],
  normalised: {},
})

/** A run of these cases. */
export function stream(...ends: readonly CaseEnd[]): readonly RunEvent[] {
  const verdicts: Partial<Record<CaseEnd['verdict'], number>> = {}
  for (const { verdict } of ends) verdicts[verdict] = (verdicts[verdict] ?? 0) + 1
  return [
    {
      event: 'run-start',
      format: 1,
      blockspec: '0.1.0',
      target: 'engine',
      cases: ends.length,
      seed: 1,
      jobs: 2,
    },
    ...ends.flatMap((end): readonly RunEvent[] => [
      { event: 'case-start', id: end.id, target: end.target },
      { event: 'step', id: end.id, phase: 'one vote', text: 'io q0' },
      end,
    ]),
    { event: 'run-end', cases: ends.length, verdicts, seconds: 1.5 },
  ]
}
