/**
 * Several changes, of which all happen or none. Each is prepared in its turn and takes effect then,
 * so that later ones see it; when one fails, all that were prepared are undone, the last one first.
 */
import type { DrainedSection, GraphChanges, GraphNode } from '../graph/graph.ts'
import type { JobGroup } from '../jobs/group.ts'
import type { MaybePromise } from '../util/async.ts'
import type { EngineParts } from './parts.ts'

/** How a prepared change ends. None of these may fail. */
export interface PreparedAction {
  /** What cannot be undone waits for this. */
  commit?(): MaybePromise<void>
  abort?(): MaybePromise<void>
  /** After every commit or abort. */
  clean?(): MaybePromise<void>
  /** After all that, when nothing is drained any more. */
  after?(): MaybePromise<void>
}

/** What all actions of one transaction share. */
export interface ActionScope {
  /** Changes of the graph that nodes which were drained here do not hold up. */
  readonly graph: GraphChanges
  /** What the jobs end with together; absent where each ends for itself. */
  readonly group: JobGroup | undefined
  /** Drains a node until all actions are committed or aborted. */
  drain(node: GraphNode): Promise<void>
}

export type PrepareAction = (scope: ActionScope) => MaybePromise<PreparedAction>

/** @throws {BlockError} the first refusal, with nothing changed. */
export async function runActions(
  engine: EngineParts,
  actions: readonly PrepareAction[],
  group?: JobGroup,
): Promise<void> {
  const drained = await engine.graph.drainedAll()
  // As in 7.2, jobs whose work is over by now are complete, and nobody is in their way. Those that
  // end because they go on now are not, and must not get ahead of what comes next.
  const over = engine.jobs.over()
  engine.services.fileQueue.letGoOn(() => {
    drained.end()
  })
  if (over.length > 0) await engine.jobs.complete(over)
  const sections: DrainedSection[] = []
  const scope: ActionScope = {
    group,
    get graph() {
      const [first] = sections
      return first === undefined ? engine.graph : engine.graph.within(first)
    },
    async drain(node) {
      sections.push(await node.drained({ along: sections[0] }))
    },
  }
  const prepared: PreparedAction[] = []
  try {
    await prepareAll(actions, scope, prepared)
    for (const action of prepared) await action.commit?.()
  } finally {
    for (const action of prepared) await action.clean?.()
    for (const section of sections) section.end()
  }
  for (const action of prepared) await action.after?.()
}

async function prepareAll(
  actions: readonly PrepareAction[],
  scope: ActionScope,
  prepared: PreparedAction[],
): Promise<void> {
  try {
    for (const prepare of actions) prepared.push(await prepare(scope))
  } catch (error) {
    for (const action of prepared.toReversed()) await action.abort?.()
    throw error
  }
}
