/**
 * Several changes, of which all happen or none. Each is prepared in its turn and takes effect then,
 * so that later ones see it; when one fails, all that were prepared are undone, the last one first.
 */
import type { MaybePromise } from '../util/async.ts'
import type { EngineParts } from './parts.ts'

/** How a prepared change ends. None of these may fail. */
export interface PreparedAction {
  /** What cannot be undone waits for this. */
  commit?(): MaybePromise<void>
  abort?(): MaybePromise<void>
  /** After every commit or abort. */
  clean?(): MaybePromise<void>
}

/** @throws {BlockError} the first refusal, with nothing changed. */
export async function runActions(
  engine: EngineParts,
  actions: readonly (() => MaybePromise<PreparedAction>)[],
): Promise<void> {
  ;(await engine.graph.drainedAll()).end()
  const prepared: PreparedAction[] = []
  try {
    await prepareAll(actions, prepared)
    for (const action of prepared) await action.commit?.()
  } finally {
    for (const action of prepared) await action.clean?.()
  }
}

async function prepareAll(
  actions: readonly (() => MaybePromise<PreparedAction>)[],
  prepared: PreparedAction[],
): Promise<void> {
  try {
    for (const prepare of actions) prepared.push(await prepare())
  } catch (error) {
    for (const action of prepared.toReversed()) await action.abort?.()
    throw error
  }
}
