/**
 * `block-stream`: a copy-on-read filter above an image copies into it what it only has from further
 * down, until it needs those images no more.
 */
import type { Services } from '../block/driver.ts'
import {
  ALL_PERMISSIONS,
  CONSISTENT_READ,
  NO_PERMISSIONS,
  WRITE,
  WRITE_UNCHANGED,
} from '../block/permission.ts'
import {
  chainContains,
  filterOrCowChild,
  findBase,
  findOverlay,
  skipFilters,
  endThroughFilters,
} from '../graph/chain.ts'
import type { Graph, GraphNode, User } from '../graph/graph.ts'
import { BlockError, ioError } from '../util/errors.ts'
import { ignoringRefusal } from './ignoring-refusal.ts'
import { defineJob, type JobControl, type JobSetup, type JobWork } from './kind.ts'
import type { ErrorPolicy } from './on-error.ts'
import type { JobOptions, Jobs } from './registry.ts'
import type { JobRoutine } from './strand.ts'
import { STRETCH_BYTES, sweep, type Stretch } from './sweep.ts'
import { Undoing } from './undoing.ts'

export interface StreamArgs {
  readonly graph: Graph
  readonly services: Pick<Services, 'log' | 'profile'>
  /** The image that is filled. */
  readonly node: GraphNode
  /** The image that stays below it; none: it needs nothing any more. */
  readonly base?: GraphNode | undefined
  /** Instead of `base`: the lowest image that goes, no filter. */
  readonly bottom?: GraphNode | undefined
  /** What the header is to say instead of the name of `base`. */
  readonly backingFile?: string | undefined
  readonly filterName?: string | undefined
  readonly onError: ErrorPolicy
}

/** @throws {BlockError} with nothing changed. */
export async function launchStream(
  jobs: Jobs,
  args: StreamArgs,
  options: JobOptions,
): Promise<void> {
  const { graph, node } = args
  const undoing = new Undoing()
  const ends = endsOf(args)
  try {
    const wasReadOnly = node.flags.readOnly
    if (wasReadOnly) {
      await makeWritable(graph, node, ends.aboveBase)
      undoing.add(() => graph.setReadOnly(node, true))
    }
    const filter = await graph.insertFilter({
      above: node,
      driver: 'copy-on-read',
      name: args.filterName,
      options: { bottom: ends.overlay.name },
    })
    undoing.add(() => graph.dropFilter(filter))
    await jobs.launch(stream, { ...args, ...ends, filter, wasReadOnly }, options)
  } catch (error) {
    await undoing.run()
    throw error
  }
}

/** Where what is copied up ends. */
interface Ends {
  /** The lowest image that goes. */
  readonly overlay: GraphNode
  /** It, or the lowest filter below it that goes too. */
  readonly aboveBase: GraphNode
}

function endsOf({ node, base, bottom }: StreamArgs): Ends {
  if (bottom !== undefined) return { overlay: bottom, aboveBase: bottom }
  const overlay = base === undefined ? findBase(node) : findOverlay(node, base)
  if (overlay === undefined) {
    throw new BlockError(`'${base?.name ?? ''}' is not in the backing chain of '${node.name}'`)
  }
  let aboveBase = overlay
  for (let next = overlay.cowChild; next !== base && next !== undefined; next = next.filteredChild)
    aboveBase = next
  return { overlay, aboveBase }
}

async function makeWritable(graph: Graph, node: GraphNode, bottom: GraphNode): Promise<void> {
  const thaw = graph.freeze(node, bottom)
  try {
    await graph.setReadOnly(node, false)
  } finally {
    thaw()
  }
}

interface Streaming extends StreamArgs, Ends {
  readonly filter: GraphNode
  readonly wasReadOnly: boolean
}

const READERS = CONSISTENT_READ | WRITE_UNCHANGED

const stream = defineJob<Streaming>({
  type: 'stream',
  main: ({ filter }) => ({
    node: filter,
    claims: { uses: NO_PERMISSIONS, shares: ALL_PERMISSIONS },
    allowed: ['dataplane'],
  }),
  async open(args, setup) {
    const user = args.graph.attach(args.filter, {
      uses: CONSISTENT_READ,
      shares: READERS | WRITE,
      goesOn: true,
    })
    try {
      block(args, setup)
      return workOf(args, user)
    } catch (error) {
      // 7.2 forgets that somebody uses the node, which stays until the end of the program.
      if (args.services.profile['stream.failedStart'] === 'ends') await user.close()
      throw error
    }
  },
})

