/** `block-stream`. */
import type { Values } from '../../block/option.ts'
import { opt } from '../../block/option.ts'
import { chainContains, filterOrCowChild } from '../../graph/chain.ts'
import type { Graph, GraphNode } from '../../graph/graph.ts'
import { launchStream } from '../../jobs/stream.ts'
import { BlockError } from '../../util/errors.ts'
import { defineCommand } from '../command.ts'
import type { EngineParts } from '../parts.ts'
import { CHAIN_JOB, JOB_ID, jobOptions } from '../schema/jobs.ts'

const ENDS = {
  'base-node': opt.str({ optional: true, doc: 'The image that stays below it, by its node.' }),
  'backing-file': opt.str({ optional: true, doc: 'What the header is to say.' }),
  bottom: opt.str({ optional: true, doc: 'The last image that goes, instead of a base.' }),
  ...CHAIN_JOB,
} as const

const ARGS = {
  'job-id': JOB_ID,
  device: opt.str({ doc: 'The image that is filled.' }),
  base: opt.str({ optional: true, doc: 'The image that stays below it, by its file name.' }),
  ...ENDS,
} as const

/** What both forms are told, where the image that is filled is the `device`. */
type Args = Values<typeof ARGS>

const DOC = 'Copies into an image what it has from further down its chain.'

const blockStream = defineCommand({
  name: 'block-stream',
  when: 'legacyCommands',
  doc: DOC,
  args: ARGS,
  run: ({ engine }, args) => startStream(engine, args),
})

/** Nodes by their names, and nothing else. */
const namedBlockStream = defineCommand({
  name: 'block-stream',
  unless: 'legacyCommands',
  doc: DOC,
  args: {
    'job-id': JOB_ID,
    'top-node': opt.str({ doc: 'The image that is filled.' }),
    ...ENDS,
  },
  run: ({ engine }, { 'top-node': device, ...args }) =>
    startStream(engine, { ...args, device, base: undefined }),
})

export const STREAM_COMMANDS = [blockStream, namedBlockStream] as const

async function startStream({ graph, jobs, services }: EngineParts, args: Args): Promise<void> {
  checkExclusive(args)
  const node = graph.findDeviceOrNode(args.device)
  const base = findBaseImage(graph, node, args)
  const bottom = findBottom(graph, node, args)
  const end = bottom === undefined ? base : filterOrCowChild(bottom)
  for (let next: GraphNode | undefined = node; next !== undefined && next !== end;) {
    graph.checkOperation(next, 'stream')
    next = filterOrCowChild(next)
  }
  const backingFile = args['backing-file']
  if (base === undefined && backingFile !== undefined) {
    throw new BlockError('backing file specified, but streaming the entire chain')
  }
  await launchStream(
    jobs,
    {
      graph,
      services,
      node,
      base,
      bottom,
      backingFile,
      filterName: args['filter-node-name'],
      onError: args['on-error'],
    },
    jobOptions(args),
  )
}

/** Three ways to say where it ends. */
const EXCLUSIVE = [
  ['base', 'base-node'],
  ['base', 'bottom'],
  ['bottom', 'base-node'],
] as const satisfies readonly (readonly (keyof Args)[])[]

function checkExclusive(args: Args): void {
  for (const [one, other] of EXCLUSIVE) {
    if (args[one] === undefined || args[other] === undefined) continue
    throw new BlockError(`'${one}' and '${other}' cannot be specified at the same time`)
  }
}

function findBaseImage(graph: Graph, node: GraphNode, args: Args): GraphNode | undefined {
  const { base: filename, 'base-node': name, device } = args
  if (filename !== undefined) {
    const found = graph.findBackingImage(node, filename)
    if (found === undefined) throw new BlockError(`Can't find '${filename}' in the backing chain`)
    return found
  }
  if (name === undefined) return undefined
  const base = graph.findNamed(name)
  if (base === node || !chainContains(node, base)) {
    throw new BlockError(`Node '${name}' is not a backing image of '${device}'`)
  }
  return base
}

function findBottom(graph: Graph, node: GraphNode, args: Args): GraphNode | undefined {
  const { bottom: name, device } = args
  if (name === undefined) return undefined
  const bottom = graph.findNamed(name)
  if (bottom.outOfUse) throw new BlockError(`Node '${name}' is not open`)
  if (bottom.driver.kind === 'filter') {
    throw new BlockError(`Node '${name}' is a filter, use a non-filter node as 'bottom'`)
  }
  if (!chainContains(node, bottom)) {
    throw new BlockError(`Node '${name}' is not in a chain starting from '${device}'`)
  }
  return bottom
}
