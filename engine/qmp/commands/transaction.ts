/** `transaction`: several changes, of which all happen or none. */
import type { Feature, Members, Schema, Union, Values } from '../../block/option.ts'
import { opt, shape } from '../../block/option.ts'
import type { BitmapAddress, Change } from '../../bitmap/dirty-bitmaps.ts'
import { bitmapOf } from '../../bitmap/dirty-bitmaps.ts'
import type { MaybePromise } from '../../util/async.ts'
import type { Conditional } from '../../profiles/index.ts'
import { BlockError } from '../../util/errors.ts'
import { JobGroup } from '../../jobs/group.ts'
import { runActions, type ActionScope, type PreparedAction } from '../actions.ts'
import type { Driver } from '../../block/driver.ts'
import { defineCommand, type Command } from '../command.ts'
import { reopenMembers } from './blockdev.ts'
import { JOB_BY_ID } from './jobs.ts'
import type { EngineParts } from '../parts.ts'
import { BLOCKDEV_BACKUP, DRIVE_BACKUP } from '../schema/backup.ts'
import { prepareBlockdevBackup, prepareDriveBackup } from './backup.ts'
import { prepareCopy, type CopyRequest } from './copy.ts'
import { blockdevBackupCopy, driveBackupCopy } from './copy-forms.ts'
import { prepareSnapshot, prepareSnapshotSync, SNAPSHOT, SNAPSHOT_SYNC } from './snapshot.ts'
import { BITMAP_ADDRESS, BITMAP_MERGE, CHANGES, NEW_BITMAP } from './bitmaps.ts'

interface Action extends Conditional {
  readonly data: Schema
  /** Jobs that it starts may end together. */
  readonly grouped: boolean
  /** What introspection says of it. */
  readonly features?: readonly Feature[]
  /** What it is given was checked against `data`. */
  prepare(
    engine: EngineParts,
    data: Readonly<Record<string, unknown>>,
    scope: ActionScope,
  ): MaybePromise<PreparedAction>
}

function action<const M extends Members>(
  name: string,
  members: M,
  about: Conditional & {
    readonly grouped: boolean
    readonly features?: readonly Feature[]
    readonly prepare: (
      engine: EngineParts,
      data: Values<M>,
      scope: ActionScope,
    ) => MaybePromise<PreparedAction>
  },
): Action {
  return {
    data: shape.struct(name, members),
    ...about,
    // The data was checked against these members.
    prepare: (engine, given, scope) => about.prepare(engine, given as Values<M>, scope),
  }
}

function bitmapAction<const M extends Members>(
  name: string,
  members: M,
  prepare: (engine: EngineParts, data: Values<M>) => MaybePromise<Change>,
): Action {
  const data = shape.struct(name, members)
  // The data was checked against these members.
  return { data, grouped: false, prepare: (engine, given) => prepare(engine, given as Values<M>) }
}

/** Where there is `blockdev-copy`, a backup is one of its forms also within a transaction. */
function backupAction<Data>(
  copy: (engine: EngineParts, data: Data) => CopyRequest,
  alone: (engine: EngineParts, data: Data, scope: ActionScope) => Promise<PreparedAction>,
): typeof alone {
  return async (engine, data, scope) =>
    engine.profile.successors === 'absent'
      ? alone(engine, data, scope)
      : prepareCopy(engine, copy(engine, data), scope)
}

/** 7.2 undoes an enabling that was refused too, and so disables the bitmap. */
function enable(engine: EngineParts, address: BitmapAddress): Change {
  try {
    return CHANGES.enable(engine, address)
  } catch (error) {
    const disk = engine.graph.findOrUndefined(address.node)
    const bitmap = disk && bitmapOf(engine.graph.bitmapNode(disk), address.name)
    if (bitmap !== undefined) bitmap.recording = false
    throw error
  }
}

