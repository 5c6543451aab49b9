/**
 * `block-commit` below the active layer: what the images from `top` down to above `base` have is
 * written into `base`, which takes their place.
 */
import {
  ALL_PERMISSIONS,
  CONSISTENT_READ,
  NO_PERMISSIONS,
  RESIZE,
  WRITE,
  WRITE_UNCHANGED,
} from '../block/permission.ts'
import { filterOrCowChild, findOverlay } from '../graph/chain.ts'
import type { Graph, GraphNode, User } from '../graph/graph.ts'
import { assert } from '../util/assert.ts'
import { commitTop } from './commit-top.ts'
import { grow } from './grow.ts'
import { ignoringRefusal } from './ignoring-refusal.ts'
import { defineJob, type JobControl, type JobSetup, type JobWork } from './kind.ts'
import type { ErrorPolicy } from './on-error.ts'
import type { JobRoutine } from './strand.ts'
import { sweep } from './sweep.ts'
import { Undoing } from './undoing.ts'

export interface CommitArgs {
  readonly graph: Graph
  /** The active layer, which stays as it is. */
  readonly device: GraphNode
  readonly top: GraphNode
  readonly base: GraphNode
  /** What headers of overlays are to say instead of the name of `base`. */
  readonly backingFile?: string | undefined
  readonly filterName?: string | undefined
  readonly onError: ErrorPolicy
}

const NOTHING = { uses: NO_PERMISSIONS, shares: ALL_PERMISSIONS }

export const commit = defineJob<CommitArgs>({
  type: 'commit',
  main: ({ device }) => ({ node: device, claims: NOTHING, allowed: ['dataplane'] }),
  async open(args, setup) {
    const undoing = new Undoing()
    try {
      return workOf(args, setup, await begin(args, setup, undoing))
    } catch (error) {
      await undoing.run()
      throw error
    }
  },
})

/** What a commit has while it runs. */
interface Parts {
  readonly filter: GraphNode
  readonly base: User
  readonly top: User
  readonly thaw: () => void
  readonly baseWasReadOnly: boolean
}

async function begin(args: CommitArgs, setup: JobSetup, undoing: Undoing): Promise<Parts> {
  const { graph, top, base } = args
  const grows = base.length() < top.length()
  const baseWasReadOnly = base.flags.readOnly
  if (baseWasReadOnly) {
    // As with 7.2 it is made read-only again, drained, even where it could not be made anything else.
    undoing.add(() => ignoringRefusal(() => graph.setReadOnly(base, true)))
    await graph.setReadOnly(base, false)
  }
  const filter = await graph.insertFilter({
    above: top,
    driver: commitTop,
    name: args.filterName,
    readOnly: true,
    neverFreeze: true,
    // Measured: no other job of the node pauses.
    undrained: true,
  })
  undoing.add(async () => {
    // The chain may not be read as a whole before the job has let go of it.
    await setup.release()
    await graph.dropFilter(filter)
  })
  blockIntermediates(args, setup)
  const thaw = graph.freeze(filter, base)
  undoing.add(thaw)
  setup.use('base', base, NOTHING)
  const baseUser = graph.attach(base, {
    uses: CONSISTENT_READ | WRITE | (grows ? RESIZE : NO_PERMISSIONS),
    shares: CONSISTENT_READ | WRITE_UNCHANGED,
    goesOn: true,
  })
  undoing.add(() => baseUser.close())
  const topUser = graph.attach(top, { ...NOTHING, goesOn: true })
  return { filter, base: baseUser, top: topUser, thaw, baseWasReadOnly }
}

/** They become garbage one by one: nobody may read them or change their length any more. */
function blockIntermediates({ top, base }: CommitArgs, setup: JobSetup): void {
  const overlay = overlayOf(top, base)
  let shares = WRITE_UNCHANGED | WRITE
  for (let node = top; node !== base; node = below(node)) {
    setup.use('intermediate node', node, { uses: NO_PERMISSIONS, shares })
    // All that are further down are filters, which show the base as it is.
    if (node === overlay) shares |= CONSISTENT_READ
  }
}

function below(node: GraphNode): GraphNode {
  const next = filterOrCowChild(node)
  assert(next !== undefined, 'the base is in the chain')
  return next
}

function overlayOf(top: GraphNode, base: GraphNode): GraphNode {
  const overlay = findOverlay(top, base)
  assert(overlay !== undefined, 'the base is in the chain')
  return overlay
}

function workOf(args: CommitArgs, setup: JobSetup, parts: Parts): JobWork {
  const { graph, base, backingFile } = args
  const { filter, thaw } = parts
  return {
    run: (job) => copy(job, args, parts),
    async prepare() {
      thaw()
      // Its permission to write stands in the way of the chain as it is to be.
      await parts.base.close()
      await graph.dropIntermediate({ top: filter, base, backingFile })
    },
    async abort() {
      thaw()
      await parts.base.close()
      await setup.release()
    },
    async clean() {
      await graph.dropFilter(filter)
      if (parts.baseWasReadOnly) await ignoringRefusal(() => graph.setReadOnly(base, true))
      await parts.top.close()
    },
  }
}

function* copy(job: JobControl, args: CommitArgs, { base, top }: Parts): JobRoutine<void> {
  const bytes = top.length()
  // Clients know it before the base has grown.
  job.setRemaining(bytes)
  if (base.length() < bytes) yield* grow(job, base, bytes)
  const above = { node: overlayOf(args.top, args.base).name, include: true }
  yield* sweep(job, {
    bytes,
    *step(stretch) {
      const { offset } = stretch
      const run = yield* job.request(() =>
        top.statusAbove(offset, stretch.bytes, above, { allocationOnly: true }),
      )
      stretch.bytes = run.bytes
      if (!run.allocated) return
      stretch.moved = true
      const { data } = stretch
      yield* job.request(() => top.read(offset, data))
      stretch.side = 'write'
      yield* job.request(() => base.write(offset, data))
    },
    failed({ side, error }) {
      // Whatever else the policy says, it tries again.
      if (job.failed({ operation: side, policy: args.onError, error }) === 'report') throw error
      return false
    },
  })
}
