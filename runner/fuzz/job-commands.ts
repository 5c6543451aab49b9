/** The commands about jobs and snapshots that are drawn, and how often. */
import type { CommandKind } from './commands.ts'
import { backup, commit, create, driveBackup, driveMirror, mirror, stream } from './job-starts.ts'
import { verb } from './job-verbs.ts'
import { snapshot, snapshotSync } from './snapshots.ts'

export const JOB_COMMANDS: readonly CommandKind[] = [
  { command: 'block-stream', weight: 4, flawed: 0.04, make: stream },
  { command: 'block-commit', weight: 4, flawed: 0.04, make: commit },
  { command: 'blockdev-backup', weight: 4, flawed: 0.04, make: backup },
  { command: 'blockdev-mirror', weight: 4, flawed: 0.04, make: mirror },
  { command: 'drive-backup', weight: 2, flawed: 0.04, make: driveBackup },
  { command: 'drive-mirror', weight: 2, flawed: 0.04, make: driveMirror },
  { command: 'blockdev-create', weight: 3, flawed: 0.06, make: create },
  { command: 'blockdev-snapshot', weight: 2, flawed: 0.06, make: snapshot },
  { command: 'blockdev-snapshot-sync', weight: 2, flawed: 0.06, make: snapshotSync },
  ...[
    'job-pause',
    'job-resume',
    'job-cancel',
    'job-complete',
    'job-finalize',
    'job-dismiss',
    'block-job-pause',
    'block-job-resume',
    'block-job-cancel',
    'block-job-complete',
    'block-job-finalize',
    'block-job-dismiss',
  ].map((command) => ({ command, weight: 1.5, flawed: 0.06, make: verb(command) })),
  // Of this one there is no newer form beside it.
  { command: 'block-job-set-speed', weight: 3, flawed: 0.06, make: verb('block-job-set-speed') },
]