/** Nobody else may change the chain, or the data that is read only once. */
function block({ node, aboveBase }: Streaming, setup: JobSetup): void {
  setup.use('active node', node, { uses: NO_PERMISSIONS, shares: READERS | WRITE })
  const base = filterOrCowChild(aboveBase)
  for (let next = filterOrCowChild(node); next !== undefined && next !== base;) {
    setup.use('intermediate node', next, { uses: NO_PERMISSIONS, shares: READERS })
    next = filterOrCowChild(next)
  }
}

function workOf(args: Streaming, user: User): JobWork {
  const { graph, node, filter, wasReadOnly } = args
  let inserted = true
  const drop = async () => {
    if (inserted) await graph.dropFilter(filter)
    inserted = false
  }
  return {
    run: (job) => populate(job, args, user),
    async prepare() {
      await drop()
      await cutChain(args)
    },
    async clean() {
      await drop()
      await user.close()
      // Others may have come to write to it.
      if (wasReadOnly) await ignoringRefusal(() => graph.setReadOnly(node, true))
    },
  }
}

/** What lies above the base in the end, in the graph and in the header. */
async function cutChain(args: Streaming): Promise<void> {
  const { graph, node, backingFile } = args
  await using section = await lowestThatGoes(args).drained({ subtree: true })
  const changes = graph.within(section)
  const base = filterOrCowChild(lowestThatGoes(args))
  const image = skipFilters(node)
  if (image.cowChild === undefined) return
  const below = base && skipFilters(base)
  const hint = below && {
    filename: backingFile ?? graph.filename(below),
    format: below.driver.name,
  }
  const refused = await refusal(() => changes.setBacking(image, base))
  await section.childChanged(image, 'backing')
  // As in 7.2 the header is written all the same.
  await changes.writeBacking(image, hint)
  if (refused === undefined) return
  args.services.log(refused.message)
  throw ioError('EPERM')
}

/** A filter of somebody else's job may have gone from there. The real one dies of that. */
function lowestThatGoes({ node, overlay, aboveBase }: Streaming): GraphNode {
  return chainContains(node, aboveBase) ? aboveBase : overlay
}

async function refusal(change: () => Promise<void>): Promise<BlockError | undefined> {
  try {
    await change()
    return undefined
  } catch (error) {
    if (error instanceof BlockError) return error
    throw error
  }
}

/** Copies everything that is not in the image and in one of those that go. */
function* populate(job: JobControl, args: Streaming, user: User): JobRoutine<void> {
  if (skipFilters(args.node) === args.overlay) return
  let first: BlockError | undefined
  yield* sweep(job, {
    bytes: args.node.length(),
    *step(stretch) {
      yield* findMissing(job, args, user, stretch)
      const { offset, moved, data } = stretch
      if (moved) yield* job.request(() => user.read(offset, data, { prefetch: true }))
    },
    failed({ error }) {
      const action = job.failed({ operation: 'read', policy: args.onError, error })
      if (action === 'stop') return false
      first ??= error
      if (action === 'report') throw first
      return true
    },
  })
  // Also where it was told to ignore that, the images below are still needed.
  if (first !== undefined) throw first
}

/** How far from here all is alike, and whether it must be copied. */
function* findMissing(
  job: JobControl,
  { node, overlay }: Streaming,
  user: User,
  stretch: Stretch,
): JobRoutine<void> {
  const { offset } = stretch
  const query = { allocationOnly: true, ofImage: true }
  const own = yield* job.request(() => user.status(offset, STRETCH_BYTES, query))
  stretch.bytes = own.bytes
  if (own.allocated) return
  // Where the image below is at its end, there is nothing to be copied from here on.
  const { cowChild } = skipFilters(node)
  if (offset >= (cowChild === undefined ? 0 : endThroughFilters(cowChild))) {
    stretch.bytes = node.length() - offset
    return
  }
  const base = { node: overlay.name, include: true }
  const found = yield* job.request(() => user.statusAbove(offset, own.bytes, base, query))
  stretch.bytes = found.bytes
  stretch.moved = found.allocated
}
