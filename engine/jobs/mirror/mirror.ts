/**
 * Mirrors: copy a disk to another one and keep the two in step until the client says that it is
 * enough. Committing the active layer of a chain is a mirror onto a node of that chain.
 */
import {
  ALL_PERMISSIONS,
  CONSISTENT_READ,
  RESIZE,
  WRITE,
  WRITE_UNCHANGED,
} from '../../block/permission.ts'
import { chainContains, filterOrCowChild, findOverlay, skipFilters } from '../../graph/chain.ts'
import type { Graph, GraphNode, User } from '../../graph/graph.ts'
import type { Profile } from '../../profiles/index.ts'
import { BlockError } from '../../util/errors.ts'
import { defineJob, type JobKind, type JobSetup, type JobType, type JobWork } from '../kind.ts'
import type { ErrorPolicy } from '../on-error.ts'
import type { MirrorTop } from './top.ts'
import { MirrorWork } from './work.ts'

/** What becomes of the target's backing image in the end. */
export type TargetBacking = 'leave' | 'source' | 'open'

export interface MirrorArgs {
  readonly graph: Graph
  readonly source: GraphNode
  readonly target: GraphNode
  readonly filter: GraphNode
  readonly top: MirrorTop
  /** The node of the chain below the source that is not copied; absent: copy all. */
  readonly base: GraphNode | undefined
  /** Copy only what changes from now on. */
  readonly nothingFirst: boolean
  /** The target may hold anything: what is not copied must be zeroed. */
  readonly zeroTarget: boolean
  readonly targetBacking: TargetBacking
  /** The node that the target replaces in the end, instead of the source. */
  readonly replaces: string | undefined
  /** How it is looked for and looked after. */
  readonly rules: ReplaceRules
  readonly ending: Ending
  readonly granularity: number
  readonly bufferBytes: number
  readonly unmap: boolean
  readonly writeBlocking: boolean
  readonly onSourceError: ErrorPolicy
  readonly onTargetError: ErrorPolicy
  /** Takes what a daemon says on standard error. */
  readonly log: (line: string) => void
}

/** How a job ends whose target is in step with its source. */
export interface Ending {
  /** The target takes the place of a node; otherwise the graph stays. */
  readonly replace: boolean
  /** Nobody needs to say that it is enough: it is so as soon as both are the same. */
  readonly autoComplete: boolean
  /** Headers of images above the replaced node are written, with this name or the target's own. */
  readonly headers: { readonly backingFile: string | undefined } | undefined
  /** The target was made writable for the job alone. */
  readonly leavesReadOnly: boolean
}

/** Of mirrors and active commits, as clients know them. */
export const ON_COMPLETE: Ending = {
  replace: true,
  autoComplete: false,
  headers: undefined,
  leavesReadOnly: false,
}

/** What is asked of the node that a mirror's target replaces. */
export type ReplaceRules = Pick<
  Profile,
  'mirror.checkReplace' | 'mirror.resolveReplaces' | 'mirror.replaceBlocker'
>

/** As a mirror, and as the commit of an active layer. */
export const mirror = mirrorKind('mirror')
export const activeCommit = mirrorKind('commit')
export const copy = mirrorKind('copy')

function mirrorKind(type: JobType): JobKind<MirrorArgs> {
  return defineJob<MirrorArgs>({
    type,
    // The source must not be resized.
    main: ({ filter }) => ({
      node: filter,
      claims: { uses: CONSISTENT_READ, shares: CONSISTENT_READ | WRITE_UNCHANGED | WRITE },
    }),
    open,
  })
}

async function open(args: MirrorArgs, setup: JobSetup): Promise<JobWork> {
  const target = attachTarget(args)
  try {
    const shares = WRITE_UNCHANGED | WRITE | CONSISTENT_READ
    setup.use('source', args.source, { uses: 0, shares })
    setup.use('target', args.target, { uses: 0, shares: ALL_PERMISSIONS })
    const thaw = isBelow(args) ? holdChain(args, setup) : undefined
    return new MirrorWork(args, setup, target, thaw)
  } catch (error) {
    await target.close()
    throw error
  }
}

function isBelow({ source, target }: MirrorArgs): boolean {
  return chainContains(source, target)
}

function attachTarget(args: MirrorArgs): User {
  const { graph, source, target } = args
  let uses = WRITE
  let shares = WRITE_UNCHANGED
  if (isBelow(args)) {
    // It is a backing image in use; nothing but its length must stay.
    if (target.length() < source.length()) uses |= RESIZE
    shares |= CONSISTENT_READ | WRITE
  } else if (chainContains(source, skipFilters(target))) {
    throw new BlockError("Cannot mirror to a filter on top of a node in the source's backing chain")
  }
  return graph.attach(target, { uses, shares, goesOn: true })
}

/** Nodes between source and target will be gone in the end, and nobody can read them meanwhile. */
function holdChain({ graph, filter, source, target }: MirrorArgs, setup: JobSetup): () => void {
  const overlay = findOverlay(source, target)
  const filteredTarget = overlay?.cowChild
  let shares = WRITE_UNCHANGED | WRITE
  for (
    let node = filterOrCowChild(source);
    node !== undefined && node !== target;
    node = filterOrCowChild(node)
  ) {
    // From here on all is what the target shows.
    if (node === filteredTarget) shares |= CONSISTENT_READ
    setup.use('intermediate node', node, { uses: 0, shares })
  }
  return graph.freeze(filter, target)
}
