/**
 * `img rebase`: gives an overlay another backing image. Safe: what would look different afterwards is
 * copied into the overlay first. Unsafe (`-u`): only its header changes. Source: observed on QEMU 7.2.
 */
import { UNBUILT_MAKERS } from '../../block/image-options.ts'
import { driversIn } from '../../block/in-profile.ts'
import { ALL_PERMISSIONS, CONSISTENT_READ } from '../../block/permission.ts'
import { DRIVERS } from '../../drivers/index.ts'
import { besideOf, hasProtocol, isAbsolute } from '../../graph/filename.ts'
import type { Graph, GraphNode, User } from '../../graph/graph.ts'
import type { Host } from '../../host/host.ts'
import { PROFILES } from '../../profiles/index.ts'
import { isSame } from '../../util/bytes.ts'
import { BlockError, errnoText } from '../../util/errors.ts'
import {
  BACKING,
  BACKING_FORMAT,
  CACHE,
  FORCE_SHARE,
  ImgFailure,
  ON_IMAGES,
  onlyWord,
  PROGRESS,
  QUIET,
  readCommandLine,
  SOURCE_CACHE,
  sourceCache,
  targetCache,
  UNSAFE,
  usageFailure,
  type CommandLine,
  type ImgContext,
} from './command-line.ts'
import { openImage, requestFor, workOn, type Image } from './image.ts'

const OPTIONS = [
  ...ON_IMAGES,
  FORCE_SHARE,
  QUIET,
  CACHE,
  SOURCE_CACHE,
  BACKING,
  BACKING_FORMAT,
  UNSAFE,
  PROGRESS,
] as const

const SECTOR = 512
const CHUNK_BYTES = 1 << 21

export async function rebase(
  host: Host,
  argv: readonly string[],
  context: ImgContext,
): Promise<number> {
  const line = readCommandLine(OPTIONS, argv, context)
  const name = onlyWord(line, context)
  const isUnsafe = line.has('unsafe')
  if (!isUnsafe && !line.has('backing')) {
    const text = 'Must specify backing file (-b) or use unsafe mode (-u)'
    throw usageFailure(text, context.program)
  }
  const named = requestFor(name, line)
  const cache = targetCache(line)
  sourceCache(line, 1)
  const request = { ...named, cache, writable: true, alone: isUnsafe }
  return workOn(host, context, request, async (overlay) => {
    checkFormat(line.value('backing-format'), isUnsafe, context)
    const image = skipFilters(overlay.graph, overlay.node)
    if (!isUnsafe) await copyDifferences(host, context, line, { overlay, image })
    await changeHeader(overlay.graph, image, line)
    return 0
  })
}

/** A header takes the name of any format, also of those that nothing can be opened with here. */
function checkFormat(format: string | undefined, isUnsafe: boolean, context: ImgContext): void {
  if (format === undefined) return
  const known = driversIn(PROFILES[context.profile], DRIVERS)
  if (known.some(({ name }) => name === format)) return
  if (!UNBUILT_MAKERS.includes(format)) throw new ImgFailure(`Invalid format name: '${format}'`)
  if (!isUnsafe) throw new ImgFailure(`format '${format}' is not built yet`)
}

function skipFilters(graph: Graph, node: GraphNode): GraphNode {
  if (graph.backingChild(node) !== undefined) return node
  const shown = graph.shownThrough(node)
  return shown === undefined ? node : skipFilters(graph, shown)
}

interface Overlay {
  readonly overlay: Image
  /** The image itself, below any filters. */
  readonly image: GraphNode
}

/** The backing images before and after; nothing stands for zeroes. */
interface Backings extends Overlay {
  readonly own: User
  readonly before: User | undefined
  readonly after: User | undefined
  /** The new one if it is in the chain already: what was not changed above it stays as it is. */
  readonly below: GraphNode | undefined
}

async function copyDifferences(
  host: Host,
  context: ImgContext,
  line: CommandLine,
  about: Overlay,
): Promise<void> {
  const { graph, node } = about.overlay
  const users: { close(): Promise<void> }[] = []
  const reader = (of: GraphNode): User => {
    const user = graph.attach(of, { uses: CONSISTENT_READ, shares: ALL_PERMISSIONS })
    users.push(user)
    return user
  }
  try {
    const own = reader(about.image)
    const old = graph.backingChild(about.image)
    const before = old && reader(old)
    const name = line.value('backing') ?? ''
    if (name === '') {
      await copyAll({ ...about, own, before, after: undefined, below: undefined })
      return
    }
    const full = fullName(graph.filename(node), name)
    const below = graph.findBackingImage(about.image, full)
    if (below !== undefined) {
      await copyAll({ ...about, own, before, after: reader(below), below })
      return
    }
    const opened = await openImage(host, context, {
      name: full,
      format: line.value('backing-format'),
      forceShare: line.has('force-share'),
      cache: sourceCache(line, 1),
      failureText: `Could not open new backing file '${name}'`,
    })
    users.push(opened)
    await copyAll({ ...about, own, before, after: opened.user, below })
  } finally {
    for (const user of users.toReversed()) await user.close()
  }
}

