/** How starts of jobs are drawn, so that a job comes to the status that is asked for. */
import type { Value } from '../../dsl/plan.ts'
import type { Focus } from './commands.ts'
import type { Draw } from './draw.ts'
import { chainBelow, chainTop, sourceAndFile, sourceAndTarget, type Ends } from './job-nodes.ts'
import type { NodeState } from './state.ts'
import type { Members } from './step.ts'

/** So slow that it rests after its first piece for longer than any sequence lasts, in bytes a second. */
export const SLOWEST = 1
/** So fast that nothing waits for it. */
export const FASTEST = 2 ** 40

export function stream(draw: Draw, focus: Focus): Members {
  const device = chainTop(draw)
  const below = chainBelow(draw, device)
  const { random } = draw
  const until: Members = random.chance(0.5)
    ? {}
    : random.pick<() => Members>([
        () => ({ 'base-node': below(1) }),
        () => ({ 'base-node': below(0) }),
        () => ({ bottom: below(0) }),
        () => ({ base: random.pick(['$img.q0', '$img.q1', '$img.f0', 'nosuch']) }),
      ])()
  const backing: Members = random.chance(0.08)
    ? { 'backing-file': random.pick(['x', '$img.q0']) }
    : {}
  return { ...started(draw, focus), device, ...until, ...backing, ...onError(draw, ['on-error']) }
}

export function commit(draw: Draw, focus: Focus): Members {
  const { random } = draw
  const device = chainTop(draw)
  const below = chainBelow(draw, device)
  const status = focus.job?.status
  // One of the active layer is ready first, and ends when it is told to.
  const active = status === 'ready' ? 0.9 : status === 'pending' || status === 'concluded' ? 0 : 0.4
  const ends: Members = random.chance(active)
    ? {}
    : random.pick<() => Members>([
        () => ({ 'top-node': below(0) }),
        () => ({ 'top-node': below(0) }),
        () => ({ 'top-node': below(0), 'base-node': below(1) }),
        () => ({ 'top-node': device }),
        () => ({ 'base-node': below(0) }),
        () => ({ base: random.pick(['$img.q0', '$img.q1', '$img.f0']) }),
        () => ({ top: random.pick(['$img.q1', '$img.q2', '$img.q4']) }),
      ])()
  const backing: Members = random.chance(0.08)
    ? { 'backing-file': random.pick(['x', '$img.q0']) }
    : {}
  return { ...started(draw, focus), device, ...ends, ...backing, ...onError(draw, ['on-error']) }
}

export function backup(draw: Draw, focus: Focus): Members {
  return backupOf(draw, focus, sourceAndTarget(draw))
}

export function driveBackup(draw: Draw, focus: Focus): Members {
  return backupOf(draw, focus, sourceAndFile(draw))
}

function backupOf(draw: Draw, focus: Focus, ends: Ends): Members {
  const { random, state } = draw
  const bitmaps = state.node(ends.device)?.bitmaps ?? []
  const sync =
    bitmaps.length > 0 && random.chance(0.5)
      ? random.pick(['bitmap', 'incremental', 'bitmap', 'full', 'top'])
      : random.chance(0.6)
        ? 'full'
        : random.pick(['top', 'top', 'none', 'none', 'none', 'bitmap'])
  const isBad = random.chance(bitmaps.length > 0 ? 0.15 : 0.05)
  const hasBitmap = sync === 'bitmap' || sync === 'incremental' || isBad
  const extra: Members = {
    ...(hasBitmap ? { bitmap: random.pick(bitmaps) ?? 'nosuch' } : {}),
    ...(hasBitmap && (sync !== 'incremental' || random.chance(0.2))
      ? { 'bitmap-mode': random.pick(['on-success', 'never', 'always']) }
      : {}),
    ...(random.chance(0.06) ? { compress: random.chance(0.5) } : {}),
    ...(random.chance(0.1)
      ? {
          'x-perf': random.pick<Members>([
            {},
            { 'max-workers': 1 },
            { 'max-workers': 0 },
            { 'max-chunk': 65_536 },
            { 'max-chunk': 1000 },
          ]),
        }
      : {}),
  }
  return {
    ...started(draw, focus),
    ...ends,
    sync: sync,
    ...extra,
    ...onError(draw, ['on-source-error', 'on-target-error']),
  }
}

export function mirror(draw: Draw, focus: Focus): Members {
  return mirrorOf(draw, focus, sourceAndTarget(draw))
}

export function driveMirror(draw: Draw, focus: Focus): Members {
  const { random, state } = draw
  const taken = state.nodes.map(({ name }) => name)
  const { 'filter-node-name': _none, ...rest } = mirrorOf(draw, focus, sourceAndFile(draw))
  return {
    ...rest,
    ...(random.chance(0.6) ? { 'node-name': draw.fresh('n', taken) } : {}),
    ...(random.chance(0.1) ? { unmap: random.chance(0.5) } : {}),
  }
}

