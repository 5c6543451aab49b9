/** `img map`: which parts of an image are stored, and where. */
import type { BlockStatus } from '../../block/driver.ts'
import { parseSize } from '../../block/size.ts'
import type { GraphNode, User } from '../../graph/graph.ts'
import type { Host } from '../../host/host.ts'
import { BlockError, errnoText } from '../../util/errors.ts'
import type { ImgContext, ImgOption } from './command-line.ts'
import {
  FORCE_SHARE,
  ImgFailure,
  ON_IMAGES,
  onlyWord,
  OUTPUT,
  outputForm,
  readCommandLine,
} from './command-line.ts'
import type { Image } from './image.ts'
import { requestFor, workOn } from './image.ts'
import { readSize } from './size.ts'

const OPTIONS = [
  ...ON_IMAGES,
  OUTPUT,
  FORCE_SHARE,
  {
    name: 'start',
    letter: 's',
    long: 'start-offset',
    takesValue: true,
    check: sizeCheck('start offset'),
  },
  {
    name: 'length',
    letter: 'l',
    long: 'max-length',
    takesValue: true,
    check: sizeCheck('max length'),
  },
] as const

function sizeCheck(what: string): NonNullable<ImgOption['check']> {
  return (text, context) => void readSize(text, what, context)
}

interface Row {
  /** How many images lie above the one that answers. */
  readonly depth: number
  readonly filename: string
  readonly start: number
  readonly bytes: number
  readonly present: boolean
  readonly zero: boolean
  readonly data: boolean
  readonly offset: number | undefined
}

export async function map(
  host: Host,
  argv: readonly string[],
  context: ImgContext,
): Promise<number> {
  const line = readCommandLine(OPTIONS, argv, context)
  const start = Number(parseSize(line.value('start') ?? '0'))
  const limit = Number(parseSize(line.value('length') ?? '') ?? Infinity)
  const name = onlyWord(line, context)
  const form = outputForm(line)
  const request = { ...requestFor(name, line), forceShare: line.has('force-share') }
  return workOn(host, context, request, async (image) => {
    const end = Math.min(image.user.length(), start + limit)
    const { stdout } = context
    stdout(form === 'json' ? '[' : columns('Offset', 'Length', 'Mapped to', 'File'))
    for await (const { row, isLast } of rows(image, start, end)) {
      if (form === 'human') stdout(humanRow(row))
      else stdout(`${jsonRow(row)}${isLast ? '' : ',\n'}`)
    }
    if (form === 'json') stdout(']\n')
    return 0
  })
}

interface Found {
  readonly row: Row
  readonly isLast: boolean
}

/** The runs of the range, neighbours of one kind joined. Each is told once the next one is known. */
async function* rows(image: Image, start: number, end: number): AsyncGenerator<Found> {
  let last: Row | undefined
  for (let at = start; at < end;) {
    const row = await rowAt(image, at, end - at)
    if (last !== undefined && continues(last, row)) {
      last = { ...last, bytes: last.bytes + row.bytes }
    } else {
      if (last !== undefined) yield { row: last, isLast: false }
      last = row
    }
    at += row.bytes
  }
  yield { row: last ?? nothing(start, Math.max(0, end - start)), isLast: true }
}

function nothing(start: number, bytes: number): Row {
  return {
    start,
    bytes,
    depth: 0,
    filename: '',
    present: false,
    zero: false,
    data: false,
    offset: undefined,
  }
}

/** What the first image of the chain that knows anything says. */
async function rowAt({ graph, layers }: Image, offset: number, bytes: number): Promise<Row> {
  let asked = bytes
  let depth = 0
  let filename = ''
  let status: BlockStatus = { bytes, allocated: false, data: false, zero: false }
  for (const { user } of layers) {
    // A filter shows what is below and is no image of its own.
    if (user.node.filteredChild !== undefined) continue
    // A backing image may be shorter than what it shows through; above its end all is zeroes
    // already.
    const room = user.length() - offset
    if (room <= 0) break
    status = await statusAt(user, offset, Math.min(asked, room))
    filename = graph.filename(storageOf(user.node))
    asked = status.bytes
    if (status.data || status.zero) break
    depth += 1
  }
  // What neither has storage nor is known to be zeroes is nowhere, as `null-co` has it.
  const present = status.allocated && (status.data || status.zero)
  return {
    start: offset,
    bytes: asked,
    depth: Math.min(depth, layers.length - 1),
    filename,
    present,
    zero: status.zero,
    data: status.data,
    offset: present ? status.offset : undefined,
  }
}

/** Where the data of a node lie: below a format, and where all nodes end that only pass them on. */
function storageOf(node: GraphNode): GraphNode {
  const below = node.primaryChild
  if (below === undefined) return node
  const { kind, imageIsFile } = node.driver
  return kind === 'format' && !imageIsFile ? below : storageOf(below)
}

async function statusAt(user: User, offset: number, bytes: number): Promise<BlockStatus> {
  try {
    return await user.status(offset, bytes)
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    throw new ImgFailure(`Could not read file metadata: ${errnoText(error.errno)}`)
  }
}

function continues(last: Row, row: Row): boolean {
  const sameKind =
    last.depth === row.depth &&
    last.present === row.present &&
    last.zero === row.zero &&
    last.data === row.data
  const expected = last.offset === undefined ? undefined : last.offset + last.bytes
  return sameKind && row.offset === expected
}

/** The one JSON text whose members have a fixed order. */
function jsonRow(row: Row): string {
  const offset = row.offset === undefined ? '' : `, "offset": ${String(BigInt(row.offset))}`
  return `{ "start": ${row.start}, "length": ${row.bytes}, "depth": ${row.depth}, "present": ${row.present}, "zero": ${row.zero}, "data": ${row.data}${offset}}`
}

function humanRow({ start, bytes, data, zero, offset, filename }: Row): string {
  if (!data || zero) return ''
  if (offset === undefined) {
    throw new ImgFailure('File contains external, encrypted or compressed clusters.')
  }
  return columns(hex(start), hex(bytes), hex(offset), filename)
}

function columns(...cells: readonly [string, string, string, string]): string {
  const [first, second, third, last] = cells
  return `${first.padEnd(15)} ${second.padEnd(15)} ${third.padEnd(15)} ${last}\n`
}

function hex(value: number): string {
  return value === 0 ? '0' : `0x${value.toString(16)}`
}