function fullName(overlay: string, name: string): string {
  if (!overlay.startsWith('json:') || hasProtocol(name) || isAbsolute(name)) {
    return besideOf(overlay, name)
  }
  throw new ImgFailure(
    `Could not resolve backing filename: Cannot use relative backing file names for '${overlay}'`,
  )
}

async function copyAll(backings: Backings): Promise<void> {
  const end = backings.overlay.user.length()
  for (let offset = 0; offset < end;) {
    const stretch = await unsettled(backings, offset, Math.min(CHUNK_BYTES, end - offset))
    offset += stretch.isSettled ? stretch.bytes : await copyStretch(backings, offset, stretch.bytes)
  }
}

interface Stretch {
  readonly bytes: number
  /** It looks the same afterwards, whatever the backing images hold. */
  readonly isSettled: boolean
}

async function unsettled(
  { own, before, below }: Backings,
  offset: number,
  bytes: number,
): Promise<Stretch> {
  const query = { allocationOnly: true } as const
  try {
    const here = await own.status(offset, bytes, query)
    if (here.allocated) return { bytes: here.bytes, isSettled: true }
    if (below === undefined || before === undefined) return { bytes: here.bytes, isSettled: false }
    if (before.node.name === below.name) return { bytes: here.bytes, isSettled: true }
    // What was zeroes behind the end of the old one need not be zeroes further down.
    const left = Math.min(here.bytes, before.length() - offset)
    if (left <= 0) return { bytes: here.bytes, isSettled: false }
    const above = await before.statusAbove(offset, left, { node: below.name }, query)
    return { bytes: above.bytes, isSettled: !above.allocated }
  } catch (error) {
    throw failure('error while reading image metadata', error)
  }
}

/** @returns how many bytes are done: it goes no further than either backing image does. */
async function copyStretch(
  { overlay, before, after }: Backings,
  offset: number,
  bytes: number,
): Promise<number> {
  const old = reachOf(before, offset, bytes)
  const next = reachOf(after, offset, old.bytes)
  const wasThere = await readBacking(old.user, offset, old.bytes, 'old')
  const willBe = await readBacking(next.user, offset, next.bytes, 'new')
  try {
    for (const { start, end } of differences(wasThere.subarray(0, next.bytes), willBe)) {
      if (old.user === undefined) await overlay.user.zero(offset + start, end - start, {})
      else await overlay.user.write(offset + start, wasThere.subarray(start, end))
    }
  } catch (error) {
    throw failure('Error while writing to COW image', error)
  }
  return next.bytes
}

/** How much of a stretch a backing image has; all of it, from nobody, behind its end. */
function reachOf(
  user: User | undefined,
  offset: number,
  bytes: number,
): { readonly user: User | undefined; readonly bytes: number } {
  const length = user?.length() ?? 0
  if (offset >= length) return { user: undefined, bytes }
  return { user, bytes: Math.min(bytes, length - offset) }
}

async function readBacking(
  user: User | undefined,
  offset: number,
  bytes: number,
  which: 'old' | 'new',
): Promise<Uint8Array> {
  const into = new Uint8Array(bytes)
  try {
    await user?.read(offset, into)
    return into
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    throw new ImgFailure(`error while reading from ${which} backing file`)
  }
}

/** The runs of sectors that differ, each as long as it can be. */
function* differences(
  left: Uint8Array,
  right: Uint8Array,
): Generator<{ readonly start: number; readonly end: number }> {
  const end = left.length
  const differsAt = (at: number): boolean =>
    !isSame(left.subarray(at, at + SECTOR), right.subarray(at, at + SECTOR))
  for (let at = 0; at < end; at += SECTOR) {
    if (!differsAt(at)) continue
    const start = at
    do at += SECTOR
    while (at < end && differsAt(at))
    yield { start, end: Math.min(at, end) }
  }
}

async function changeHeader(graph: Graph, image: GraphNode, line: CommandLine): Promise<void> {
  const filename = line.value('backing') ?? ''
  const format = line.value('backing-format')
  const fail = (text: string): never => {
    const shown = line.value('backing') ?? '(null)'
    throw new ImgFailure(`Could not change the backing file to '${shown}': ${text}`)
  }
  const unnamed = 'backing format must be specified'
  if (filename !== '' && format === undefined) return fail(unnamed)
  try {
    await graph.writeBacking(
      image,
      filename === '' || format === undefined ? undefined : { filename, format },
    )
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    return fail(error.errno === 'ENOSPC' ? 'No space left in the file header' : error.message)
  }
}

function failure(context: string, error: unknown): unknown {
  if (!(error instanceof BlockError)) return error
  return new ImgFailure(`${context}: ${errnoText(error.errno)}`)
}
