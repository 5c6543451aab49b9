/** `blockdev-backup` and the older `drive-backup`, as commands and as actions of a transaction. */
import type { Values } from '../../block/option.ts'
import type { GraphNode } from '../../graph/graph.ts'
import type { JobGroup } from '../../jobs/group.ts'
import { prepareBackup, type BackupAbout } from '../../jobs/prepare-backup.ts'
import { BlockError } from '../../util/errors.ts'
import { runActions, type ActionScope, type PreparedAction } from '../actions.ts'
import { defineCommand } from '../command.ts'
import { makeTarget, openTarget, shownBelow, sourceLength, targetAbout } from '../new-target.ts'
import type { EngineParts } from '../parts.ts'
import { BLOCKDEV_BACKUP, DRIVE_BACKUP } from '../schema/backup.ts'
import { jobOptions } from '../schema/jobs.ts'

type Given = Omit<Values<typeof BLOCKDEV_BACKUP>, 'device' | 'target'>

/** Requests at the same time unless the client says how many. */
export const DEFAULT_WORKERS = 64

/** Puts the filter in and makes the job, which runs when all actions are committed. */
export async function prepareBlockdevBackup(
  engine: EngineParts,
  given: Values<typeof BLOCKDEV_BACKUP>,
  scope: ActionScope,
): Promise<PreparedAction> {
  checkPerf(given['x-perf'])
  const { graph } = engine
  const source = graph.findDeviceOrNode(given.device)
  const target = graph.findDeviceOrNode(given.target)
  await scope.drain(source)
  await scope.graph.moveHome(target, source.home)
  return prepareBackupJob(engine, scope, aboutOf(given, source, target, scope.group))
}

/** Makes and opens the target first. What was made stays, whatever becomes of the job. */
export async function prepareDriveBackup(
  engine: EngineParts,
  given: Values<typeof DRIVE_BACKUP>,
  scope: ActionScope,
): Promise<PreparedAction> {
  checkPerf(given['x-perf'])
  const { graph } = engine
  const source = graph.findDeviceOrNode(given.device)
  if (source.corrupted) throw new BlockError('Device has no medium')
  await scope.drain(source)
  graph.checkOperation(source, 'backup-source')
  const below = shownBelow(source)
  const sync = given.sync === 'top' && below === undefined ? 'full' : given.sync
  const about = targetAbout(source, given)
  const bytes = sourceLength(source)
  const backing = sync === 'none' ? source : sync === 'top' ? below : undefined
  const changes = scope.graph
  // The source itself takes the place of whatever the image names.
  const overSource = sync === 'none'
  await makeTarget(about, { graph, changes, bytes, backing, opensBacking: !overSource })
  const options = { discard: 'unmap', 'detect-zeroes': 'unmap' }
  const target = await openTarget(about, changes, { noBacking: overSource, options })
  try {
    if (overSource) await changes.setBacking(target.node, source)
    const { group } = scope
    return await prepareBackupJob(
      engine,
      scope,
      aboutOf({ ...given, sync }, source, target.node, group),
    )
  } finally {
    await target.release()
  }
}

/** Zeroes that somebody wrote are found by reading, so that images show who has read. */
export function checkPerf(perf: Given['x-perf']): void {
  if (perf?.['use-copy-range'] !== true) return
  throw new BlockError("Copying inside the host ('x-perf.use-copy-range') is not built yet")
}

/** Makes the job, which runs when all actions are committed. */
export async function prepareBackupJob(
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
    ...jobOptions(given),
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

const blockdevBackup = defineCommand({
  name: 'blockdev-backup',
  unless: 'successors',
  doc: 'Copies a node, as it is now, to another one.',
  args: BLOCKDEV_BACKUP,
  run: ({ engine }, given) =>
    runActions(engine, [(scope) => prepareBlockdevBackup(engine, given, scope)]),
})

const driveBackup = defineCommand({
  name: 'drive-backup',
  when: 'legacyCommands',
  unless: 'successors',
  doc: 'The same with an image that is made for it.',
  features: ['deprecated'],
  args: DRIVE_BACKUP,
  run: ({ engine }, given) =>
    runActions(engine, [(scope) => prepareDriveBackup(engine, given, scope)]),
})

export const BACKUP_COMMANDS = [blockdevBackup, driveBackup] as const
