/**
 * The older commands that copy, where there is `blockdev-copy`: each says the same in its own words,
 * and its job is known by its name.
 */
import type { Members, Values } from '../../block/option.ts'
import type { GraphNode } from '../../graph/graph.ts'
import type { Conditional } from '../../profiles/index.ts'
import { BlockError } from '../../util/errors.ts'
import { defineCommand, type Command } from '../command.ts'
import type { EngineParts } from '../parts.ts'
import { shownBelow, sourceLength, targetAbout, type BroughtImage } from '../new-target.ts'
import { BLOCKDEV_BACKUP, DRIVE_BACKUP } from '../schema/backup.ts'
import { BLOCKDEV_MIRROR, DRIVE_MIRROR } from '../schema/mirror.ts'
import { checkPerf, DEFAULT_WORKERS } from './backup.ts'
import { checkMerge, COMMIT_ARGS, findMerge, NAMED_COMMIT_ARGS, namedMerge } from './commit.ts'
import type { CommitOptions, Merge } from './commit.ts'
import { startCopy, type CopyRequest } from './copy.ts'
import { checkMirror, mirrorNodes } from './mirror.ts'

interface CopyForm<M extends Members> extends Conditional {
  readonly name: string
  readonly doc: string
  readonly args: M
  /** The same as said to `blockdev-copy`. @throws {BlockError} for what only this command refuses. */
  readonly copy: (engine: EngineParts, args: Values<M>) => CopyRequest
}

function defineCopyForm<const M extends Members>({ copy, ...form }: CopyForm<M>): Command {
  return defineCommand({
    ...form,
    run: ({ engine }, args) => startCopy(engine, copy(engine, args)),
  })
}

const blockdevBackup = defineCopyForm({
  name: 'blockdev-backup',
  when: 'successors',
  doc: 'Copies a node, as it is now, to another one.',
  args: BLOCKDEV_BACKUP,
  copy: blockdevBackupCopy,
})

/** As an action of a transaction says it too. @throws {BlockError} */
export function blockdevBackupCopy(
  { graph }: EngineParts,
  { device, target, ...args }: Values<typeof BLOCKDEV_BACKUP>,
): CopyRequest {
  return {
    ...args,
    ...backupOptions(args),
    source: graph.findDeviceOrNode(device),
    target: graph.findDeviceOrNode(target),
  }
}

const driveBackup = defineCopyForm({
  name: 'drive-backup',
  when: ['legacyCommands', 'successors'],
  doc: 'The same with an image that is made for it.',
  args: DRIVE_BACKUP,
  copy: driveBackupCopy,
})

/** As an action of a transaction says it too. @throws {BlockError} */
export function driveBackupCopy(
  { graph }: EngineParts,
  args: Values<typeof DRIVE_BACKUP>,
): CopyRequest {
  const source = graph.findDeviceOrNode(args.device)
  if (source.corrupted) throw new BlockError('Device has no medium')
  graph.checkOperation(source, 'backup-source')
  // What the source is about to lose is all that the image holds, and the source has the rest.
  const overSource = args.sync === 'none'
  const { sync, image } = broughtImage(source, args)
  return {
    ...args,
    ...backupOptions(args),
    source,
    sync,
    target: {
      ...image,
      ...(overSource ? { shows: source } : {}),
      opensBacking: !overSource,
      options: { discard: 'unmap', 'detect-zeroes': 'unmap' },
    },
  }
}

/** What both backups say, each in the same words. @throws {BlockError} */
function backupOptions({
  'x-perf': perf,
}: Pick<Values<typeof BLOCKDEV_BACKUP>, 'x-perf'>): Pick<
  CopyRequest,
  'as' | 'copy-mode' | 'workers' | 'maxChunk'
> & { readonly as: 'backup' } {
  checkPerf(perf)
  return {
    as: 'backup',
    'copy-mode': 'before-write/active',
    workers: perf?.['max-workers'] ?? DEFAULT_WORKERS,
    maxChunk: perf?.['max-chunk'],
  }
}

interface ImageGiven<Sync> {
  readonly target: string
  readonly format?: string | undefined
  readonly mode?: 'existing' | 'absolute-paths' | undefined
  readonly sync: Sync
}

