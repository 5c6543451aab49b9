/**
 * Flushes: the driver's own way; else what it holds back, then its storage if something was written
 * since the last flush, then the children that are written to.
 */
import { WRITE, WRITE_UNCHANGED } from '../block/permission.ts'
import type { Edge } from '../graph/node.ts'
import { andFinally, andThen, isPromise, type MaybePromise } from '../util/async.ts'
import type { PathState } from './state.ts'

export function flushNode(state: PathState): MaybePromise<void> {
  if (state.node.flags.readOnly) return
  const { generation } = state
  if (state.flushing !== undefined) return afterOthers(state, generation)
  return flushNow(state, generation)
}

/** @param generation - The writes that were complete when the flush was asked for. */
function flushNow(state: PathState, generation: number): MaybePromise<void> {
  const running = andThen(flushSteps(state, generation), () => {
    state.flushed = generation
  })
  if (!isPromise(running)) return
  const done = andFinally(
    () => running,
    () => {
      state.flushing = undefined
    },
  )
  state.flushing = running
  return done
}

async function afterOthers(state: PathState, generation: number): Promise<void> {
  while (state.flushing !== undefined) {
    // Whoever asked for that flush hears of its failure.
    await state.flushing.catch(() => undefined)
  }
  await flushNow(state, generation)
}

function flushSteps(state: PathState, generation: number): MaybePromise<void> {
  const { node } = state
  const { instance, flags, children } = node
  if (instance.flush !== undefined) {
    // Without this, a protocol's data would reach the disk although it need not.
    if (flags.noFlush && node.driver.kind === 'protocol') return
    return instance.flush()
  }
  const primary = children.find(({ role }) => role.primary === true)?.handle
  const toDisk = (): MaybePromise<void> => {
    if (flags.noFlush || state.flushed === generation) return
    return andThen(primary?.debugEvent('flush_to_disk'), () => instance.flushToDisk?.())
  }
  const toOs = andThen(primary?.debugEvent('flush_to_os'), () => instance.flushToOs?.())
  return andThen(andThen(toOs, toDisk), () => flushChildren(children))
}

/** One after the other; all of them, also if one fails. */
function flushChildren(children: readonly Edge[]): MaybePromise<void> {
  const [first, ...others] = children.filter(
    ({ claims }) => (claims.uses & (WRITE | WRITE_UNCHANGED)) !== 0,
  )
  if (first === undefined) return
  if (others.length === 0) return first.handle.flush()
  return andFinally(
    () => first.handle.flush(),
    () => flushChildren(others),
  )
}
