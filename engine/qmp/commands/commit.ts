/** `block-commit`. */
import type { Values } from '../../block/option.ts'
import { opt } from '../../block/option.ts'
import {
  chainContains,
  filterOrCowChild,
  findBase,
  findOverlay,
  overlayAbove,
  skipFilters,
} from '../../graph/chain.ts'
import type { Graph, GraphNode } from '../../graph/graph.ts'
import { commit } from '../../jobs/commit.ts'
import { startActiveCommit } from '../../jobs/mirror/start.ts'
import { BlockError } from '../../util/errors.ts'
import { defineCommand } from '../command.ts'
import type { EngineParts } from '../parts.ts'
import { CHAIN_JOB, JOB_ID, jobOptions } from '../schema/jobs.ts'

const TAIL = {
  'backing-file': opt.str({ optional: true, doc: 'What headers of overlays are to say.' }),
  ...CHAIN_JOB,
} as const

export const COMMIT_ARGS = {
  'job-id': JOB_ID,
  device: opt.str({ doc: 'The node at the top of the chain.' }),
  'base-node': opt.str({ optional: true, doc: 'Where the data goes; the deepest image.' }),
  base: opt.str({ optional: true, features: ['deprecated'], doc: 'The same by its file name.' }),
  'top-node': opt.str({ optional: true, doc: 'The highest node whose data goes; `device`.' }),
  top: opt.str({ optional: true, features: ['deprecated'], doc: 'The same by its file name.' }),
  ...TAIL,
} as const

type Args = Values<typeof COMMIT_ARGS>

export const NAMED_COMMIT_ARGS = {
  'job-id': JOB_ID,
  'top-node': opt.str({ doc: 'The highest node whose data goes.' }),
  'base-node': opt.str({ optional: true, doc: 'Where the data goes; the deepest image.' }),
  ...TAIL,
} as const

/** What is said of the job whichever way its nodes are named. */
export type CommitOptions = Pick<Args, 'job-id' | keyof typeof TAIL>

export const blockCommit = defineCommand({
  name: 'block-commit',
  unless: 'commit.shareBaseWrite',
  doc: 'Writes what images have into one further down the chain, which takes their place.',
  args: COMMIT_ARGS,
  async run({ engine }, args) {
    const merge = findMerge(engine, args)
    const isActive = checkMerge(engine, merge, args)
    await startCommit(engine, merge, isActive, args)
  },
})

/** Images of a chain, of which those from `top` to above `base` go. */
export interface Merge {
  /** The active layer, or at least what lies above the top. */
  readonly device: GraphNode
  readonly top: GraphNode
  readonly base: GraphNode
}

/** As devices, nodes and files name them. @throws {BlockError} */
export function findMerge({ graph }: EngineParts, args: Args): Merge {
  const device = findRoot(graph, args.device)
  graph.checkOperation(device, 'commit-source')
  const top = findTop(graph, device, args)
  return { device, top, base: findTarget(graph, top, args) }
}

/** As nodes alone name them. @throws {BlockError} */
export function namedMerge(
  { graph }: EngineParts,
  args: Pick<Values<typeof NAMED_COMMIT_ARGS>, 'top-node' | 'base-node'>,
): Merge {
  const top = graph.findNamed(args['top-node'])
  const name = args['base-node']
  const base = name === undefined ? findBase(top) : inChain(graph, top, name)
  return { device: overlayAbove(graph.nodes(), top) ?? top, top, base }
}

