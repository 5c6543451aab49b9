/**
 * What plausible values are, by the name of a member, or by owner and member where a name means
 * several things. A hint that returns `undefined` leaves the value to its type. Nothing here is
 * needed for a member to be drawn; it makes more of what is drawn be accepted.
 */
import type { Value } from '../../dsl/plan.ts'
import { member, text } from '../json.ts'
import type { Draw, Place } from './draw.ts'
import { QCOW2_IMAGES, RAW_IMAGES } from './images.ts'

export type Hint = (draw: Draw, place: Place) => Value | undefined

const oneOf =
  (...values: readonly [Value, ...Value[]]): Hint =>
  ({ random }) =>
    random.pick(values)

const SIZES = oneOf(0, 511, 512, 1000, 4096, 65_536, 65_536, 1 << 20, 1 << 20, 1 << 20, 1 << 21)
const COUNTS = oneOf(0, 1, 2, 3, 100)
const SECONDS = oneOf(0, 0, 1)
const NO_SUCH = oneOf('nosuch')
const CACHE_SIZES = oneOf(0, 512, 4096, 65_536, 1 << 18, 1 << 20)

/** A driver that stores bytes, which formats and filters mostly stand on. */
const STORAGE = ['file', 'null-co', 'raw', 'file'] as const
const FILTERED = ['raw', 'qcow2', 'null-co', 'file', 'throttle', 'copy-on-read'] as const

const storage: Hint = (draw, place) => draw.reference(place, ...STORAGE)
const filtered: Hint = (draw, place) => draw.reference(place, ...FILTERED)
const anyNode: Hint = (draw) => draw.node()
const bitmapNode: Hint = (draw) => draw.nodeWhere(({ bitmaps }) => bitmaps.length > 0)

/** A bitmap of the node that is named beside. */
const bitmapBeside: Hint = (draw, { beside }) => {
  const node = draw.state.node(text(beside['node']) ?? '')
  return draw.existing(node?.bitmaps ?? [], 'bitmap')
}

const bitmapSources: Hint = (draw, { beside }) =>
  draw.list(1, () => {
    const own = draw.state.node(text(beside['node']) ?? text(beside['node-name']) ?? '')
    if (own !== undefined && draw.random.chance(0.6)) return draw.existing(own.bitmaps, 'bitmap')
    const other = draw.state.nodes.find(({ bitmaps }) => bitmaps.length > 0)
    if (other === undefined) draw.wants.add('bitmap')
    return { node: other?.name ?? 'nosuch', name: other?.bitmaps[0] ?? 'nosuch' }
  })

const object =
  (type: 'throttle-group' | 'iothread'): Hint =>
  (draw) =>
    draw.existing(draw.state.objects(type), type)

const imageFile: Hint = ({ random }, { parent }) => {
  if (random.chance(0.04)) return random.pick(['', '$new.missing', '/nonexistent/x', '.'])
  const wantsQcow2 = parent === 'qcow2' ? random.chance(0.9) : random.chance(0.1)
  return `$img.${random.pick(wantsQcow2 ? QCOW2_IMAGES : RAW_IMAGES) ?? 'f0'}`
}

/** An image that is made, or one that is there. */
function targetFile({ random }: Draw): string {
  if (random.chance(0.04)) return random.pick(['', '/nonexistent/x', 'nosuch:x'])
  return random.chance(0.6)
    ? `$new.t${String(random.below(4))}`
    : `$img.${random.pick([...QCOW2_IMAGES, ...RAW_IMAGES]) ?? 'f0'}`
}

/** How often options in place get a name: only named nodes can be kept when others are reopened. */
export const NAMED = 0.8

/** Optional members that are nearly always given: without them little else can be tried. */
export const USUALLY_GIVEN: ReadonlySet<string> = new Set([
  'null-co.read-zeroes',
  'null-aio.read-zeroes',
  'null-co.size',
  'null-aio.size',
  'preallocate.prealloc-size',
])

