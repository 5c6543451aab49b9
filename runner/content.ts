/** What an image or node holds, as runs of one byte; and whether that is what a claim says. */
import { createHash } from 'node:crypto'
import type { IoExtent } from '../dsl/plan-io.ts'
import type { Span } from '../dsl/plan.ts'
import type { Device, StatusRun } from './device.ts'
import type { Mismatch } from './match.ts'
import { showNumber } from './notation.ts'
import type { ReadPatternFile } from './pattern.ts'
import { withScratch } from './scratch.ts'
import { endOfRun, findWrong, firstDifference, showByte } from './pattern.ts'

/** Read at a time. */
const CHUNK = 1 << 20
/** Runs of one byte shorter than this are told only as part of a mixture. */
const SHORTEST_RUN = 16
/** Largest disk whose content is looked at. */
export const LARGEST = 2 ** 30

export interface ContentResult {
  /** `0..64k=0x5a`, for the golden. */
  readonly words: readonly string[]
  readonly mismatches: readonly Mismatch[]
}

interface Run {
  readonly offset: number
  readonly bytes: number
  readonly what: string
}

/** @throws {BlockError} when reading fails. */
export async function checkExtents(
  device: Device,
  extents: readonly IoExtent[],
  span: Span,
  readFile: ReadPatternFile,
): Promise<ContentResult> {
  const pieces = cover(extents, device.size)
  const found: Mismatch[] = coverageMismatches(pieces, extents, device.size, span)
  const runs: Run[] = []
  for (const piece of pieces) {
    const result = await checkPiece(device, piece, readFile)
    runs.push(...result.runs)
    if (result.mismatch !== undefined) found.push(result.mismatch)
  }
  return { words: joinRuns(runs).map(showRun), mismatches: found }
}

interface Piece {
  readonly offset: number
  readonly bytes: number
  readonly extent: IoExtent | undefined
}

/** Cuts the disk into what each extent claims; `rest` takes what no other one names. */
function cover(extents: readonly IoExtent[], size: number): Piece[] {
  const rest = extents.find((extent) => extent.range === 'rest')
  const named = extents
    .flatMap((extent) => (extent.range === 'rest' ? [] : [{ ...extent.range, extent }]))
    .filter((piece) => piece.offset < size && piece.bytes > 0)
    .sort((a, b) => a.offset - b.offset)
  const pieces: Piece[] = []
  let at = 0
  for (const piece of named) {
    if (piece.offset > at) pieces.push({ offset: at, bytes: piece.offset - at, extent: rest })
    pieces.push({ ...piece, bytes: Math.min(piece.bytes, size - piece.offset) })
    at = Math.max(at, piece.offset + piece.bytes)
  }
  if (at < size) pieces.push({ offset: at, bytes: size - at, extent: rest })
  return pieces
}

/** A claim about content speaks of the whole disk, and of nothing beyond its end. */
function coverageMismatches(
  pieces: readonly Piece[],
  extents: readonly IoExtent[],
  size: number,
  span: Span,
): Mismatch[] {
  const gap = pieces.find((piece) => piece.extent === undefined)
  const beyond = extents.find(({ range }) => range !== 'rest' && range.offset + range.bytes > size)
  return [
    ...(gap === undefined
      ? []
      : [
          {
            span,
            message: `nothing is claimed for ${showRange(gap.offset, gap.bytes)}; add 'rest = …'`,
          },
        ]),
    ...(beyond === undefined
      ? []
      : [{ span: beyond.span, message: `the disk ends at ${showNumber(size)}` }]),
  ]
}

interface Checked {
  readonly runs: readonly Run[]
  readonly mismatch?: Mismatch
}

async function checkPiece(
  device: Device,
  piece: Piece,
  readFile: ReadPatternFile,
): Promise<Checked> {
  const want = piece.extent?.want
  if (want?.kind === 'hole') return checkHole(device, piece, want.span)
  return withScratch(Math.min(CHUNK, piece.bytes), (chunk) =>
    checkContent(device, piece, want, chunk, readFile),
  )
}

async function checkContent(
  device: Device,
  piece: Piece,
  want: Exclude<IoExtent['want'], { readonly kind: 'hole' }> | undefined,
  chunk: Uint8Array,
  readFile: ReadPatternFile,
): Promise<Checked> {
  const runs: Run[] = []
  let mismatch: Mismatch | undefined
  let matches = want !== undefined
  for (let at = 0; at < piece.bytes; at += CHUNK) {
    const bytes = Math.min(CHUNK, piece.bytes - at)
    const offset = piece.offset + at
    const data = chunk.subarray(0, bytes)
    await device.read(offset, data)
    if (want === undefined) {
      runs.push(...bytesToRuns(data, offset))
      continue
    }
    // Patterns run from the extent's start, so a chunk in its middle needs what came before.
    const start = want.kind === 'lba' || want.kind === 'byte' ? offset : piece.offset
    const wrong = findWrong(data, want, start, offset - start, readFile)
    if (wrong === undefined && matches) continue
    // From the first chunk that is not as claimed, what is there is told instead.
    if (matches && at > 0) runs.push({ offset: piece.offset, bytes: at, what: patternWord(want) })
    matches = false
    runs.push(...bytesToRuns(data, offset))
    if (wrong === undefined) continue
    mismatch ??= {
      span: want.span,
      message:
        `at ${showNumber(offset + wrong.at)}: expected ${showByte(wrong.wanted)}, ` +
        `got ${showByte(data[wrong.at] ?? 0)}`,
    }
  }
  if (matches && want !== undefined) {
    return { runs: [{ offset: piece.offset, bytes: piece.bytes, what: patternWord(want) }] }
  }
  return mismatch === undefined ? { runs } : { runs, mismatch }
}

