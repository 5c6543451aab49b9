/**
 * Goldens: the text of all cases of one scenario in one profile. Each case's transcript is recorded
 * alone; lines that all cases share are written once, others in `[var=…]` blocks. `expandGolden`
 * gives a case's transcript back, byte for byte.
 */
import { diffArrays } from 'diff'
import type { GoldenCase } from './labels.ts'
import { labelOf, labelSelects } from './labels.ts'

export type { GoldenCase } from './labels.ts'

/** Version of the golden text format and of what the normalisers do; both stand in the header. */
export const GOLDEN_FORMAT = 1
export const NORMALISER_VERSION = 1

/** A transcript without its header: the text that is compared. */
export type TranscriptText = string

export interface GoldenHeader {
  readonly scenario: string
  /** Titles of the recording targets: `qemu-storage-daemon 7.2.22`. */
  readonly from: readonly string[]
  readonly normaliser: number
}

/** A text that is no golden. */
export class GoldenError extends Error {
  override readonly name = 'GoldenError'
}

export interface Recorded {
  readonly case: GoldenCase
  readonly transcript: TranscriptText
}

/** Lines that stay together. */
interface Unit {
  readonly lines: string[]
  /** The heading of the phase that they stand in: lines of different phases are never the same. */
  readonly phase: string
}

/** A unit with the cases that have it. */
interface SharedUnit extends Unit {
  readonly cases: Set<number>
}

const END = '[end]'
const HEADING = '== '

/** The golden text for these cases, which are in matrix order. */
export function foldGolden(header: GoldenHeader, recorded: readonly Recorded[]): string {
  const cases = recorded.map((entry) => entry.case)
  const lines = [writeHeader(header)]
  let open = ''
  for (const unit of mergeAll(recorded)) {
    const label = unit.cases.size === cases.length ? '' : labelOf(unit.cases, cases)
    const starts = (unit.lines[0] ?? '').startsWith(HEADING)
    if (open !== '' && label === '') lines.push(END)
    if (starts) lines.push('')
    if (label !== '' && label !== open) lines.push(label)
    lines.push(...unit.lines)
    open = label
  }
  if (open !== '') lines.push(END)
  return `${lines.join('\n')}\n`
}

function mergeAll(recorded: readonly Recorded[]): readonly SharedUnit[] {
  let units: SharedUnit[] = []
  recorded.forEach((entry, index) => {
    const next = split(entry.transcript)
    const old = units
    units = []
    let oldAt = 0
    let nextAt = 0
    for (const part of diffArrays(old.map(keyOf), next.map(keyOf))) {
      for (let count = part.value.length; count > 0; count -= 1) {
        if (part.added) {
          const unit = next[nextAt++]
          if (unit !== undefined) units.push({ ...unit, cases: new Set([index]) })
          continue
        }
        const unit = old[oldAt++]
        if (unit === undefined) continue
        units.push(unit)
        if (part.removed) continue
        unit.cases.add(index)
        nextAt += 1
      }
    }
  })
  return units
}

function keyOf(unit: Unit): string {
  return [unit.phase, ...unit.lines].join('\n')
}

/**
 * Cuts a transcript into what a block may hold: statements with their folded lines, error texts and
 * pictures whole, other details line by line.
 */
function split(transcript: TranscriptText): Unit[] {
  const units: Unit[] = []
  let phase = ''
  let mode: 'statement' | 'whole' | 'lines' = 'lines'
  let statement = ''
  for (const line of transcript.split('\n')) {
    if (line === '') continue
    const indent = line.length - line.trimStart().length
    const unit = units.at(-1)
    if (indent === 0) {
      mode = 'statement'
      statement = line
      if (line.startsWith(HEADING)) phase = line
      units.push({ lines: [line], phase })
    } else if (unit !== undefined && mode === 'statement' && indent >= 10) {
      unit.lines.push(line)
    } else if (unit !== undefined && mode === 'whole') {
      unit.lines.push(line)
    } else {
      mode = statement.startsWith('graph') || line.trimStart().startsWith('|') ? 'whole' : 'lines'
      units.push({ lines: [line], phase })
    }
  }
  return units
}

/** @throws {GoldenError} when the text is no golden. */
export function expandGolden(golden: string, which: GoldenCase): TranscriptText {
  readHeader(golden)
  const lines: string[] = []
  let inside = true
  for (const line of golden.split('\n').slice(1)) {
    if (line === '') continue
    if (line === END) {
      inside = true
    } else if (line.startsWith('[')) {
      const selects = labelSelects(line, which)
      if (selects === undefined) throw new GoldenError(`not a block label: ${line}`)
      inside = selects
    } else if (inside) {
      if (line.startsWith(HEADING) && lines.length > 0) lines.push('')
      lines.push(line)
    }
  }
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`
}

function writeHeader(header: GoldenHeader): string {
  return [
    `# blockspec golden ${String(GOLDEN_FORMAT)}`,
    header.scenario,
    `from ${header.from.join(', ')}`,
    `normaliser ${String(header.normaliser)}`,
  ].join(' | ')
}

/** @throws {GoldenError} */
export function readHeader(golden: string): GoldenHeader {
  const line = golden.split('\n', 1)[0] ?? ''
  const match = /^# blockspec golden (\d+) \| (\S+) \| from (.+) \| normaliser (\d+)$/.exec(line)
  if (match === null) throw new GoldenError('the first line is no golden header')
  if (Number(match[1]) > GOLDEN_FORMAT) {
    throw new GoldenError(`golden format ${match[1] ?? ''} is newer than this program`)
  }
  return {
    scenario: match[2] ?? '',
    from: (match[3] ?? '').split(', '),
    normaliser: Number(match[4]),
  }
}