/** @returns whether the top changes meanwhile, as the active layer does. @throws {BlockError} */
export function checkMerge(
  { graph, profile }: EngineParts,
  { device, top, base }: Merge,
  { 'backing-file': backingFile }: Pick<CommitOptions, 'backing-file'>,
): boolean {
  checkChain(graph, top, base)
  if (top === base) throw new BlockError('cannot commit an image into itself')
  if (profile['commit.filterInChain'] === 'error') checkNoFilter(top, base)
  const isActive = skipFilters(top) === skipFilters(device)
  if (isActive || top.hasWriter) {
    if (backingFile === undefined) return true
    const why = isActive ? 'is the active layer' : 'has a writer on it'
    throw new BlockError(`'backing-file' specified, but 'top' ${why}`)
  }
  const overlay = findOverlay(device, top)
  if (overlay !== undefined) graph.checkOperation(overlay, 'commit-target')
  checkDifferent(top, base)
  return false
}

async function startCommit(
  { graph, jobs, services, profile }: EngineParts,
  { device, top, base }: Merge,
  isActive: boolean,
  args: CommitOptions,
): Promise<void> {
  const { 'backing-file': backingFile, 'filter-node-name': filterName, 'on-error': onError } = args
  const options = jobOptions(args)
  if (isActive) {
    const log = (line: string): void => services.log(line)
    const about = { top, base, onError, filterName, rules: profile, log }
    await startActiveCommit({ graph, jobs }, about, options)
    return
  }
  await jobs.launch(commit, { graph, device, top, base, backingFile, filterName, onError }, options)
}

function findRoot(graph: Graph, name: string): GraphNode {
  const node = graph.findOrUndefined(name)
  // Clients tell this case from others by its class.
  if (node === undefined) {
    throw new BlockError(`Device '${name}' not found`, { class: 'DeviceNotFound' })
  }
  graph.checkRoot(node)
  return node
}

function findTop(graph: Graph, device: GraphNode, args: Args): GraphNode {
  const { 'top-node': name, top: filename } = args
  if (name !== undefined && filename !== undefined) {
    throw new BlockError("'top-node' and 'top' are mutually exclusive")
  }
  if (name !== undefined) return inChain(graph, device, name)
  if (filename === undefined || filename === graph.filename(device)) return device
  const found = graph.findBackingImage(device, filename)
  if (found === undefined) throw new BlockError(`Top image file ${filename} not found`)
  return found
}

function findTarget(graph: Graph, top: GraphNode, args: Args): GraphNode {
  const { 'base-node': name, base: filename } = args
  if (name !== undefined && filename !== undefined) {
    throw new BlockError("'base-node' and 'base' are mutually exclusive")
  }
  if (name !== undefined) return inChain(graph, top, name)
  if (filename === undefined) return findBase(top)
  const found = graph.findBackingImage(top, filename)
  if (found === undefined) throw new BlockError(`Can't find '${filename}' in the backing chain`)
  return found
}

function inChain(graph: Graph, top: GraphNode, name: string): GraphNode {
  const node = graph.findNamed(name)
  if (chainContains(top, node)) return node
  throw new BlockError(`'${name}' is not in this backing file chain`)
}

function checkChain(graph: Graph, top: GraphNode, base: GraphNode): void {
  const end = filterOrCowChild(base)
  for (let node: GraphNode | undefined = top; node !== end; node = node && filterOrCowChild(node)) {
    if (node !== undefined) graph.checkOperation(node, 'commit-target')
  }
}

/** A filter that a client put there would do nothing to what is written into the base. */
function checkNoFilter(top: GraphNode, base: GraphNode): void {
  let above = top
  for (
    let node = filterOrCowChild(top);
    node !== undefined && node !== base;
    node = filterOrCowChild(node)
  ) {
    if (node.filteredChild === undefined || node.implicit) {
      above = node
      continue
    }
    throw new BlockError(
      `Filter node '${node.name}' is in the commit chain between '${above.name}' and ` +
        `'${base.name}'; take it out, or commit into it`,
    )
  }
}

/** Between two nodes of which one shows the other there is nothing to commit. */
function checkDifferent(top: GraphNode, base: GraphNode): void {
  if (skipFilters(top) !== skipFilters(base)) return
  throw new BlockError('Invalid files for merge: top and base are the same')
}
