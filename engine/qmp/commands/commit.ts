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

const ARGS = {
  'job-id': JOB_ID,
  device: opt.str({ doc: 'The node at the top of the chain.' }),
  'base-node': opt.str({ optional: true, doc: 'Where the data goes; the deepest image.' }),
  base: opt.str({ optional: true, features: ['deprecated'], doc: 'The same by its file name.' }),
  'top-node': opt.str({ optional: true, doc: 'The highest node whose data goes; `device`.' }),
  top: opt.str({ optional: true, features: ['deprecated'], doc: 'The same by its file name.' }),
  ...TAIL,
} as const

type Args = Values<typeof ARGS>

const DOC = 'Writes what images have into one further down the chain, which takes their place.'

const blockCommit = defineCommand({
  name: 'block-commit',
  when: 'legacyCommands',
  doc: DOC,
  args: ARGS,
  async run({ engine }, args) {
    const { graph } = engine
    const device = findRoot(graph, args.device)
    graph.checkOperation(device, 'commit-source')
    const top = findTop(graph, device, args)
    const base = findTarget(graph, top, args)
    await startCommit(engine, { device, top, base }, args)
  },
})

const NAMED_ARGS = {
  'job-id': JOB_ID,
  'top-node': opt.str({ doc: 'The highest node whose data goes.' }),
  'base-node': opt.str({ optional: true, doc: 'Where the data goes; the deepest image.' }),
  ...TAIL,
} as const

/** Nodes by their names, and nothing else: whether the top is the active layer is seen. */
const namedBlockCommit = defineCommand({
  name: 'block-commit',
  unless: 'legacyCommands',
  doc: DOC,
  args: NAMED_ARGS,
  async run({ engine }, args) {
    const { graph } = engine
    const top = graph.findNamed(args['top-node'])
    const device = overlayAbove(graph.nodes(), top) ?? top
    graph.checkOperation(device, 'commit-source')
    const name = args['base-node']
    const base = name === undefined ? findBase(top) : inChain(graph, top, name)
    await startCommit(engine, { device, top, base }, args)
  },
})

export const COMMIT_COMMANDS = [blockCommit, namedBlockCommit] as const

interface Nodes {
  readonly device: GraphNode
  readonly top: GraphNode
  readonly base: GraphNode
}

async function startCommit(
  { graph, jobs, services, profile }: EngineParts,
  { device, top, base }: Nodes,
  args: Pick<Args, 'job-id' | keyof typeof TAIL>,
): Promise<void> {
  checkChain(graph, top, base)
  if (top === base) throw new BlockError('cannot commit an image into itself')
  if (profile['commit.filterInChain'] === 'error') checkNoFilter(top, base)
  const { 'backing-file': backingFile, 'filter-node-name': filterName, 'on-error': onError } = args
  const options = jobOptions(args)
  if (skipFilters(top) === skipFilters(device)) {
    if (backingFile !== undefined) {
      throw new BlockError("'backing-file' specified, but 'top' is the active layer")
    }
    const log = (line: string): void => services.log(line)
    const about = { top, base, onError, filterName, rules: profile, log }
    await startActiveCommit({ graph, jobs }, about, options)
    return
  }
  const overlay = findOverlay(device, top)
  if (overlay !== undefined) graph.checkOperation(overlay, 'commit-target')
  checkDifferent(top, base)
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
