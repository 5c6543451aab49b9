/** Types of results that more than one command has, or that are too long to stand beside one. */
import type { Member, Members, Schema } from '../../block/option.ts'
import { opt, shape } from '../../block/option.ts'
import { IMAGE_INFO } from './image-info.ts'

/** Results are described by their names; what they mean is in the folder's README. */
const about = { doc: '' }
const maybe = { optional: true, doc: '' } as const

function all<M>(names: readonly string[], member: M): Record<string, M> {
  return Object.fromEntries(names.map((name) => [name, member]))
}

/** Declarations are erased to what introspection needs: no caller reads static types of results. */
const str: Member = opt.str(about)
const int: Member = opt.int(about)
const bool: Member = opt.bool(about)
const maybeStr: Member = opt.str(maybe)
const maybeInt: Member = opt.int(maybe)
const maybeBool: Member = opt.bool(maybe)

const LIMITS = ['bps', 'bps_rd', 'bps_wr', 'iops', 'iops_rd', 'iops_wr'] as const

export const DEVICE_INFO: Schema = shape.struct('BlockDeviceInfo', {
  file: str,
  'node-name': maybeStr,
  ro: bool,
  drv: str,
  backing_file: maybeStr,
  backing_file_depth: int,
  encrypted: bool,
  detect_zeroes: opt.enum('BlockdevDetectZeroesOptions', ['off', 'on', 'unmap'])(about),
  ...all(LIMITS, int),
  image: opt.of(IMAGE_INFO)(about),
  ...all(
    LIMITS.map((name) => `${name}_max`),
    maybeInt,
  ),
  ...all(
    LIMITS.map((name) => `${name}_max_length`),
    maybeInt,
  ),
  iops_size: maybeInt,
  group: maybeStr,
  cache: opt.of(
    shape.struct('BlockdevCacheInfo', { writeback: bool, direct: bool, 'no-flush': bool }),
  )(about),
  write_threshold: int,
  'dirty-bitmaps': opt.list(
    shape.struct('BlockDirtyInfo', {
      name: maybeStr,
      count: int,
      granularity: opt.uint32(about),
      recording: bool,
      busy: bool,
      persistent: bool,
      inconsistent: maybeBool,
    }),
  )(maybe),
})

export const BLOCK_INFO: Schema = shape.struct('BlockInfo', {
  device: str,
  qdev: maybeStr,
  type: str,
  removable: bool,
  locked: bool,
  inserted: opt.of(DEVICE_INFO)(maybe),
  tray_open: maybeBool,
  'io-status': opt.enum('BlockDeviceIoStatus', ['ok', 'failed', 'nospace'])(maybe),
})

const COUNTERS = [
  'rd_bytes',
  'wr_bytes',
  'unmap_bytes',
  'rd_operations',
  'wr_operations',
  'flush_operations',
  'unmap_operations',
  'rd_total_time_ns',
  'wr_total_time_ns',
  'flush_total_time_ns',
  'unmap_total_time_ns',
  'wr_highest_offset',
  'rd_merged',
  'wr_merged',
  'unmap_merged',
] as const

const FAILURES = [
  'failed_rd_operations',
  'failed_wr_operations',
  'failed_flush_operations',
  'failed_unmap_operations',
  'invalid_rd_operations',
  'invalid_wr_operations',
  'invalid_flush_operations',
  'invalid_unmap_operations',
] as const

/** Every counter of a node that no device accounts for: all but one are 0. */
export function nodeCounters(writeHighestOffset: number): Readonly<Record<string, unknown>> {
  return {
    ...all([...COUNTERS, ...FAILURES], 0),
    wr_highest_offset: writeHighestOffset,
    account_invalid: false,
    account_failed: false,
    timed_stats: [],
  }
}

const TIMED_STATS: Schema = shape.struct('BlockDeviceTimedStats', {
  interval_length: int,
  ...all(
    ['rd', 'wr', 'flush'].flatMap((kind) =>
      ['min', 'max', 'avg'].map((which) => `${which}_${kind}_latency_ns`),
    ),
    int,
  ),
  ...all<Member>(['avg_rd_queue_depth', 'avg_wr_queue_depth'], opt.number(about)),
})

const HISTOGRAM: Schema = shape.struct('BlockLatencyHistogramInfo', {
  boundaries: opt.list(shape.int)(about),
  bins: opt.list(shape.int)(about),
})

