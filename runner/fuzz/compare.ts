/** The first difference between what two sides showed, and its shape, by which like ones are one finding. */
import { PARTS, type Ending, type Part, type StepRecord } from './record.ts'
import type { FuzzStep } from './step.ts'

export interface Difference {
  /** Index of the step; the number of steps if only the files at the end differ. */
  readonly step: number
  readonly part: Part | 'died' | 'hung' | 'broken'
  readonly side: 'real' | 'ours' | 'both'
  /** The first line that differs, as each side has it. */
  readonly real: string
  readonly ours: string
  readonly shape: string
}

export interface SidePlayed {
  readonly records: readonly StepRecord[]
  readonly ending: Ending
}

/** Of each side's line in a shape. */
const LONGEST = 160

export function firstDifference(
  steps: readonly FuzzStep[],
  real: SidePlayed,
  ours: SidePlayed,
): Difference | undefined {
  const count = Math.max(real.records.length, ours.records.length)
  for (let at = 0; at < count; at += 1) {
    const found = recordDifference(at, steps[at], real.records[at], ours.records[at])
    if (found !== undefined) return found
    if (real.records[at] === undefined || ours.records[at] === undefined) {
      return endingDifference(at, steps[at], real, ours)
    }
  }
  return endingDifference(count, steps[count], real, ours)
}

export function isEnd({ part }: Difference): boolean {
  return part === 'died' || part === 'hung' || part === 'broken'
}

/** Where both end, and not ours by design, it is a finding like one of ours alone. */
export function isDeathOfReal(difference: Difference): boolean {
  return isEnd(difference) && difference.side === 'real'
}

/** Ends of their own kind are findings whatever the other side does. */
function endingDifference(
  at: number,
  step: FuzzStep | undefined,
  real: SidePlayed,
  ours: SidePlayed,
): Difference | undefined {
  const bad = real.ending.kind !== 'done' && real.records.length <= at ? real.ending : undefined
  const ourBad = ours.ending.kind !== 'done' && ours.records.length <= at ? ours.ending : undefined
  // A program may end itself by design; then both must, in the same way.
  const isAlike = bad?.kind === 'died' && ourBad?.kind === 'died' && bad.how === ourBad.how
  if (isAlike && isByDesign(bad)) return undefined
  const worst = bad ?? ourBad
  if (worst === undefined) return undefined
  // Beside a death or a hang of the real one, an end by design of ours is no fault of ours.
  const isFine = ourBad === undefined || isByDesign(ourBad)
  const side = bad === undefined ? 'ours' : isFine ? 'real' : 'both'
  return difference(at, step, worst.kind, side, told(bad), told(ourBad))
}

/** As `blkverify` ends the program when its two sides do not hold the same. */
function isByDesign(bad: Ending): boolean {
  return bad.kind === 'died' && bad.how.startsWith('exit ')
}

/** What the one that went on met later is no part of it. */
function told(bad: Ending | undefined): string {
  return bad === undefined || bad.kind === 'done' ? 'went on' : `${bad.kind}: ${bad.how}`
}

function recordDifference(
  at: number,
  step: FuzzStep | undefined,
  real: StepRecord | undefined,
  ours: StepRecord | undefined,
): Difference | undefined {
  if (real === undefined || ours === undefined) return undefined
  for (const part of PARTS) {
    const a = real.parts[part]
    const b = ours.parts[part]
    if (a === b) continue
    const lines = firstLines(a ?? '', b ?? '')
    return difference(at, step, part, 'both', lines[0], lines[1])
  }
  return undefined
}

function firstLines(a: string, b: string): readonly [string, string] {
  const left = a.split('\n')
  const right = b.split('\n')
  const at = left.findIndex((line, index) => line !== right[index])
  const index = at < 0 ? left.length : at
  return [left[index] ?? '(nothing)', right[index] ?? '(nothing)']
}

function difference(
  step: number,
  what: FuzzStep | undefined,
  part: Difference['part'],
  side: Difference['side'],
  real: string,
  ours: string,
): Difference {
  const subject = what === undefined ? 'end' : what.kind === 'qmp' ? what.command : what.kind
  const words = part === 'files' || part === 'data' ? '' : shapeOfBoth(real, ours)
  return { step, part, side, real, ours, shape: `${part} ${side} ${subject}: ${words}` }
}

function shapeOfBoth(real: string, ours: string): string {
  const a = shapeOf(real)
  const b = shapeOf(ours)
  if (a.startsWith('order ')) return 'order on the wire'
  return sorted(real) === sorted(ours) ? 'the same words in another order' : `${cut(a)} | ${cut(b)}`
}

function sorted(text: string): string {
  return text
    .replaceAll('"~"', '')
    .split(/[^\w-]+/)
    .sort()
    .join(' ')
}

function cut(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text
}

/** The line without what is particular to it: names, numbers, digests. */
export function shapeOf(line: string): string {
  return line
    .replaceAll('"~"', '')
    .replace(/'[^']*'/g, "'_'")
    .replace(/(?:img|new|sock|scratch):[\w./-]+/g, 'path')
    .replace(/#\d+|\b[a-z]\d+\b/g, '_')
    .replace(/\[\d+\]/g, '[]')
    .replace(/-?\b\d+[kMGT]?\b/g, '0')
}