/** The image that a command names, over what the copy leaves out. @throws {BlockError} */
function broughtImage<Sync extends string>(
  source: GraphNode,
  args: ImageGiven<Sync>,
): { readonly sync: Sync | 'full'; readonly image: BroughtImage } {
  const below = shownBelow(source)
  const sync = args.sync === 'top' && below === undefined ? 'full' : args.sync
  const named = sync === 'none' ? source : sync === 'top' ? below : undefined
  const about = targetAbout(source, args)
  const shows = about.isMade ? named : 'header'
  const image = { ...about, bytes: sourceLength(source), named, shows } as const
  return { sync, image }
}

const blockdevMirror = defineCopyForm({
  name: 'blockdev-mirror',
  when: 'successors',
  doc: 'Copies a node to another one and keeps both in step, which may then take its place.',
  args: BLOCKDEV_MIRROR,
  copy(engine, args) {
    const nodes = mirrorNodes(engine, args)
    return { ...mirrorOptions(args), ...nodes, ...checkMirror(engine, args, nodes) }
  },
})

/** What both mirrors say, each in the same words. */
function mirrorOptions<Given extends { readonly 'copy-mode': 'background' | 'write-blocking' }>(
  args: Given,
): Omit<Given, 'copy-mode'> & Pick<CopyRequest, 'copy-mode'> & { as: 'mirror' } {
  const isActive = args['copy-mode'] === 'write-blocking'
  return {
    ...args,
    as: 'mirror',
    'copy-mode': isActive ? 'after-write/active' : 'after-write/passive',
  }
}

const driveMirror = defineCopyForm({
  name: 'drive-mirror',
  when: ['legacyCommands', 'successors'],
  doc: 'The same with an image that is made for it, unless it is there already.',
  args: DRIVE_MIRROR,
  copy(engine, args) {
    const { graph } = engine
    const source = graph.findDeviceOrNode(args.device)
    graph.checkRoot(source)
    graph.checkOperation(source, 'mirror-source')
    const name = args['node-name']
    if (args.replaces !== undefined && name === undefined) {
      throw new BlockError('a node-name must be provided when replacing a named node of the graph')
    }
    const { sync, image } = broughtImage(source, args)
    // While guests write to the source, nothing that a job writes to can have it below: that waits.
    const endsOverSource = sync === 'none' && image.isMade
    return {
      ...mirrorOptions(args),
      ...checkMirror(engine, { ...args, sync }, { source }),
      source,
      target: { ...image, ...(endsOverSource ? { shows: undefined } : {}), name },
      endsOverSource,
    }
  },
})

const COMMIT_DOC =
  'Writes what images have into one further down the chain, which takes their place.'

const blockCommit = defineCopyForm({
  name: 'block-commit',
  when: ['legacyCommands', 'commit.shareBaseWrite'],
  doc: COMMIT_DOC,
  args: COMMIT_ARGS,
  copy: (engine, args) => commitRequest(engine, findMerge(engine, args), args),
})

/** Nodes by their names, and nothing else: whether the top is the active layer is seen. */
const namedBlockCommit = defineCopyForm({
  name: 'block-commit',
  when: 'commit.shareBaseWrite',
  unless: 'legacyCommands',
  doc: COMMIT_DOC,
  args: NAMED_COMMIT_ARGS,
  copy: (engine, args) => commitRequest(engine, namedMerge(engine, args), args),
})

/** Only the commit of the active layer waits to be completed: guests may write to it. */
function commitRequest(engine: EngineParts, merge: Merge, args: CommitOptions): CopyRequest {
  const isActive = checkMerge(engine, merge, args)
  const { 'on-error': onError, ...options } = args
  return {
    ...options,
    as: 'commit',
    source: merge.top,
    target: merge.base,
    sync: 'full',
    'auto-complete': !isActive,
    'on-source-error': onError,
    'on-target-error': onError,
  }
}

export const COPY_FORMS = [
  blockdevBackup,
  driveBackup,
  blockdevMirror,
  driveMirror,
  blockCommit,
  namedBlockCommit,
] as const