function patternWord(want: IoExtent['want']): string {
  switch (want.kind) {
    case 'seq':
      return `seq(${String(want.start)})`
    case 'rand':
      return `rand(${String(want.seed)})`
    case 'hex':
      return `hex(${want.bytes})`
    case 'file':
      return `file(${want.path}${want.offset === 0 ? '' : `@${showNumber(want.offset)}`})`
    case 'byte':
      return showByte(want.byte)
    case 'lba':
    case 'hole':
      return want.kind
  }
}

async function checkHole(
  device: Device,
  piece: Piece,
  span: Span,
): Promise<{ readonly runs: readonly Run[]; readonly mismatch?: Mismatch }> {
  const status = await device.status(piece.offset, piece.bytes)
  let offset = piece.offset
  const runs: Run[] = []
  let data: Run | undefined
  for (const part of status) {
    const run = { offset, bytes: part.bytes, what: part.hole ? 'hole' : 'data' }
    runs.push(run)
    if (!part.hole) data ??= run
    offset += part.bytes
  }
  if (data === undefined) return { runs }
  const message = `expected a hole, got data at ${showRange(data.offset, data.bytes)}`
  return { runs, mismatch: { span, message } }
}

/** Two devices with the same content? The first difference, if any. */
export async function firstDeviceDifference(
  a: Device,
  b: Device,
): Promise<number | 'length' | undefined> {
  const size = Math.min(a.size, b.size)
  const [one, two] = [new Uint8Array(Math.min(CHUNK, size)), new Uint8Array(Math.min(CHUNK, size))]
  for (let offset = 0; offset < size; offset += CHUNK) {
    const bytes = Math.min(CHUNK, size - offset)
    const pieces = [one.subarray(0, bytes), two.subarray(0, bytes)] as const
    await a.read(offset, pieces[0])
    await b.read(offset, pieces[1])
    const at = firstDifference(...pieces)
    if (at !== undefined) return offset + at
  }
  return a.size === b.size ? undefined : 'length'
}

/** Runs of one byte; what changes too often to list is told by its digest. */
function bytesToRuns(data: Uint8Array, offset: number): Run[] {
  const runs: Run[] = []
  let mixedFrom: number | undefined
  const endMixture = (end: number): void => {
    if (mixedFrom === undefined) return
    runs.push({
      offset: offset + mixedFrom,
      bytes: end - mixedFrom,
      what: `mixed(${digest(data.subarray(mixedFrom, end))})`,
    })
    mixedFrom = undefined
  }
  for (let at = 0; at < data.length;) {
    const byte = data[at] ?? 0
    const end = endOfRun(data, at)
    if (end - at < SHORTEST_RUN) {
      mixedFrom ??= at
    } else {
      endMixture(at)
      runs.push({ offset: offset + at, bytes: end - at, what: showByte(byte) })
    }
    at = end
  }
  endMixture(data.length)
  return runs
}

function digest(data: Uint8Array): string {
  return createHash('sha256').update(data).digest('hex').slice(0, 12)
}

function joinRuns(runs: readonly Run[]): Run[] {
  const joined: Run[] = []
  for (const run of runs) {
    const last = joined.at(-1)
    const plain = run.what.startsWith('0x') || run.what === 'hole' || run.what === 'data'
    if (plain && last?.what === run.what) {
      joined[joined.length - 1] = { ...last, bytes: last.bytes + run.bytes }
    } else {
      joined.push(run)
    }
  }
  return joined
}

function showRun(run: Run): string {
  return `${showRange(run.offset, run.bytes)}=${run.what}`
}

export function showRange(offset: number, bytes: number): string {
  return `${showNumber(offset)}..${showNumber(offset + bytes)}`
}

export function showStatus(runs: readonly StatusRun[], start: number): string[] {
  let offset = start
  return runs.map((run) => {
    const what = run.hole ? (run.zero ? 'hole' : 'unallocated') : run.zero ? 'zero' : 'data'
    const word = `${showRange(offset, run.bytes)}=${what}`
    offset += run.bytes
    return word
  })
}