/** Optional members with which hardly anything is accepted; they have their turns all the same. */
export const RARELY_GIVEN: ReadonlySet<string> = new Set([
  'file.pr-manager',
  'blkdebug.config',
  'nbd.tls-creds',
  'nbd.tls-hostname',
  'nbd.x-dirty-bitmap',
  'qcow2.encrypt',
  'qcow2.data-file',
  'quorum.blkverify',
  'copy-on-read.bottom',
  'copy-before-write.bitmap',
  'nbd-server-start.tls-creds',
  'nbd-server-start.tls-authz',
  'block-export-add.iothread',
  'block-export-add.bitmaps',
])

export const HINTS: Readonly<Record<string, Hint>> = {
  // --- Names ---
  device: anyNode,
  node: anyNode,
  'node-name': anyNode,
  'image-node-name': anyNode,
  parent: anyNode,
  iothread: object('iothread'),
  // Most sequences that go on with nodes in threads end with the death of the real target.
  'x-blockdev-set-iothread.iothread': (draw, place) =>
    draw.random.chance(0.8) ? null : object('iothread')(draw, place),
  'throttle-group': object('throttle-group'),
  'tls-creds': NO_SUCH,
  'tls-hostname': NO_SUCH,
  'tls-authz': NO_SUCH,
  'pr-manager': NO_SUCH,
  'key-secret': NO_SUCH,

  // --- Options of nodes ---
  filename: imageFile,
  file: (draw, place) => (place.owner === 'qcow2' ? qcow2File(draw, place) : filtered(draw, place)),
  'raw.file': storage,
  test: filtered,
  'blkverify.raw': storage,
  image: filtered,
  log: storage,
  target: filtered,
  children: (draw, place) =>
    Array.from({ length: draw.random.pick([1, 2, 2, 2, 3, 3]) }, () => filtered(draw, place) ?? ''),
  backing: (draw, place) =>
    draw.random.chance(0.4) ? null : draw.reference(place, 'qcow2', 'raw', 'null-co'),
  'data-file': storage,
  bottom: anyNode,
  'vote-threshold': (draw, { beside }) => {
    const { children } = beside
    const most = Array.isArray(children) && children.length > 0 ? children.length : 2
    // A low one leaves room to take children away.
    if (draw.random.chance(0.5)) return 1
    return draw.random.chance(0.08)
      ? draw.random.pick([0, -1, most + 1])
      : 1 + draw.random.below(most)
  },
  size: SIZES,
  'raw.size': oneOf(512, 4096, 65_536, 1 << 19, 1 << 20, 1000),
  'raw.offset': oneOf(0, 0, 512, 4096, 65_536, 1000, 1 << 21),
  'latency-ns': oneOf(0, 1000),
  'read-zeroes': ({ random }) => random.chance(0.93),
  // Only with read-only nodes.
  'force-share': ({ random }, { beside }) =>
    random.chance(beside['read-only'] === true ? 0.7 : 0.1),
  'detect-zeroes': ({ random }, { beside }) =>
    beside['discard'] === 'unmap' || random.chance(0.1) ? undefined : random.pick(['on', 'off']),
  cache: ({ random }, { must }) =>
    must.length > 0 || random.chance(0.1)
      ? undefined
      : random.pick([{ direct: false }, { 'no-flush': true }, { direct: true }]),
  aio: ({ random }, { beside }) => {
    if (isDirect(beside['cache']) || random.chance(0.1)) return undefined
    // Its last sector is short: by ring, 7.2 never comes to the end of reading it.
    const isShort = beside['filename'] === '$img.f3' && random.chance(0.97)
    return isShort ? 'threads' : random.pick(['threads', 'io_uring'])
  },
  'read-only': ({ random }) => random.chance(0.4),
  config: oneOf('$new.config', ''),
  align: oneOf(0, 512, 4096, 1000, 65_536),
  'max-transfer': oneOf(0, 512, 65_536, 1000, 1 << 20),
  'opt-write-zero': oneOf(0, 4096, 65_536, 1000),
  'max-write-zero': oneOf(0, 65_536, 1 << 20, 1000),
  'opt-discard': oneOf(0, 4096, 65_536, 1000),
  'max-discard': oneOf(0, 65_536, 1 << 20, 1000),
  event: (draw) =>
    draw.random.chance(0.6)
      ? draw.random.pick(['read_aio', 'write_aio', 'flush_to_disk', 'pwritev', 'l2_load', 'none'])
      : undefined,
  errno: oneOf(5, 5, 28, 1, 0, 95, -5, 4096),
  sector: oneOf(0, 8, 1, -1, 1 << 20),
  state: COUNTS,
  new_state: COUNTS,
  'log-sector-size': oneOf(512, 512, 4096, 1000, 0),
  'log-super-update-interval': oneOf(0, 1, 4096),
  'prealloc-align': oneOf(4096, 65_536, 512, 1000),
  'prealloc-size': oneOf(0, 65_536, 1 << 20, 1 << 21),
  'cbw-timeout': SECONDS,
  'cache-size': CACHE_SIZES,
  'l2-cache-size': CACHE_SIZES,
  'refcount-cache-size': CACHE_SIZES,
  'l2-cache-entry-size': oneOf(512, 4096, 65_536, 1000),
  'cache-clean-interval': oneOf(0, 600),
  'aio-max-batch': COUNTS,
  bitmap: (draw, { owner }) => (owner === 'copy-before-write' ? someBitmap(draw) : undefined),

  // --- Addresses ---
  'nbd.server': (draw, place) => (place.must.length > 0 ? undefined : address(draw, clientPath)),
  // A vsock's answer takes seconds; it comes when its members have their turns.
  // Nobody is there, which is told at once.
  'ssh.server': (draw, place) =>
    place.must.length > 0 || draw.random.chance(0.5) ? undefined : { host: '127.0.0.1', port: '1' },
  'nbd.type': oneOf('unix', 'inet', 'fd'),
  'nbd-server-start.type': oneOf('unix', 'inet', 'fd'),
  'nbd.path': (draw) => clientPath(draw),
  addr: (draw) => {
    const flat = address(draw, serverPath)
    return flat === undefined ? undefined : { type: flat.type, data: { path: flat.path } }
  },
  path: (draw, { owner }) => (owner.startsWith('qom') ? qomPath(draw) : serverPath(draw)),
  host: oneOf('127.0.0.1', 'localhost'),
  // Each sequence has one of its own to listen at, since others are played at the same time.
  port: ({ random, state }) => random.pick([state.port, state.port, state.port, '0', 'x']),
  // Nobody listens there; a daemon that connects to its own server never answers again.
  'nbd.port': oneOf('1', '2', 'x'),
  'ssh.port': oneOf('1', '2', 'x'),
  str: NO_SUCH,
  cid: oneOf('1', 'x'),
  export: (draw) => draw.random.pick(['nosuch', '', ...draw.state.exports]),
  'reconnect-delay': SECONDS,
  'open-timeout': SECONDS,
  'max-connections': COUNTS,

  // --- Commands ---
  'block-dirty-bitmap-add.name': (draw, { beside }) =>
    draw.fresh('m', draw.state.node(text(beside['node']) ?? '')?.bitmaps ?? []),
  'block-dirty-bitmap-add.node': anyNode,
  granularity: oneOf(512, 1024, 4096, 65_536, 65_536, 1 << 20, 2 ** 31, 1000, 0, 256),
  ...bitmapHints(['remove', 'clear', 'enable', 'disable']),
  'x-debug-block-dirty-bitmap-sha256.node': bitmapNode,
  'x-debug-block-dirty-bitmap-sha256.name': bitmapBeside,
  'block-dirty-bitmap-merge.node': bitmapNode,
  'block-dirty-bitmap-merge.target': bitmapBeside,
  'block-dirty-bitmap-merge.bitmaps': bitmapSources,
  'block-export-add.type': oneOf('nbd'),
  'block-export-add.bitmaps': bitmapSources,
  'block-export-add.id': (draw) => draw.fresh('e', draw.state.exports),
  'block-export-add.name': (draw) => draw.fresh('x', draw.state.exports),
  'block-export-del.id': (draw) => draw.existing(draw.state.exports, 'export'),
  'object-add.id': (draw) => draw.fresh('o', draw.state.objects()),
  'object-del.id': (draw) => draw.existing(draw.state.objects(), 'throttle-group'),
  // What is true is not built yet.
  'use-copy-range': oneOf(false),
  'drive-backup.target': targetFile,
  'drive-mirror.target': targetFile,
  'drive-backup.format': oneOf('qcow2', 'qcow2', 'qcow2', 'raw', 'raw', 'nosuch'),
  'drive-mirror.format': oneOf('qcow2', 'qcow2', 'qcow2', 'raw', 'raw', 'nosuch'),
  'write-threshold': oneOf(0, 1, 512, 65_536, 1 << 20, 2n ** 63n - 1n, -1),
  'nbd-server-remove.name': (draw) => draw.existing(draw.state.exports, 'export'),
  'nbd-server-add.name': (draw) => draw.fresh('x', draw.state.exports),
  'backing-file': oneOf('$img.q0', '$img.f0', 'x', ''),
  'backing-fmt': oneOf('qcow2', 'raw', 'nosuch'),
  property: oneOf(
    'type',
    'limits',
    'limits',
    'x-iops-total',
    'x-bps-total',
    'poll-max-ns',
    'nosuch',
  ),
  value: oneOf({ 'iops-total': 1000 }, { 'bps-total': 1 << 30 }, 0, 'x', true),
  typename: oneOf('throttle-group', 'iothread', 'object', 'container', 'nosuch'),
  implements: oneOf('user-creatable', 'object', 'nosuch'),
}

