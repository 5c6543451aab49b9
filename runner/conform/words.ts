/** How a cell is written in every rendering, and what that means. */
import type { Cell, CellCase, State } from './judge.ts'

export const WORDS: Readonly<Record<State, { readonly word: string; readonly meaning: string }>> = {
  conforms: { word: 'ok', meaning: 'every claim holds' },
  'in-part': { word: 'part', meaning: 'the claims of so many cases hold' },
  differs: { word: 'differs', meaning: 'the claims hold in no case' },
  hangs: { word: 'hangs', meaning: 'the target answers no more, in so many cases' },
  crashes: { word: 'crashes', meaning: 'the target dies, in so many cases' },
  error: { word: 'error', meaning: 'could not be played' },
  'not-applicable': { word: 'n/a', meaning: 'no case can be played on the target' },
  'by-test': { word: 'test', meaning: 'no client can see it, a unit test does' },
  unseen: { word: '?', meaning: 'no scenario is about it in this profile' },
  silent: { word: '-', meaning: 'the clause says nothing in this profile' },
}

/** What `~2` behind `ok` means. */
export const OTHERWISE = 'so, but 2 transcripts are others than the goldens'

/** `~2` behind `ok`, `3/4` behind a word that is not true of all cases; else nothing. */
export function countOf({ state, cases, otherwise }: Cell): string {
  if (state === 'conforms') return otherwise === 0 ? '' : `~${String(otherwise)}`
  const wanted = COUNTED[state]
  const number = casesThat(cases, (contract) => contract === wanted)
  const all = casesThat(cases, (contract) => contract !== 'not-applicable')
  return number === 0 || number === all ? '' : `${String(number)}/${String(all)}`
}

const COUNTED: Partial<Readonly<Record<State, CellCase['contract']>>> = {
  'in-part': 'holds',
  crashes: 'crashes',
  hangs: 'hangs',
}

function casesThat(
  cases: readonly CellCase[],
  test: (contract: CellCase['contract']) => boolean,
): number {
  return cases.filter(({ contract }) => test(contract)).length
}
