/** `img map`: which parts of an image are stored, and where. */
import type { Host } from '../../host/host.ts'
import type { ImgContext } from './command-line.ts'
import {
  FORCE_SHARE,
  FORMAT,
  HELP,
  IMAGE_OPTS,
  OBJECT,
  OUTPUT,
  outputForm,
  readCommandLine,
  usageFailure,
} from './command-line.ts'
import type { Image } from './image.ts'
import { openImage } from './image.ts'
import { checkImageOpts } from './info.ts'
import { readSize } from './size.ts'

const OPTIONS = [
  FORMAT,
  IMAGE_OPTS,
  OUTPUT,
  FORCE_SHARE,
  HELP,
  OBJECT,
  { name: 'start', letter: 's', long: 'start-offset', takesValue: true },
  { name: 'length', letter: 'l', long: 'max-length', takesValue: true },
] as const

interface Row {
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
  const start = readSize(line.value('start') ?? '0', 'start offset')
  const length = line.value('length')
  const limit = length === undefined ? undefined : readSize(length, 'max length')
  const form = outputForm(line)
  const [name, extra] = line.words
  if (name === undefined || extra !== undefined) {
    throw usageFailure('Expecting one image file name', context.program)
  }
  checkImageOpts(line.has('image-opts'), line.has('format'))
  const image = await openImage(host, {
    name,
    format: line.value('format'),
    imageOpts: line.has('image-opts'),
    forceShare: line.has('force-share'),
  })
  try {
    const end = Math.min(image.user.length(), limit === undefined ? Infinity : start + limit)
    const rows = await collect(image, start, end)
    context.stdout(form === 'json' ? jsonText(rows, start, end) : humanText(rows, name))
  } finally {
    await image.close()
  }
  return 0
}

/** The runs of the range, neighbours of one kind joined. */
async function collect({ user }: Image, start: number, end: number): Promise<Row[]> {
  const rows: Row[] = []
  for (let at = start; at < end;) {
    const status = await user.status(at, end - at)
    // What is neither stored nor known to be zeroes is nowhere, as `null-co` has it.
    const present = status.allocated && (status.data || status.zero)
    const row: Row = {
      start: at,
      bytes: status.bytes,
      present,
      zero: status.zero,
      data: status.data,
      offset: present ? status.offset : undefined,
    }
    const last = rows.at(-1)
    if (last !== undefined && continues(last, row)) {
      rows[rows.length - 1] = { ...last, bytes: last.bytes + row.bytes }
    } else rows.push(row)
    at += status.bytes
  }
  return rows
}

function continues(last: Row, row: Row): boolean {
  const sameKind = last.present === row.present && last.zero === row.zero && last.data === row.data
  const expected = last.offset === undefined ? undefined : last.offset + last.bytes
  return sameKind && row.offset === expected
}

/** The one JSON text whose members have a fixed order. */
function jsonText(rows: readonly Row[], start: number, end: number): string {
  const nothing: Row = {
    start,
    bytes: Math.max(0, end - start),
    present: false,
    zero: false,
    data: false,
    offset: undefined,
  }
  const items = (rows.length === 0 ? [nothing] : rows).map((row) => {
    const offset = row.offset === undefined ? '' : `, "offset": ${String(row.offset)}`
    return `{ "start": ${row.start}, "length": ${row.bytes}, "depth": 0, "present": ${row.present}, "zero": ${row.zero}, "data": ${row.data}${offset}}`
  })
  return `[${items.join(',\n')}]\n`
}

function humanText(rows: readonly Row[], name: string): string {
  const lines = rows
    .filter(({ data, zero }) => data && !zero)
    .map(({ start, bytes, offset }) => columns(hex(start), hex(bytes), hex(offset ?? 0), name))
  return [columns('Offset', 'Length', 'Mapped to', 'File'), ...lines].join('')
}

function columns(...cells: readonly [string, string, string, string]): string {
  const [first, second, third, last] = cells
  return `${first.padEnd(15)} ${second.padEnd(15)} ${third.padEnd(15)} ${last}\n`
}

function hex(value: number): string {
  return value === 0 ? '0' : `0x${value.toString(16)}`
}
