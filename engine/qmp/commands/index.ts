/** Every command. Adding one means one definition in a topic's file and its place in that list. */
import type { Driver } from '../../block/driver.ts'
import type { Profile } from '../../profiles/index.ts'
import type { Command } from '../command.ts'
import { commandsIn } from '../in-profile.ts'
import type { ObjectType } from '../objects.ts'
import { BITMAP_COMMANDS } from './bitmaps.ts'
import { BACKUP_COMMANDS } from './backup.ts'
import { blockdevCommands } from './blockdev.ts'
import { COPY_FORMS } from './copy-forms.ts'
import { blockdevCopy } from './copy.ts'
import { blockCommit } from './commit.ts'
import { EXPORT_COMMANDS } from './exports.ts'
import { createCommand } from './create.ts'
import { MIRROR_COMMANDS } from './mirror.ts'
import { JOB_COMMANDS } from './jobs.ts'
import { NODE_COMMANDS } from './nodes.ts'
import { objectCommands } from './objects.ts'
import { queryCommands } from './queries.ts'
import { SESSION_COMMANDS } from './session.ts'
import { SNAPSHOT_COMMANDS } from './snapshot.ts'
import { STREAM_COMMANDS } from './stream.ts'
import { transactionCommand } from './transaction.ts'

export function createCommands(about: {
  readonly profile: Profile
  readonly drivers: readonly Driver[]
  readonly objectTypes: readonly ObjectType[]
}): ReadonlyMap<string, Command> {
  const commands = [
    ...queryCommands(about.drivers),
    ...blockdevCommands(about.drivers),
    ...BITMAP_COMMANDS,
    ...JOB_COMMANDS,
    ...MIRROR_COMMANDS,
    createCommand(about.drivers),
    ...BACKUP_COMMANDS,
    blockdevCopy,
    ...COPY_FORMS,
    ...NODE_COMMANDS,
    ...EXPORT_COMMANDS,
    ...SESSION_COMMANDS,
    ...objectCommands(about.objectTypes),
    blockCommit,
    ...STREAM_COMMANDS,
    ...SNAPSHOT_COMMANDS,
    transactionCommand(about.drivers),
  ]
  const place = ({ name }: Command): number => {
    const index = ORDER.indexOf(name)
    return index < 0 ? ORDER.length : index
  }
  const sorted = commands.toSorted((left, right) => place(left) - place(right))
  return commandsIn(about.profile, sorted)
}

/** As QEMU lists them; what is not among them comes last. */
const ORDER: readonly string[] = [
  'query-block',
  'query-blockstats',
  'query-block-jobs',
  'block_resize',
  'blockdev-snapshot-sync',
  'blockdev-snapshot',
  'change-backing-file',
  'block-commit',
  'drive-backup',
  'blockdev-backup',
  'query-named-block-nodes',
  'x-debug-query-block-graph',
  'drive-mirror',
  'block-dirty-bitmap-add',
  'block-dirty-bitmap-remove',
  'block-dirty-bitmap-clear',
  'block-dirty-bitmap-enable',
  'block-dirty-bitmap-disable',
  'block-dirty-bitmap-merge',
  'x-debug-block-dirty-bitmap-sha256',
  'blockdev-mirror',
  'block-stream',
  'block-job-set-speed',
  'block-job-cancel',
  'block-job-pause',
  'block-job-resume',
  'block-job-complete',
  'block-job-dismiss',
  'block-job-finalize',
  'blockdev-add',
  'blockdev-reopen',
  'blockdev-del',
  'blockdev-create',
  'x-blockdev-amend',
  'block-set-write-threshold',
  'x-blockdev-change',
  'x-blockdev-set-iothread',
  'blockdev-snapshot-internal-sync',
  'blockdev-snapshot-delete-internal-sync',
  'job-pause',
  'job-resume',
  'job-cancel',
  'job-complete',
  'job-dismiss',
  'job-finalize',
  'query-jobs',
  'nbd-server-start',
  'nbd-server-add',
  'nbd-server-remove',
  'nbd-server-stop',
  'block-export-add',
  'block-export-del',
  'query-block-exports',
  'query-chardev',
  'query-chardev-backends',
  'ringbuf-write',
  'ringbuf-read',
  'chardev-add',
  'chardev-change',
  'chardev-remove',
  'chardev-send-break',
  'qmp_capabilities',
  'query-version',
  'query-commands',
  'quit',
  'query-qmp-schema',
  'qom-list',
  'qom-get',
  'qom-set',
  'qom-list-types',
  'qom-list-properties',
  'object-add',
  'object-del',
  'transaction',
]
