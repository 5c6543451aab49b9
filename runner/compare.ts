/** Differences between two transcripts, cut at phases: for people, and as divergences pin them. */
import { createHash } from 'node:crypto'
import { diffArrays } from 'diff'

export interface Hunk {
  /** `== the phase`. */
  readonly heading: string
  /** Lines with ` `, `-` or `+` before them. */
  readonly lines: readonly string[]
}

const CONTEXT = 3

interface Change {
  readonly sign: ' ' | '-' | '+'
  readonly line: string
  readonly heading: string
}

/** Unified diff with phases as hunk headings; empty where the texts are equal. */
export function unifiedDiff(expected: string, actual: string): string {
  return differences(expected, actual, CONTEXT).map(hunkText).join('\n')
}

export function hunkText(hunk: Hunk): string {
  return [`@@ ${hunk.heading}`, ...hunk.lines].join('\n')
}

/** Equal changes have equal hashes, wherever they happen. */
export function hunkHash(hunk: Hunk): string {
  const changed = hunk.lines.filter((line) => !line.startsWith(' ')).join('\n')
  return createHash('sha256').update(changed).digest('hex').slice(0, 8)
}

/** Runs of changed lines with `context` unchanged ones around, never across a phase. */
export function differences(expected: string, actual: string, context: number): Hunk[] {
  if (expected === actual) return []
  const changes = align(expected, actual)
  const hunks: Hunk[] = []
  let at = 0
  while (at < changes.length) {
    if (changes[at]?.sign === ' ') {
      at += 1
      continue
    }
    const end = endOfHunk(changes, at, context)
    const first = firstOfHunk(changes, at, context)
    const part = changes.slice(first, end)
    hunks.push({
      heading: changes[at]?.heading ?? '',
      lines: part.map(({ sign, line }) => (sign + line).trimEnd() || sign),
    })
    at = end
  }
  return hunks
}

/** The difference as an entry of `divergences.yaml` pins it: one hunk a phase, changed lines only. */
export function pinText(expected: string, actual: string): string {
  return joinHunks(differences(expected, actual, 0))
    .map(hunkText)
    .join('\n')
}

/** All hunks of a phase as one. */
export function joinHunks(hunks: readonly Hunk[]): Hunk[] {
  const joined = new Map<string, string[]>()
  for (const { heading, lines } of hunks) {
    joined.set(heading, [...(joined.get(heading) ?? []), ...lines])
  }
  return [...joined].map(([heading, lines]) => ({ heading, lines }))
}

function firstOfHunk(changes: readonly Change[], at: number, context: number): number {
  let first = at
  const heading = changes[at]?.heading
  while (first > 0 && at - first < context) {
    const before = changes[first - 1]
    if (before?.heading !== heading || before?.sign !== ' ') break
    first -= 1
  }
  return first
}

function endOfHunk(changes: readonly Change[], at: number, context: number): number {
  const heading = changes[at]?.heading
  let end = at + 1
  for (let next = at + 1; next < changes.length && next - end <= 2 * context; next += 1) {
    const change = changes[next]
    if (change?.heading !== heading) break
    if (change?.sign !== ' ') end = next + 1
  }
  for (let count = 0; count < context; count += 1) {
    const change = changes[end]
    if (change?.heading !== heading || change?.sign !== ' ') break
    end += 1
  }
  return end
}

function align(expected: string, actual: string): Change[] {
  const changes: Change[] = []
  let heading = '== start'
  for (const part of diffArrays(linesOf(expected), linesOf(actual))) {
    const sign = part.added ? '+' : part.removed ? '-' : ' '
    for (const line of part.value) {
      if (line.startsWith('== ')) heading = line
      changes.push({ sign, line, heading })
    }
  }
  return changes
}

function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '')
}
