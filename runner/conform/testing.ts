/** A small matrix for the tests of renderings, with texts that must not be taken for markup. */
import { caseEnd, NASTY } from '../report/fixtures.ts'
import type { CaseEnd } from '../report/event.ts'
import type { Profile, Scenario } from '../../dsl/plan.ts'
import type { Clause } from '../clauses.ts'
import { buildMatrix, type Column, type Matrix, outcomeKey } from './judge.ts'
import { outcomeOf } from './outcome.ts'

export function clause(id: string, more: Partial<Clause> = {}): Clause {
  return {
    id,
    section: 'Quorum',
    profiles: ['qemu', 'note'],
    level: 'must',
    sentence: `what ${id} says`,
    refused: true,
    switches: [],
    ...more,
  }
}

/** Only the members that a matrix reads. */
export function scenario(
  id: string,
  spec: readonly string[],
  profiles: readonly Profile[] = ['qemu', 'note'],
): Scenario {
  return {
    id,
    profiles,
    spec: spec.map((ref) => ({ id: ref })),
    refuses: [],
    cases: [{ id }],
  } as unknown as Scenario
}

export function column(label: string, profile: Profile, ends: readonly CaseEnd[]): Column {
  const foreign = profile !== 'qemu' && label !== 'engine'
  return {
    name: `${label}@${profile}`,
    label,
    profile,
    foreign,
    outcomes: new Map(
      ends.map((end) => [outcomeKey(profile, end.id), outcomeOf(end, !foreign)] as const),
    ),
  }
}

function end(id: string, more: Partial<CaseEnd> = {}): CaseEnd {
  return caseEnd({ id, scenario: id, title: `title of ${id}`, ...more })
}

export const KNOWN = {
  why: `other words ${NASTY}`,
  owner: 'me',
  expect: '@@ == one\n-qmp   a => ok\n+qmp   a => <b>no</b>',
}

/** Two targets in two profiles; one dies, one says it in other words, and the note is not met. */
export function smallMatrix(): Matrix {
  const good = ['a/holds', 'a/dies', 'a/words'].map((id) => end(id))
  const failure = {
    code: 'reply',
    message: `expected ok, got GenericError: ${NASTY}`,
    phase: 'one <phase>',
    place: { file: 'scenarios/a/noted.yaml', line: 12, column: 3 },
    excerpt: '   12 | - qmp: <script>alert(1)</script>\n      |   ^^^',
  }
  const real = [
    end('a/holds'),
    end('a/dies', {
      verdict: 'diverged',
      death: 'SIGABRT at qmp blockdev-reopen',
      known: [{ why: 'it dies', owner: 'me' }],
    }),
    end('a/words', { verdict: 'diverged', known: [KNOWN] }),
  ]
  const noted = end('a/noted', { profile: 'note', verdict: 'fail', failures: [failure] })
  return buildMatrix(
    [
      clause('QUO-1'),
      clause('QUO-2'),
      clause('QUO-3', { sentence: `says ${NASTY}`, level: 'should' }),
      clause('REO-1', { section: 'Reopen & <more>', profiles: ['note'] }),
      clause('REO-2', { section: 'Reopen & <more>', seenBy: 'a unit test' }),
    ],
    [
      scenario('a/holds', ['QUO-1', 'QUO-2']),
      scenario('a/dies', ['QUO-2']),
      scenario('a/words', ['QUO-3'], ['qemu']),
      scenario('a/noted', ['REO-1'], ['note']),
    ],
    [
      column('engine', 'qemu', good),
      column('qsd 7.2.22', 'qemu', real),
      column('engine', 'note', [...good, end('a/noted', { profile: 'note' })]),
      column('qsd 7.2.22', 'note', [...real, noted]),
    ],
  )
}