function histogramName(kind: string): string {
  return `${kind}_latency_histogram`
}

const FILE_STATS: Members = {
  'discard-nb-ok': int,
  'discard-nb-failed': int,
  'discard-bytes-ok': int,
}

/** @param drivers - Names of all drivers, of which few have statistics of their own. */
export function blockStats(drivers: readonly string[]): Schema {
  const driver: Member = opt.enum('BlockdevDriver', drivers)(about)
  const stats: Schema = shape.struct('BlockStats', {
    device: maybeStr,
    qdev: maybeStr,
    'node-name': maybeStr,
    stats: opt.of(
      shape.struct('BlockDeviceStats', {
        ...all(COUNTERS, int),
        idle_time_ns: maybeInt,
        ...all(FAILURES, int),
        account_invalid: bool,
        account_failed: bool,
        timed_stats: opt.list(TIMED_STATS)(about),
        ...all(['rd', 'wr', 'flush'].map(histogramName), opt.of(HISTOGRAM)(maybe)),
      }),
    )(about),
    'driver-specific': opt.of({
      kind: 'union',
      name: 'BlockStatsSpecific',
      tag: 'driver',
      base: { driver },
      variants: { file: FILE_STATS, host_device: FILE_STATS },
    })(maybe),
    parent: opt.of({ kind: 'later', schema: () => stats })(maybe),
    backing: opt.of({ kind: 'later', schema: () => stats })(maybe),
  })
  return stats
}

const PERMISSION = shape.enum('BlockPermission', [
  'consistent-read',
  'write',
  'write-unchanged',
  'resize',
])

export const GRAPH: Schema = shape.struct('XDbgBlockGraph', {
  nodes: opt.list(
    shape.struct('XDbgBlockGraphNode', {
      id: int,
      type: opt.enum('XDbgBlockGraphNodeType', ['block-backend', 'block-job', 'block-driver'])(
        about,
      ),
      name: str,
    }),
  )(about),
  edges: opt.list(
    shape.struct('XDbgBlockGraphEdge', {
      parent: int,
      child: int,
      name: str,
      perm: opt.list(PERMISSION)(about),
      'shared-perm': opt.list(PERMISSION)(about),
    }),
  )(about),
})

/** The same for good, with names instead of numbers. */
export const BLOCK_GRAPH: Schema = shape.struct('BlockGraph', {
  nodes: opt.list(
    shape.struct('BlockGraphNode', {
      'node-name': str,
      driver: str,
      'read-only': bool,
      implicit: bool,
      corrupt: bool,
      'filtered-child': opt.str(maybe),
      options: opt.any(about),
    }),
  )(about),
  edges: opt.list(
    shape.struct('BlockGraphEdge', {
      'parent-type': opt.enum('BlockGraphParent', ['node', 'user', 'job'])(about),
      parent: str,
      name: str,
      child: str,
      perm: opt.list(PERMISSION)(about),
      'shared-perm': opt.list(PERMISSION)(about),
    }),
  )(about),
})

const features = opt.list(shape.str)(maybe)

function listOf(name: string, members: Members): Member {
  return opt.list(shape.struct(name, members))(about)
}

export const SCHEMA_INFO: Schema = {
  kind: 'union',
  name: 'SchemaInfo',
  tag: 'meta-type',
  base: {
    name: str,
    'meta-type': opt.enum('SchemaMetaType', [
      'builtin',
      'enum',
      'array',
      'object',
      'alternate',
      'command',
      'event',
    ])(about),
    features,
  },
  variants: {
    builtin: {
      'json-type': opt.enum('JSONType', [
        'string',
        'number',
        'int',
        'boolean',
        'null',
        'object',
        'array',
        'value',
      ])(about),
    },
    enum: {
      members: listOf('SchemaInfoEnumMember', { name: str, features }),
      values: opt.list(shape.str)({ doc: '', features: ['deprecated'] }),
    },
    array: { 'element-type': str },
    object: {
      members: listOf('SchemaInfoObjectMember', {
        name: str,
        type: str,
        default: opt.any(maybe),
        features,
      }),
      tag: maybeStr,
      variants: opt.list(shape.struct('SchemaInfoObjectVariant', { case: str, type: str }))(maybe),
    },
    alternate: { members: listOf('SchemaInfoAlternateMember', { type: str }) },
    command: { 'arg-type': str, 'ret-type': str, 'allow-oob': maybeBool },
    event: { 'arg-type': str },
  },
}
