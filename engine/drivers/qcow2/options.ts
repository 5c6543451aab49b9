/** Options of an open image: their declarations, their checks, and what they come to. */
import { opt, shape, type Schema, type Values } from '../../block/option.ts'
import { BlockError } from '../../util/errors.ts'
import { checkNotNegative } from '../size.ts'
import { alignUp } from '../../util/align.ts'
import { ENTRY_BYTES, type Geometry } from './geometry.ts'
import { OVERLAP_KINDS, OVERLAP_TEMPLATES, type OverlapKind, type OverlapSet } from './overlap.ts'

const TEMPLATES = ['none', 'constant', 'cached', 'all'] as const
type Template = (typeof TEMPLATES)[number]

const kindFlag = opt.bool({ optional: true, doc: 'Check for overlaps with this structure.' })

const OVERLAP_FLAGS = shape.struct('Qcow2OverlapCheckFlags', {
  template: opt.enum(
    'Qcow2OverlapCheckMode',
    TEMPLATES,
  )({
    optional: true,
    doc: 'Which checks are on where no flag says otherwise.',
  }),
  ...Object.fromEntries(OVERLAP_KINDS.map((kind) => [kind, kindFlag])),
})

const OVERLAP_CHECK: Schema = {
  kind: 'alternate',
  name: 'Qcow2OverlapChecks',
  branches: [OVERLAP_FLAGS, shape.enum('Qcow2OverlapCheckMode', TEMPLATES)],
}

type OverlapOption =
  Template | ({ readonly template?: Template } & Partial<Readonly<Record<OverlapKind, boolean>>>)

const ENCRYPT: Schema = {
  kind: 'union',
  name: 'BlockdevQcow2Encryption',
  tag: 'format',
  base: {
    format: opt.enum('BlockdevQcow2EncryptionFormat', ['aes', 'luks'])({
      doc: 'The cipher layer.',
    }),
  },
  variants: {
    aes: { 'key-secret': opt.str({ optional: true, doc: 'ID of the secret with the key.' }) },
    luks: { 'key-secret': opt.str({ optional: true, doc: 'ID of the secret with the key.' }) },
  },
}

export const OPTIONS = {
  'lazy-refcounts': opt.bool({ optional: true, doc: 'Postpone refcounts; as the image says.' }),
  'pass-discard-request': opt.bool({
    optional: true,
    doc: 'Discard in the file what a guest discards; as the option discard says.',
  }),
  'pass-discard-snapshot': opt.bool({
    optional: true,
    doc: 'Discard in the file what deleting a snapshot frees; on.',
  }),
  'pass-discard-other': opt.bool({ optional: true, doc: 'Discard whatever else is freed; off.' }),
  'overlap-check': opt.of<OverlapOption>(OVERLAP_CHECK)({
    optional: true,
    doc: 'Which own structures each write is checked against.',
  }),
  'cache-size': opt.int({ optional: true, doc: 'Bytes of both table caches together.' }),
  'l2-cache-size': opt.int({ optional: true, doc: 'Most bytes of the cache of L2 tables.' }),
  'l2-cache-entry-size': opt.int({ optional: true, doc: 'Bytes of one piece of an L2 table.' }),
  'refcount-cache-size': opt.int({ optional: true, doc: 'Most bytes of cached refcount blocks.' }),
  'cache-clean-interval': opt.int({
    optional: true,
    doc: 'Seconds after which unused tables leave the caches; 0 means never.',
  }),
  encrypt: opt.of<{ readonly format: 'aes' | 'luks' }>(ENCRYPT)({
    optional: true,
    doc: 'How the data is encrypted.',
  }),
} as const

export type Qcow2Options = Values<typeof OPTIONS>

/** Why clusters are given back. */
export type DiscardKind = 'never' | 'always' | 'request' | 'snapshot' | 'other'

export interface RuntimeOptions {
  readonly lazyRefcounts: boolean
  readonly passDiscard: Readonly<Record<DiscardKind, boolean>>
  readonly overlap: OverlapSet
  /** Bytes of one piece of an L2 table. */
  readonly l2TableBytes: number
  readonly refcountBlockBytes: number
  /** Most tables that each cache keeps. */
  readonly l2Capacity: number
  readonly refcountCapacity: number
  readonly cleanIntervalSeconds: number
}

const MIB = 2 ** 20
const DEFAULT_L2_CACHE_BYTES = 32 * MIB
const DEFAULT_CLEAN_INTERVAL = 600
const DEFAULT_L2_PIECE_BYTES = 4096
const MIN_L2_TABLES = 2
const MIN_REFCOUNT_BLOCKS = 4
const INT_MAX = 2 ** 31 - 1
const UINT_MAX = 2 ** 32 - 1
const MIN_L2_TABLE_BYTES = 512

/** The options as they were given. */
export interface Requested {
  readonly options: Qcow2Options
  /** The node passes discards on. */
  readonly discard: boolean
}

export interface OptionsAbout {
  readonly geometry: Geometry
  readonly size: number
  /** The image's own wish. */
  readonly lazyRefcounts: boolean
  /** The node passes discards on. */
  readonly discard: boolean
}