/** Limits so high that nothing ever waits for them, and some that are refused. */
for (const [name, values] of Object.entries({
  iops: [0, 100_000, 1_000_000, -1],
  bps: [0, 2 ** 30, 2 ** 40, -1],
})) {
  for (const what of ['total', 'read', 'write']) {
    for (const suffix of ['', '-max']) {
      Object.assign(HINTS, {
        [`${name}-${what}${suffix}`]: ({ random }: Draw) => random.pick(values),
        [`x-${name}-${what}${suffix}`]: ({ random }: Draw) => random.pick(values),
      })
    }
  }
}

function bitmapHints(verbs: readonly string[]): Record<string, Hint> {
  return Object.fromEntries(
    verbs.flatMap((verb) => [
      [`block-dirty-bitmap-${verb}.node`, bitmapNode],
      [`block-dirty-bitmap-${verb}.name`, bitmapBeside],
    ]),
  )
}

function isDirect(cache: Value | undefined): boolean {
  return member(cache, 'direct') === true
}

/** What a qcow2 node stands on: a file that holds a qcow2 image. */
function qcow2File(draw: Draw, place: Place): Value {
  const files = draw.state.nodes.filter(({ name, parents }) => {
    const filename = text(draw.state.options(name)?.['filename']) ?? ''
    return parents === 0 && QCOW2_IMAGES.some((image) => filename === `$img.${image}`)
  })
  const free = draw.random.pick(files)
  if (free !== undefined && draw.random.chance(0.6)) return free.name
  if (draw.random.chance(0.08)) return draw.reference(place)
  return draw.nodeOptions('file', {
    parent: place.owner,
    ...(draw.random.chance(NAMED)
      ? {
          name: draw.fresh(
            'n',
            draw.state.nodes.map((node) => node.name),
          ),
        }
      : {}),
  })
}

