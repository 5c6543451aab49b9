/** How commands about jobs are drawn: starts with nodes that fit, and verbs for jobs that take them. */
import type { Value } from '../../dsl/plan.ts'
import type { CommandKind, Focus } from './commands.ts'
import type { Draw, Provider } from './draw.ts'
import { JOB_KINDS, starterOf, statusesOf, takes, verbOf } from './job-kinds.ts'
import type { JobState, NodeState } from './state.ts'
import type { Members } from './step.ts'

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

// --- Starts ------------------------------------------------------------------------------------

/** So slow that it rests after its first piece for longer than any sequence lasts, in bytes a second. */
const SLOWEST = 1
/** So fast that nothing waits for it. */
const FASTEST = 2 ** 40

function stream(draw: Draw, focus: Focus): Members {
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

function commit(draw: Draw, focus: Focus): Members {
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

type Ends = { readonly device: string; readonly target: string } & Members

function backup(draw: Draw, focus: Focus): Members {
  return backupOf(draw, focus, sourceAndTarget(draw))
}

function driveBackup(draw: Draw, focus: Focus): Members {
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

function mirror(draw: Draw, focus: Focus): Members {
  return mirrorOf(draw, focus, sourceAndTarget(draw))
}

function driveMirror(draw: Draw, focus: Focus): Members {
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

function create(draw: Draw, focus: Focus): Members {
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

// --- Nodes that fit ----------------------------------------------------------------------------

/** A node with something below that its data comes from; a chain of three is made if there is none. */
function chainTop(draw: Draw): string {
  const isTop = ({ children }: NodeState): boolean => children.has('backing')
  if (!draw.state.nodes.some(isTop)) draw.need(chainProvider(draw))
  const isWhole = (node: NodeState): boolean => isTop(node) && node.parents === 0
  return draw.random.chance(0.8) ? draw.nodeWhere(isWhole) : draw.nodeWhere(isTop)
}

/** The name of what backs a node, so many further down. */
function chainBelow(draw: Draw, top: string): (further: number) => string {
  return (further) => {
    let name: string | undefined = top
    for (let at = 0; at <= further; at += 1) {
      name = draw.state.node(name ?? '')?.children.get('backing')
    }
    return name === undefined || name.startsWith('#') ? draw.node('qcow2') : name
  }
}

function chainProvider(draw: Draw): { readonly command: string; readonly focus: Focus } {
  const { random, state } = draw
  const taken = state.nodes.map(({ name }) => name)
  const layer = (image: string, ...backing: readonly Value[]): Members => ({
    driver: 'qcow2',
    'node-name': draw.fresh('n', taken),
    file: { driver: 'file', filename: `$img.${image}` },
    ...(backing.length > 0 ? { backing: backing[0] ?? null } : {}),
  })
  const isDeep = random.chance(0.6)
  const {
    driver: _driver,
    'node-name': _name,
    ...given
  } = isDeep ? layer('q2', layer('q1', layer('q0'))) : layer('q1', layer('q0'))
  return { command: 'blockdev-add', focus: { driver: 'qcow2', given, bare: true } }
}

/** Drivers that tell in which order requests come, which the machine decides for those side by side. */
const ORDERED = new Set(['blklogwrites', 'blkdebug'])

/** A node that tells nothing of the order of requests, and always the same data. */
function sourceOf(draw: Draw): string {
  const { random, state } = draw
  const isSteady = ({ size, name }: NodeState): boolean =>
    size <= 1 << 22 && !state.hasUndefinedData(name) && !state.contains(name, ORDERED)
  const isSource = (node: NodeState): boolean => node.size > 0 && isSteady(node)
  if (!state.nodes.some(isSource)) {
    draw.need({
      command: 'blockdev-add',
      focus: { driver: 'file', given: { filename: '$img.f0' }, bare: true },
    })
  }
  const device = draw.nodeWhere(
    (node) => isSource(node) && (node.parents === 0 || random.chance(0.1)),
  )
  const node = state.node(device)
  return node === undefined || isSteady(node) ? device : 'nosuch'
}

function sourceAndFile(draw: Draw): Ends {
  const { random } = draw
  const isThere = random.chance(0.35)
  const target = isThere
    ? random.pick(['$img.f1', '$img.f4', '$img.q3', '$img.q5', '$new.b0'])
    : random.pick(['$new.b0', '$new.b1', '$new.b2'])
  const format = random.chance(0.6)
    ? {
        format: random.pick([
          'qcow2',
          'qcow2',
          'qcow2',
          'qcow2',
          'raw',
          'raw',
          'raw',
          'raw',
          'nosuch',
        ]),
      }
    : {}
  const mode =
    isThere || random.chance(0.1)
      ? { mode: random.pick(['existing', 'existing', 'existing', 'absolute-paths']) }
      : {}
  return { device: sourceOf(draw), target, ...format, ...mode }
}

function sourceAndTarget(draw: Draw): Ends {
  const { random, state } = draw
  const device = sourceOf(draw)
  const size = state.node(device)?.size ?? 0
  const fits = (node: NodeState): boolean =>
    node.size === size &&
    node.name !== device &&
    node.parents === 0 &&
    !node.readOnly &&
    !state.isUsed(node.name) &&
    !state.contains(node.name, ORDERED)
  if (!state.nodes.some(fits) && size > 0) {
    draw.need({
      command: 'blockdev-add',
      focus: random.pick<Focus>([
        { driver: 'null-co', given: { size, 'read-zeroes': true }, bare: true },
        ...(size === 1 << 20
          ? [{ driver: 'file', given: { filename: '$img.f1' }, bare: true }]
          : []),
        ...(size === 1 << 20
          ? [
              {
                driver: 'qcow2',
                given: { file: { driver: 'file', filename: '$img.q0' } },
                bare: true,
              },
            ]
          : []),
      ]),
    })
  }
  const target = draw.nodeWhere(fits)
  return { device, target: state.contains(target, ORDERED) ? 'nosuch' : target }
}

// --- Snapshots ---------------------------------------------------------------------------------

function snapshot(draw: Draw): Members {
  const isOverlay = ({ driver, parents, children }: NodeState): boolean =>
    driver === 'qcow2' && parents === 0 && !children.has('backing')
  if (!draw.state.nodes.some(isOverlay)) {
    draw.need({
      command: 'blockdev-add',
      focus: {
        driver: 'qcow2',
        given: {
          file: {
            driver: 'file',
            filename: draw.random.pick(['$img.q0', '$img.q3', '$img.q5']),
          },
          backing: null,
        },
        bare: true,
      },
    })
  }
  const overlay = draw.nodeWhere(isOverlay)
  return { node: draw.nodeWhere(({ name, size }) => name !== overlay && size > 0), overlay }
}

function snapshotSync(draw: Draw): Members {
  const { random, state } = draw
  const some = (share: number, members: Members): Members => (random.chance(share) ? members : {})
  const taken = state.nodes.map(({ name }) => name)
  return {
    [random.chance(0.93) ? 'node-name' : 'device']: draw.nodeWhere(({ size }) => size > 0),
    'snapshot-file': random.pick(['$new.s0', '$new.s1', '$new.s2', '$new.s3', '$img.q3']),
    ...some(0.92, { 'snapshot-node-name': draw.fresh('n', taken) }),
    ...some(0.3, { format: random.pick(['qcow2', 'qcow2', 'qcow2', 'raw', 'nosuch']) }),
    ...some(0.15, { mode: random.pick(['existing', 'absolute-paths']) }),
  }
}

// --- Verbs -------------------------------------------------------------------------------------

function verb(command: string): (draw: Draw, focus: Focus) => Members {
  const name = verbOf(command) ?? ''
  const isOld = command.startsWith('block-job-')
  const kinds = JOB_KINDS.filter((kind) => takes(kind, name) && !(isOld && kind === 'create'))
  const isNamedDevice = isOld && !['finalize', 'dismiss'].includes(name)
  return (draw, focus) => {
    const { random } = draw
    const job = focus.given === undefined ? wantedJob(draw, focus, name, kinds) : undefined
    const id = job?.id ?? 'nosuch'
    return {
      [isNamedDevice ? 'device' : 'id']: id,
      ...(command === 'block-job-cancel' && random.chance(0.4)
        ? { force: random.chance(0.5) }
        : {}),
      ...(name === 'set-speed' ? { speed: random.pick([0, FASTEST, SLOWEST, 0, -1]) } : {}),
      ...focus.given,
    }
  }
}

/** One that takes the verb, mostly; if there is none, one is started that will. */
function wantedJob(
  draw: Draw,
  focus: Focus,
  name: string,
  kinds: readonly string[],
): JobState | undefined {
  const { random, state } = draw
  if (random.chance(0.15)) return random.pick(state.jobs)
  const statuses = statusesOf(name)
  const fitting = state.jobs.filter(
    ({ type, status }) =>
      statuses.includes(status) &&
      kinds.includes(type) &&
      (focus.job === undefined || focus.job.type === type),
  )
  const fit = random.pick(fitting)
  if (fit !== undefined) return fit
  const kind = focus.job?.type ?? random.pick(kinds)
  if (kind === undefined) return random.pick(state.jobs)
  const status = random.pick(reachable(kind, statuses)) ?? 'concluded'
  draw.focus = { ...focus, job: { ...focus.job, type: kind, status } }
  draw.need(providerOf(name, { ...focus.job, type: kind, status }))
  return random.pick(state.jobs)
}

/** A step after which there is a job of the kind in the status. */
function providerOf(verb: string, job: NonNullable<Focus['job']>): Provider {
  if (verb === 'resume') {
    return { command: 'job-pause', focus: { job: { type: job.type, status: 'running' } } }
  }
  const { type, status } = job
  if (type === 'mirror' && (status === 'pending' || status === 'concluded')) {
    return { command: 'job-complete', focus: { job: { type, status: 'ready', end: status } } }
  }
  return { command: starterOf(type), focus: { job } }
}

/** Those that a start alone can bring about. */
function reachable(kind: string, statuses: readonly string[]): readonly string[] {
  const able = ['pending', 'concluded', ...(kind === 'create' ? [] : ['running'])]
  const ready = kind === 'mirror' || kind === 'commit' ? ['ready'] : []
  return statuses.filter((status) => [...able, ...ready].includes(status))
}