/** @throws {BlockError} if options are about encryption, which no image has that can be opened. */
function checkEncryptOption({ encrypt }: Qcow2Options): void {
  if (encrypt === undefined) return
  throw new BlockError(
    `No encryption in image header, but options specified format '${encrypt.format}'`,
  )
}

/** @throws {BlockError} for the first that cannot be. */
export function runtimeOptions(options: Qcow2Options, about: OptionsAbout): RuntimeOptions {
  const sizes = cacheSizes(options, about)
  const cleanIntervalSeconds = options['cache-clean-interval'] ?? DEFAULT_CLEAN_INTERVAL
  if (outside(cleanIntervalSeconds, UINT_MAX)) {
    throw new BlockError('Cache clean interval too big')
  }
  const lazyRefcounts = options['lazy-refcounts'] ?? about.lazyRefcounts
  if (about.geometry.version < 3 && lazyRefcounts) {
    throw new BlockError(
      'Lazy refcounts require a qcow2 image with at least qemu 1.1 compatibility level',
    )
  }
  checkEncryptOption(options)
  return {
    ...sizes,
    refcountBlockBytes: about.geometry.clusterBytes,
    lazyRefcounts,
    cleanIntervalSeconds,
    overlap: overlapSet(options['overlap-check']),
    passDiscard: {
      never: false,
      always: true,
      request: options['pass-discard-request'] ?? about.discard,
      snapshot: options['pass-discard-snapshot'] ?? true,
      other: options['pass-discard-other'] ?? false,
    },
  }
}

function overlapSet(option: OverlapOption | undefined): OverlapSet {
  if (option === undefined) return OVERLAP_TEMPLATES.cached
  if (typeof option === 'string') return OVERLAP_TEMPLATES[option]
  const template = OVERLAP_TEMPLATES[option.template ?? 'cached']
  return new Set(OVERLAP_KINDS.filter((kind) => option[kind] ?? template.has(kind)))
}

function cacheSizes(
  options: Qcow2Options,
  { geometry, size }: OptionsAbout,
): Pick<RuntimeOptions, 'l2TableBytes' | 'l2Capacity' | 'refcountCapacity'> {
  const { clusterBytes } = geometry
  const l2ForAll = alignUp(Math.ceil(size / clusterBytes) * ENTRY_BYTES, clusterBytes)
  const { l2, refcount } = cacheBytes(options, geometry, l2ForAll)
  const entry = checkNotNegative('l2-cache-entry-size', options['l2-cache-entry-size'])
  // A cache that cannot hold every table holds more of those in use if it takes parts of them.
  const piece = l2 < l2ForAll ? Math.min(DEFAULT_L2_PIECE_BYTES, clusterBytes) : clusterBytes
  const l2TableBytes = entry ?? piece
  const isPower = l2TableBytes > 0 && Number.isInteger(Math.log2(l2TableBytes))
  if (!isPower || l2TableBytes < MIN_L2_TABLE_BYTES || l2TableBytes > clusterBytes) {
    throw new BlockError(
      `L2 cache entry size must be a power of two between ${String(MIN_L2_TABLE_BYTES)} and ` +
        `the cluster size (${String(clusterBytes)})`,
    )
  }
  const l2Capacity = Math.max(MIN_L2_TABLES, Math.floor(l2 / l2TableBytes))
  if (l2Capacity > INT_MAX) throw new BlockError('L2 cache size too big')
  const refcountCapacity = Math.max(MIN_REFCOUNT_BLOCKS, Math.floor(refcount / clusterBytes))
  if (refcountCapacity > INT_MAX) throw new BlockError('Refcount cache size too big')
  return { l2TableBytes, l2Capacity, refcountCapacity }
}

function cacheBytes(
  options: Qcow2Options,
  { clusterBytes }: Geometry,
  l2ForAll: number,
): { readonly l2: number; readonly refcount: number } {
  const whole = checkNotNegative('cache-size', options['cache-size'])
  const l2 = checkNotNegative('l2-cache-size', options['l2-cache-size'])
  const refcount = checkNotNegative('refcount-cache-size', options['refcount-cache-size'])
  const l2Wanted = Math.min(l2ForAll, l2 ?? DEFAULT_L2_CACHE_BYTES)
  if (whole === undefined) return { l2: l2Wanted, refcount: refcount ?? 0 }
  if (l2 !== undefined && refcount !== undefined) {
    throw new BlockError(
      'cache-size, l2-cache-size and refcount-cache-size may not be set at the same time',
    )
  }
  if (l2 !== undefined && l2 > whole) {
    throw new BlockError('l2-cache-size may not exceed cache-size')
  }
  if (refcount !== undefined && refcount > whole) {
    throw new BlockError('refcount-cache-size may not exceed cache-size')
  }
  if (l2 !== undefined) return { l2: l2Wanted, refcount: whole - l2Wanted }
  if (refcount !== undefined) return { l2: whole - refcount, refcount }
  const least = MIN_REFCOUNT_BLOCKS * clusterBytes
  if (whole >= l2ForAll + least) return { l2: l2ForAll, refcount: whole - l2ForAll }
  const kept = Math.min(whole, least)
  return { l2: whole - kept, refcount: kept }
}

function outside(value: number, maximum: number): boolean {
  return value < 0 || value > maximum
}