function someBitmap(draw: Draw): Value {
  const node = draw.state.nodes.find(({ bitmaps }) => bitmaps.length > 0)
  if (node === undefined) draw.wants.add('bitmap')
  return { node: node?.name ?? 'nosuch', name: node?.bitmaps[0] ?? 'nosuch' }
}

function address(
  draw: Draw,
  path: (draw: Draw) => string,
): { readonly type: 'unix'; readonly path: string } | undefined {
  return draw.random.chance(0.1) ? undefined : { type: 'unix', path: path(draw) }
}

function serverPath({ random }: Draw): string {
  return random.pick(['$new.nbd', '$new.nbd', '$new.nbd', '$new.other'])
}

/** A daemon that connects to its own server never answers again: rarely, as each costs a deadline. */
function clientPath({ random }: Draw): string {
  return random.chance(0.01) ? '$new.nbd' : random.pick(['$new.nobody', '/nonexistent/x'])
}

/** The root shows the runner's own connection, which is a socket on one side only. */
function qomPath(draw: Draw): string {
  const objects = draw.state.objects().map((id) => `/objects/${id}`)
  if (objects.length === 0) draw.wants.add('throttle-group')
  const [first] = objects
  if (first !== undefined && draw.random.chance(0.7)) return draw.random.pick(objects) ?? first
  return draw.random.pick(['/objects', '/objects', 'objects', '/objects/nosuch', 'nosuch'])
}
