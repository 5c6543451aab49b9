/** Starting a mirror: its filter goes above the source, then the job begins or all is as before. */
import { defaultGranularity } from '../../bitmap/dirty-bitmaps.ts'
import { chainContains, skipFilters } from '../../graph/chain.ts'
import type { Graph, GraphNode } from '../../graph/graph.ts'
import { alignUp } from '../../util/align.ts'
import { BlockError } from '../../util/errors.ts'
import type { JobKind } from '../kind.ts'
import type { JobOptions, Jobs } from '../registry.ts'
import type { ErrorPolicy } from '../on-error.ts'
import { activeCommit, ON_COMPLETE, type MirrorArgs, type ReplaceRules } from './mirror.ts'
import { MirrorTop } from './top.ts'

export type MirrorAbout = Omit<
  MirrorArgs,
  'graph' | 'filter' | 'top' | 'granularity' | 'bufferBytes'
> & {
  /** Bytes of a bit; that of the target's image unless given. */
  readonly granularity: number | undefined
  readonly bufferBytes: number | undefined
  /** The client's name for the filter. */
  readonly filterName: string | undefined
}

const DEFAULT_BUFFER_BYTES = 16 << 20

/** @throws {BlockError} with the graph as before. */
export async function startMirror(
  { graph, jobs }: { readonly graph: Graph; readonly jobs: Jobs },
  kind: JobKind<MirrorArgs>,
  about: MirrorAbout,
  options: JobOptions,
): Promise<void> {
  const { source, target, filterName } = about
  const granularity = about.granularity ?? granularityFor(graph, target)
  const { bufferBytes = 0 } = about
  if (bufferBytes < 0) throw new BlockError("Invalid parameter 'buf-size'")
  if (skipFilters(source) === skipFilters(target)) {
    throw new BlockError("Can't mirror node into itself")
  }
  const top = new MirrorTop(chainContains(source, target))
  const filter = await graph.insertFilter({
    above: source,
    driver: top.driver,
    name: filterName,
    neverFreeze: true,
  })
  const args: MirrorArgs = {
    ...about,
    graph,
    filter,
    top,
    granularity,
    bufferBytes: alignUp(bufferBytes === 0 ? DEFAULT_BUFFER_BYTES : bufferBytes, granularity),
  }
  try {
    await jobs.launch(kind, args, options)
  } catch (error) {
    top.stopped = true
    await graph.settleClaims(filter)
    await graph.dropFilter(filter)
    throw error
  }
}

function granularityFor(graph: Graph, target: GraphNode): number {
  const image = target.corrupted ? undefined : graph.info(target).image
  return defaultGranularity(image?.instance.clusterBytes)
}

export interface ActiveCommitAbout {
  readonly top: GraphNode
  /** The node of the chain that all that is above it is written into. */
  readonly base: GraphNode
  readonly onError: ErrorPolicy
  readonly filterName: string | undefined
  readonly rules: ReplaceRules
  readonly log: (line: string) => void
}

/**
 * Commits the active layer of a chain. The base, where it was read-only, stays writable if that
 * goes well: it is the active layer then.
 *
 * @throws {BlockError} with the graph as before.
 */
export async function startActiveCommit(
  parts: { readonly graph: Graph; readonly jobs: Jobs },
  { top, base, onError, filterName, rules, log }: ActiveCommitAbout,
  options: JobOptions,
): Promise<void> {
  const { graph } = parts
  const wasReadOnly = base.flags.readOnly
  if (wasReadOnly) await graph.setReadOnly(base, false)
  const about: MirrorAbout = {
    source: top,
    target: base,
    base,
    nothingFirst: false,
    zeroTarget: false,
    targetBacking: 'leave',
    replaces: undefined,
    rules,
    ending: ON_COMPLETE,
    granularity: undefined,
    bufferBytes: undefined,
    unmap: true,
    writeBlocking: false,
    onSourceError: onError,
    onTargetError: onError,
    filterName,
    log,
  }
  try {
    await startMirror(parts, activeCommit, about, options)
  } catch (error) {
    if (wasReadOnly) await graph.setReadOnly(base, true)
    throw error
  }
}
