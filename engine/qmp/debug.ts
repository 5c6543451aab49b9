/**
 * Breakpoints on requests, for whoever drives the engine in this process. No QMP command sets any;
 * a real QEMU takes them through the human monitor, with the same outcomes.
 */
import type { Breakpoints } from '../block/driver.ts'
import type { Graph } from '../graph/graph.ts'
import { BlockError } from '../util/errors.ts'

export interface EngineDebug {
  /**
   * The next request that comes to the event (`read_aio`, `write_aio`, `pwritev` …) at the node, or
   * at the first blkdebug node below it, stops there.
   *
   * @throws {BlockError} for an unknown node or event, and where there is no blkdebug node.
   */
  breakAt(node: string, event: string, tag: string): void
  /** Lets the request go that stopped last under the tag. @throws {BlockError} where none did. */
  resume(node: string, tag: string): void
  /** Forgets the tag's breakpoints and lets its requests go. @throws {BlockError} without any. */
  removeBreak(node: string, tag: string): void
  isSuspended(node: string, tag: string): boolean
  /**
   * Adds a rule that is armed at once, written as a member of the option `inject-error`. No real
   * program can do this to a running node.
   *
   * @throws {BlockError} where there is no blkdebug node.
   */
  inject(node: string, rule: Readonly<Record<string, unknown>>): void
  /** Drops every rule. @throws {BlockError} where there is no blkdebug node. */
  clear(node: string): void
}

/** Breakpoints of a driver that also takes rules while it runs. */
interface Injector extends Breakpoints {
  inject(rule: Readonly<Record<string, unknown>>): void
  clear(): void
}

function isInjector(breakpoints: Breakpoints): breakpoints is Injector {
  return 'inject' in breakpoints && 'clear' in breakpoints
}

export function createDebug(graph: Graph): EngineDebug {
  const find = (node: string, failed: string): Breakpoints => {
    const breakpoints = graph.breakpoints(graph.find(node))
    if (breakpoints === undefined) throw BlockError.system(failed, 'ENOTSUP')
    return breakpoints
  }
  return {
    breakAt(node, event, tag) {
      const failed = 'Could not set breakpoint'
      try {
        find(node, failed).add(event, tag)
      } catch (error) {
        if (!(error instanceof BlockError) || error.errno !== 'ENOENT') throw error
        throw BlockError.system(failed, 'ENOENT')
      }
    },
    resume(node, tag) {
      const failed = 'Could not resume request'
      if (!find(node, failed).resume(tag)) throw BlockError.system(failed, 'ENOENT')
    },
    removeBreak(node, tag) {
      const failed = `Could not remove breakpoint ${tag}`
      if (!find(node, failed).remove(tag)) throw BlockError.system(failed, 'ENOENT')
    },
    inject(node, rule) {
      const injector = find(node, 'Could not add rule')
      if (isInjector(injector)) injector.inject(rule)
    },
    clear(node) {
      const injector = find(node, 'Could not drop rules')
      if (isInjector(injector)) injector.clear()
    },
    isSuspended: (node, tag) => graph.breakpoints(graph.find(node))?.isSuspended(tag) ?? false,
  }
}
