/** `blockdev-backup` and the older `drive-backup`, as commands and as actions of a transaction. */
import type { Values } from '../../block/option.ts'
import type { GraphNode } from '../../graph/graph.ts'
import type { JobGroup } from '../../jobs/group.ts'
import { prepareBackup, type BackupAbout } from '../../jobs/prepare-backup.ts'
import { runActions, type ActionScope, type PreparedAction } from '../actions.ts'
import { defineCommand } from '../command.ts'
import type { EngineParts } from '../parts.ts'
import { BLOCKDEV_BACKUP } from '../schema/backup.ts'

type Given = Values<typeof BLOCKDEV_BACKUP>

/** Requests at the same time unless the client says how many. */
const DEFAULT_WORKERS = 64

/** Puts the filter in and makes the job, which runs when all actions are committed. */
export async function prepareBlockdevBackup(
  engine: EngineParts,
  given: Given,
  scope: ActionScope,
): Promise<PreparedAction> {
  const { graph } = engine
  const source = graph.findDeviceOrNode(given.device)
  const target = graph.findDeviceOrNode(given.target)
  await scope.drain(source)
  return prepareJob(engine, scope, aboutOf(given, source, target, scope.group))
}

async function prepareJob(
  { graph, jobs }: EngineParts,
  scope: ActionScope,
  about: BackupAbout,
): Promise<PreparedAction> {
  let isStarted = false
  const changes = () => (isStarted ? graph : scope.graph)
  const job = await prepareBackup({ graph, jobs, changes }, about)
  return {
    commit() {
      isStarted = true
      job.start()
    },
    abort: () => job.cancel(),
  }
}

function aboutOf(
  given: Given,
  source: GraphNode,
  target: GraphNode,
  group: JobGroup | undefined,
): BackupAbout {
  const perf = given['x-perf']
  return {
    id: given['job-id'],
    speed: given.speed,
    autoFinalize: given['auto-finalize'],
    autoDismiss: given['auto-dismiss'],
    group,
    source,
    target,
    sync: given.sync,
    bitmap: given.bitmap,
    bitmapMode: given['bitmap-mode'],
    compress: given.compress ?? false,
    filterName: given['filter-node-name'],
    workers: perf?.['max-workers'] ?? DEFAULT_WORKERS,
    maxChunk: perf?.['max-chunk'] ?? 0,
    policies: {
      read: given['on-source-error'] ?? 'report',
      write: given['on-target-error'] ?? 'report',
    },
  }
}

export const blockdevBackup = defineCommand({
  name: 'blockdev-backup',
  doc: 'Copies a node, as it is now, to another one.',
  args: BLOCKDEV_BACKUP,
  run: ({ engine }, given) =>
    runActions(engine, [(scope) => prepareBlockdevBackup(engine, given, scope)]),
})
