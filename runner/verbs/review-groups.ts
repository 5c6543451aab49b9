/**
 * Turns pending goldens into decisions. Equal differences in many goldens are one decision; a golden
 * that is wholly new is one decision of its own, as a new text is judged as a whole.
 */
import type { PendingGolden } from '../store.ts'

export interface Decision {
  /** Equal for equal differences. */
  readonly hash: string
  /** The difference as it looks in the first golden. */
  readonly text: string
  readonly heading: string
  readonly isNew: boolean
  readonly goldens: readonly PendingGolden[]
}

export type Answer = 'accept' | 'reject' | 'skip'

export function decisions(goldens: readonly PendingGolden[]): readonly Decision[] {
  const found = new Map<string, { first: Omit<Decision, 'goldens'>; goldens: PendingGolden[] }>()
  for (const golden of goldens) {
    for (const part of parts(golden)) {
      const entry = found.get(part.hash) ?? { first: part, goldens: [] }
      if (!entry.goldens.includes(golden)) entry.goldens.push(golden)
      found.set(part.hash, entry)
    }
  }
  return [...found.values()].map(({ first, goldens }) => ({ ...first, goldens }))
}

function parts(golden: PendingGolden): readonly Omit<Decision, 'goldens'>[] {
  const { before, after, path, hunks } = golden
  if (before === '') return [{ hash: `new:${path}`, text: after, heading: '', isNew: true }]
  return hunks.map(({ hash, text, heading }) => ({ hash, text, heading, isNew: false }))
}

/**
 * What the answers mean for whole goldens: accepted if every difference in it was accepted, rejected
 * if any was rejected, else left pending.
 */
export function verdictOf(golden: PendingGolden, answers: ReadonlyMap<string, Answer>): Answer {
  const given = parts(golden).map(({ hash }) => answers.get(hash) ?? 'skip')
  if (given.includes('reject')) return 'reject'
  return given.every((answer) => answer === 'accept') ? 'accept' : 'skip'
}