function mirrorOf(draw: Draw, focus: Focus, ends: Ends): Members {
  const { random } = draw
  const extra: Members = {
    ...(random.chance(0.1) ? { replaces: draw.node() } : {}),
    ...(random.chance(0.12)
      ? { granularity: random.pick([512, 4096, 65_536, 1 << 20, 1000, 2 ** 31]) }
      : {}),
    ...(random.chance(0.08) ? { 'buf-size': random.pick([0, 4096, 1 << 20, -1]) } : {}),
    ...(random.chance(0.25) ? { 'copy-mode': random.pick(['background', 'write-blocking']) } : {}),
  }
  return {
    ...started(draw, focus),
    ...ends,
    sync: random.pick([
      'full',
      'full',
      'full',
      'top',
      'none',
      'none',
      random.chance(0.1) ? 'bitmap' : 'top',
    ]),
    ...extra,
    ...onError(draw, ['on-source-error', 'on-target-error']),
  }
}

const CREATED_SIZES = [0, 65_536, 1 << 20, 1 << 20, 1 << 21, 1000, -1] as const

export function create(draw: Draw, focus: Focus): Members {
  const { random, state } = draw
  const { speed: _none, 'filter-node-name': _neither, ...common } = started(draw, focus)
  const drawn = draw.arguments('blockdev-create')?.['options']
  const size = random.pick(CREATED_SIZES)
  const isFree = ({ driver, parents, readOnly }: NodeState): boolean =>
    parents === 0 && !readOnly && (driver === 'file' || driver === 'null-co')
  const options: Value = random.pick<() => Value>([
    () => drawn ?? {},
    () => ({ ...fileOptions(draw), size }),
    () => {
      if (!state.nodes.some(isFree)) {
        draw.need({
          command: 'blockdev-add',
          focus: { driver: 'file', given: { filename: '$img.f4' } },
        })
      }
      return { ...qcow2Options(draw), file: draw.nodeWhere(isFree), size }
    },
  ])()
  return { 'job-id': common['job-id'] ?? 'j', options }
}

function fileOptions({ random }: Draw): Members {
  return {
    driver: 'file',
    filename: random.pick(['$new.c0', '$new.c1', '$new.c2', '$img.f1']),
    ...(random.chance(0.15)
      ? { preallocation: random.pick(['off', 'falloc', 'full', 'metadata']) }
      : {}),
  }
}

function qcow2Options({ random }: Draw): Members {
  const some = (share: number, members: Members): Members => (random.chance(share) ? members : {})
  return {
    driver: 'qcow2',
    ...some(0.2, { 'cluster-size': random.pick([512, 4096, 65_536, 1000, 1 << 21]) }),
    ...some(0.15, { version: random.pick(['v2', 'v3']) }),
    ...some(0.1, { 'refcount-bits': random.pick([1, 16, 64, 3]) }),
    ...some(0.1, { 'lazy-refcounts': random.chance(0.5) }),
    ...some(0.1, { preallocation: random.pick(['off', 'metadata', 'falloc', 'full']) }),
    ...some(0.08, { 'backing-file': '$img.q0', 'backing-fmt': 'qcow2' }),
    ...some(0.05, { 'compression-type': random.pick(['zlib', 'zstd']) }),
  }
}

/** Members that every start has, made so that the job comes to the status which is asked for. */
function started(draw: Draw, { job }: Focus): Members {
  const { random, state } = draw
  const ids = state.jobs.map(({ id }) => id)
  const some = (share: number, name: string, value: Value): Members =>
    random.chance(share) ? { [name]: value } : {}
  const status = job?.end ?? job?.status
  const speed: Members =
    status === 'running' || status === 'paused'
      ? { speed: SLOWEST }
      : some(0.1, 'speed', random.pick([0, FASTEST, FASTEST, -1, SLOWEST]))
  const id = random.chance(0.03) ? random.pick(['', '1a', '#x', ...ids]) : draw.fresh('j', ids)
  return {
    ...(random.chance(0.02) ? {} : { 'job-id': id }),
    ...speed,
    ...(status === 'pending'
      ? { 'auto-finalize': false }
      : some(0.3, 'auto-finalize', random.chance(0.2))),
    ...(status === 'concluded'
      ? { 'auto-dismiss': false }
      : some(0.5, 'auto-dismiss', random.chance(0.2))),
    ...some(
      0.1,
      'filter-node-name',
      draw.fresh(
        'n',
        state.nodes.map(({ name }) => name),
      ),
    ),
  }
}

/** What fails again and again is tried without end where errors are ignored. */
const FAULTY = new Set(['blkdebug', 'quorum', 'preallocate', 'blkverify', 'copy-before-write'])

function onError({ random, state }: Draw, names: readonly string[]): Members {
  const mayFail = state.nodes.some(({ driver }) => FAULTY.has(driver))
  const policies = ['report', 'stop', 'stop', 'enospc', 'auto', ...(mayFail ? [] : ['ignore'])]
  return Object.fromEntries(
    names.flatMap((name) =>
      random.chance(0.1) ? [[name, random.pick(policies) ?? 'report']] : [],
    ),
  )
}
