/** What the graph becomes when a mirror ends: the target in the source's place, or all as before. */
import { ALL_PERMISSIONS, NO_PERMISSIONS } from '../../block/permission.ts'
import type { DrainedSection, Graph, GraphChanges, GraphNode, User } from '../../graph/graph.ts'
import { skipFilters } from '../../graph/chain.ts'
import { BlockError, ioError } from '../../util/errors.ts'
import type { JobSetup } from '../kind.ts'
import type { MirrorArgs } from './mirror.ts'

interface Outcome {
  /** A client completed the job: the target takes a place. */
  readonly replace: boolean
  readonly aborted: boolean
  /** The drained section in which the job stopped, unless it has given that back. */
  readonly section: DrainedSection | undefined
}

export class MirrorEnd {
  readonly #args: MirrorArgs
  readonly #setup: JobSetup
  readonly #target: User
  readonly #thaw: (() => void) | undefined
  #replaced: GraphNode | undefined
  #release: (() => Promise<void>) | undefined
  #isOver = false

  constructor(args: MirrorArgs, setup: JobSetup, target: User, thaw: (() => void) | undefined) {
    this.#args = args
    this.#setup = setup
    this.#target = target
    this.#thaw = thaw
    if (args.rules['mirror.resolveReplaces'] === 'at-start') this.#resolve()
  }

  /** Looks for the node to be replaced, which stays from now on, unless that is known already. */
  chooseReplaced(): void {
    if (this.#replaced === undefined) this.#resolve()
  }

  #resolve(): void {
    const { graph, replaces, rules } = this.#args
    if (replaces === undefined) return
    const node = graph.findOrUndefined(replaces)
    if (node === undefined) throw new BlockError(`Node name '${replaces}' not found`)
    const unblock = rules['mirror.replaceBlocker']
      ? graph.blockOperations(node, 'block device is in use by block-job-complete')
      : undefined
    // Whoever was chosen at the start is in use, so that nobody deletes it.
    const letGo =
      rules['mirror.resolveReplaces'] === 'at-start' ? useOf(graph, node) : graph.hold(node)
    this.#replaced = node
    this.#release = async () => {
      unblock?.()
      await letGo()
    }
  }

  /** Once only. @throws {BlockError} where a part of it cannot be; the reason is on standard error. */
  async run({ replace, aborted, section }: Outcome): Promise<void> {
    if (this.#isOver) return
    this.#isOver = true
    const { graph, filter, target, top, ending } = this.#args
    const drained = section ?? (await filter.drained())
    const changes = graph.within(drained)
    const letGo = [graph.hold(target), graph.hold(this.#args.source)]
    this.#thaw?.()
    // What the job claims would be in the way of what comes.
    await this.#target.close()
    top.stopped = true
    await changes.settleClaims(filter)
    const { targetBacking } = this.#args
    const settled = aborted || (await this.#attempt(() => this.#settleBacking(changes)))
    const replaced = !replace || (await this.#attempt(() => this.#replace(changes)))
    await this.#release?.()
    await this.#setup.release()
    await changes.dropFilter(filter)
    // Whoever writes to it by now keeps it writable.
    if (ending.leavesReadOnly) await this.#attempt(() => changes.setReadOnly(target, true))
    drained.end()
    for (const go of letGo) await go()
    if (!replaced) throw ioError('EPERM')
    // Somebody gave the name of what could not be opened.
    if (!settled) throw ioError(targetBacking === 'open' ? 'EINVAL' : 'EPERM')
  }

  /** @returns whether it went well; if not, standard error has the reason. */
  async #attempt(work: () => Promise<void>): Promise<boolean> {
    try {
      await work()
      return true
    } catch (error) {
      if (!(error instanceof BlockError)) throw error
      this.#args.log(error.message)
      return false
    }
  }

  async #settleBacking(changes: GraphChanges): Promise<void> {
    const { targetBacking, nothingFirst, source, base } = this.#args
    const image = skipFilters(this.#args.target)
    if (targetBacking === 'open') await changes.openBacking(image)
    if (targetBacking !== 'source') return
    const backing = nothingFirst ? source : base
    if (image.cowChild !== backing) await changes.setBacking(image, backing)
  }

  async #replace(changes: GraphChanges): Promise<void> {
    const { graph, source, target, filter, rules, ending } = this.#args
    const replaced = this.#replaced ?? source
    const { readOnly } = replaced.flags
    if (readOnly !== target.flags.readOnly && !ending.leavesReadOnly) {
      await this.#attempt(() => changes.setReadOnly(target, readOnly))
    }
    if (rules['mirror.checkReplace'] && !graph.canReplace(source, replaced)) {
      throw new BlockError(
        `Can no longer replace '${replaced.name}' by '${target.name}', because it can no longer be ` +
          'guaranteed that doing so would not lead to an abrupt change of visible data',
      )
    }
    const { headers } = ending
    if (headers === undefined) await changes.replaceNode(replaced, target)
    else {
      // Its own filter stays behind, above the source.
      const nodes = replaced === source ? { top: filter, beside: source } : { top: replaced }
      await changes.takePlace({ ...nodes, base: target, backingFile: headers.backingFile })
    }
  }
}

/** A use that wants nothing and forbids nothing. */
function useOf(graph: Graph, node: GraphNode): () => Promise<void> {
  const user = graph.attach(node, { uses: NO_PERMISSIONS, shares: ALL_PERMISSIONS, goesOn: true })
  return () => user.close()
}
