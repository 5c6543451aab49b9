/** `img compare`: whether two images show the same data. */
import type { BlockStatus } from '../../block/driver.ts'
import type { User } from '../../graph/graph.ts'
import type { Host } from '../../host/host.ts'
import { firstDifference } from '../../util/bytes.ts'
import { BlockError } from '../../util/errors.ts'
import type { ImgContext } from './command-line.ts'
import {
  FORCE_SHARE,
  ImgFailure,
  ON_IMAGES,
  PROGRESS,
  QUIET,
  readCommandLine,
  SOURCE_CACHE,
  sourceCache,
  usageFailure,
} from './command-line.ts'
import { withImage } from './image.ts'

const OPTIONS = [
  ...ON_IMAGES,
  FORCE_SHARE,
  QUIET,
  { name: 'second-format', letter: 'F', takesValue: true },
  { name: 'strict', letter: 's', takesValue: false },
  SOURCE_CACHE,
  PROGRESS,
] as const

const SECTOR = 512
const CHUNK_BYTES = 1 << 21
const OPEN_STATUS = 2
const STATUS_STATUS = 3
const READ_STATUS = 4

export async function compare(
  host: Host,
  argv: readonly string[],
  context: ImgContext,
): Promise<number> {
  const line = readCommandLine(OPTIONS, argv, context)
  const [first, second, extra] = line.words
  if (first === undefined || second === undefined || extra !== undefined) {
    throw usageFailure('Expecting two image file names', context.program)
  }
  const say = (text: string): void => {
    if (!line.has('quiet')) context.stdout(text)
  }
  const common = {
    imageOpts: line.has('image-opts'),
    forceShare: line.has('force-share'),
    failureStatus: OPEN_STATUS,
    cache: sourceCache(line, OPEN_STATUS),
  }
  const isStrict = line.has('strict')
  const left = { ...common, name: first, format: line.value('format') }
  const right = { ...common, name: second, format: line.value('second-format') }
  return withImage(host, context, left, ({ user: ours }) =>
    withImage(host, context, right, ({ user: theirs }) =>
      compareSides({ name: first, user: ours }, { name: second, user: theirs }, isStrict, say),
    ),
  )
}

/** One of the two images. */
interface Side {
  readonly name: string
  readonly user: User
}

async function compareSides(
  left: Side,
  right: Side,
  strict: boolean,
  say: (text: string) => void,
): Promise<number> {
  const [here, there] = [left.user.length(), right.user.length()]
  if (strict && here !== there) {
    say('Strict mode: Image size mismatch!\n')
    return 1
  }
  const common = Math.min(here, there)
  const difference = await findDifference(left, right, common, strict)
  if (difference?.kind === 'status') {
    say(`Strict mode: Offset ${String(difference.offset)} block status mismatch!\n`)
    return 1
  }
  if (difference === undefined && here !== there) {
    say('Warning: Image size mismatch!\n')
    const data = await firstData(here > there ? left : right, common)
    if (data !== undefined) return mismatch(data, say)
  }
  if (difference !== undefined) return mismatch(difference.offset, say)
  say('Images are identical.\n')
  return 0
}

function mismatch(offset: number, say: (text: string) => void): number {
  say(`Content mismatch at offset ${String(offset)}!\n`)
  return 1
}

interface Difference {
  readonly kind: 'status' | 'content'
  readonly offset: number
}

async function findDifference(
  left: Side,
  right: Side,
  end: number,
  strict: boolean,
): Promise<Difference | undefined> {
  for (let at = 0; at < end;) {
    const here = await statusOf(left, at, end - at)
    const there = await statusOf(right, at, end - at)
    if (strict && kindOf(here) !== kindOf(there)) return { kind: 'status', offset: at }
    const bytes = Math.min(here.bytes, there.bytes, CHUNK_BYTES)
    const offset = await contentDifference(left, right, at, bytes, here, there)
    if (offset !== undefined) return { kind: 'content', offset }
    at += bytes
  }
  return undefined
}

/** Whether a run ends the image counts, as it does for QEMU. */
function kindOf({ allocated, data, zero, eof = false }: BlockStatus): string {
  return `${allocated} ${data} ${zero} ${eof}`
}

async function contentDifference(
  left: Side,
  right: Side,
  offset: number,
  bytes: number,
  here: BlockStatus,
  there: BlockStatus,
): Promise<number | undefined> {
  const emptyHere = here.zero || !here.allocated
  const emptyThere = there.zero || !there.allocated
  if (emptyHere && emptyThere) return undefined
  const zeroes = new Uint8Array(bytes)
  const ours = emptyHere ? zeroes : await readRange(left, offset, bytes)
  const theirs = emptyThere ? zeroes : await readRange(right, offset, bytes)
  const index = firstDifference(ours, theirs)
  return index === undefined ? undefined : offset + index - (index % SECTOR)
}

/** Where something other than zeroes is stored from `start` on. */
async function firstData(side: Side, start: number): Promise<number | undefined> {
  const end = side.user.length()
  for (let at = start; at < end;) {
    const status = await statusOf(side, at, end - at)
    const bytes = Math.min(status.bytes, CHUNK_BYTES)
    if (status.allocated && !status.zero) {
      const found = firstDifference(await readRange(side, at, bytes), new Uint8Array(bytes))
      if (found !== undefined) return at + found - (found % SECTOR)
    }
    at += bytes
  }
  return undefined
}

async function statusOf({ name, user }: Side, offset: number, bytes: number): Promise<BlockStatus> {
  try {
    return await user.statusAbove(offset, bytes)
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    throw new ImgFailure(`Sector allocation test failed for ${name}`, STATUS_STATUS)
  }
}

async function readRange({ name, user }: Side, offset: number, bytes: number): Promise<Uint8Array> {
  const into = new Uint8Array(bytes)
  try {
    await user.read(offset, into)
    return into
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    throw new ImgFailure(
      `Error while reading offset ${String(offset)} of ${name}: ${error.message}`,
      READ_STATUS,
    )
  }
}