function actionsFor(drivers: readonly Driver[]): Readonly<Record<string, Action>> {
  return {
    abort: {
      data: shape.struct('Abort', {}),
      grouped: true,
      prepare() {
        throw new BlockError('Transaction aborted using Abort action')
      },
    },
    'block-dirty-bitmap-add': bitmapAction('BlockDirtyBitmapAdd', NEW_BITMAP, CHANGES.add),
    'block-dirty-bitmap-remove': bitmapAction('BlockDirtyBitmap', BITMAP_ADDRESS, CHANGES.remove),
    'block-dirty-bitmap-clear': bitmapAction('BlockDirtyBitmap', BITMAP_ADDRESS, CHANGES.clear),
    'block-dirty-bitmap-enable': bitmapAction('BlockDirtyBitmap', BITMAP_ADDRESS, enable),
    'block-dirty-bitmap-disable': bitmapAction('BlockDirtyBitmap', BITMAP_ADDRESS, CHANGES.disable),
    'block-dirty-bitmap-merge': bitmapAction('BlockDirtyBitmapMerge', BITMAP_MERGE, CHANGES.merge),
    'blockdev-backup': action('BlockdevBackup', BLOCKDEV_BACKUP, {
      grouped: true,
      prepare: backupAction(blockdevBackupCopy, prepareBlockdevBackup),
    }),
    'blockdev-snapshot': action('BlockdevSnapshot', SNAPSHOT, {
      grouped: false,
      prepare: prepareSnapshot,
    }),
    'blockdev-snapshot-sync': action('BlockdevSnapshotSync', SNAPSHOT_SYNC, {
      when: 'legacyCommands',
      grouped: false,
      prepare: prepareSnapshotSync,
    }),
    'drive-backup': action('DriveBackup', DRIVE_BACKUP, {
      when: 'legacyCommands',
      grouped: true,
      features: ['deprecated'],
      prepare: backupAction(driveBackupCopy, prepareDriveBackup),
    }),
    'blockdev-reopen': action('BlockdevReopen', reopenMembers(drivers), {
      when: 'successors',
      grouped: false,
      async prepare({ graph }, { options }, scope) {
        const [first] = options
        // Whatever is taken back is so while others of the same transaction drain nodes.
        if (first !== undefined) await scope.drain(graph.find(String(first['node-name'])))
        const { undo, release } = await scope.graph.reopenUndoably(options)
        return { abort: undo, clean: release }
      },
    }),
    'job-finalize': action('JobFinalize', JOB_BY_ID, {
      when: 'successors',
      grouped: false,
      prepare({ jobs }, { id }) {
        const job = jobs.find(id)
        job.checkVerb('finalize')
        return { after: () => job.group.finalize() }
      },
    }),
  }
}

/** What a transaction takes, by the kind of action. */
function actionSchema(actions: Readonly<Record<string, Action>>): Union {
  const kinds: Schema = {
    kind: 'enum',
    name: 'TransactionActionKind',
    values: Object.entries(actions).map(([name, { features = [], when }]) => ({
      name,
      features,
      ...(when === undefined ? {} : { when }),
    })),
  }
  return {
    kind: 'union',
    name: 'TransactionAction',
    tag: 'type',
    base: { type: opt.of<string>(kinds)({ doc: 'Kind of action.' }) },
    variants: Object.fromEntries(
      Object.entries(actions).map(([type, { data }]) => [
        type,
        { data: opt.of(data)({ doc: 'Its arguments.' }) },
      ]),
    ),
  }
}

interface GivenAction {
  readonly type: string
  readonly data: Readonly<Record<string, unknown>>
}

const COMPLETION_MODE = opt.enum('ActionCompletionMode', ['individual', 'grouped'])

export function transactionCommand(drivers: readonly Driver[]): Command {
  const actions = actionsFor(drivers)
  const schema = actionSchema(actions)
  return defineCommand({
    name: 'transaction',
    doc: 'Carries out several actions, or none.',
    args: {
      actions: opt.list<GivenAction>(schema)({ doc: 'What to do, in this order.' }),
      properties: opt.of<{ readonly 'completion-mode'?: 'individual' | 'grouped' } | undefined>(
        shape.struct('TransactionProperties', {
          'completion-mode': COMPLETION_MODE({ optional: true, doc: 'How jobs end.' }),
        }),
      )({ optional: true, doc: 'What holds for all of them.' }),
    },
    async run({ engine }, { actions: given, properties }) {
      const grouped = properties?.['completion-mode'] === 'grouped'
      await runActions(
        engine,
        given.map(
          ({ type, data }) =>
            (scope) =>
              actionOf(actions, type, grouped).prepare(engine, data, scope),
        ),
        grouped ? new JobGroup() : undefined,
      )
    },
  })
}

function actionOf(
  actions: Readonly<Record<string, Action>>,
  type: string,
  grouped: boolean,
): Action {
  const action = actions[type]
  if (action === undefined) throw new Error(`no action ${type}`)
  if (grouped && !action.grouped) {
    throw new BlockError(
      `Action '${type}' does not support Transaction property completion-mode = grouped`,
    )
  }
  return action
}
