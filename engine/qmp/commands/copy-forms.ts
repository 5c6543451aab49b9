/**
 * The older commands that copy, where there is `blockdev-copy`: each says the same in its own words,
 * and its job is known by its name.
 */
import type { Members, Values } from '../../block/option.ts'
import type { Conditional } from '../../profiles/index.ts'
import { defineCommand, type Command } from '../command.ts'
import type { EngineParts } from '../parts.ts'
import { BLOCKDEV_BACKUP } from '../schema/backup.ts'
import { BLOCKDEV_MIRROR } from '../schema/mirror.ts'
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
  copy({ graph }, { device, target, 'x-perf': perf, ...args }) {
    checkPerf(perf)
    return {
      ...args,
      as: 'backup',
      source: graph.findDeviceOrNode(device),
      target: graph.findDeviceOrNode(target),
      'copy-mode': 'before-write/active',
      workers: perf?.['max-workers'] ?? DEFAULT_WORKERS,
      maxChunk: perf?.['max-chunk'],
    }
  },
})

const blockdevMirror = defineCopyForm({
  name: 'blockdev-mirror',
  when: 'successors',
  doc: 'Copies a node to another one and keeps both in step, which may then take its place.',
  args: BLOCKDEV_MIRROR,
  copy(engine, args) {
    const nodes = mirrorNodes(engine, args)
    const isActive = args['copy-mode'] === 'write-blocking'
    return {
      ...args,
      ...nodes,
      ...checkMirror(engine, args, nodes),
      as: 'mirror',
      'copy-mode': isActive ? 'after-write/active' : 'after-write/passive',
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

export const COPY_FORMS = [blockdevBackup, blockdevMirror, blockCommit, namedBlockCommit] as const
