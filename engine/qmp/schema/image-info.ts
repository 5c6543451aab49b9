/** `ImageInfo`: what queries and tools tell of an image, with what only some formats have. */
import type { Member, Members, Schema } from '../../block/option.ts'
import { opt, shape } from '../../block/option.ts'

/** Results are described by their names. */
const about = { doc: '' }
const maybe = { optional: true, doc: '' } as const
const str: Member = opt.str(about)
const int: Member = opt.int(about)
const maybeStr: Member = opt.str(maybe)
const maybeInt: Member = opt.int(maybe)
const maybeBool: Member = opt.bool(maybe)

const SNAPSHOT = shape.struct('SnapshotInfo', {
  id: str,
  name: str,
  'vm-state-size': int,
  'date-sec': int,
  'date-nsec': int,
  'vm-clock-sec': int,
  'vm-clock-nsec': int,
  icount: maybeInt,
})

const BITMAP = shape.struct('Qcow2BitmapInfo', {
  name: str,
  granularity: opt.uint32(about),
  flags: opt.list(shape.enum('Qcow2BitmapInfoFlags', ['in-use', 'auto']))(about),
})

/** Encrypted images are not built: there is no member that would tell of one. */
const QCOW2: Members = {
  compat: str,
  'data-file': maybeStr,
  'data-file-raw': maybeBool,
  'extended-l2': maybeBool,
  'lazy-refcounts': maybeBool,
  corrupt: maybeBool,
  'refcount-bits': int,
  bitmaps: opt.list(BITMAP)(maybe),
  'compression-type': opt.enum('Qcow2CompressionType', ['zlib', 'zstd'])(about),
}

const SPECIFIC: Schema = {
  kind: 'union',
  name: 'ImageInfoSpecific',
  tag: 'type',
  base: { type: opt.enum('ImageInfoSpecificKind', ['qcow2'])(about) },
  variants: {
    qcow2: { data: opt.of(shape.struct('ImageInfoSpecificQCow2', QCOW2))(about) },
  },
}

export const IMAGE_INFO: Schema = shape.struct('ImageInfo', {
  filename: str,
  format: str,
  'dirty-flag': maybeBool,
  'actual-size': maybeInt,
  'virtual-size': int,
  'cluster-size': maybeInt,
  encrypted: maybeBool,
  compressed: maybeBool,
  'backing-filename': maybeStr,
  'full-backing-filename': maybeStr,
  'backing-filename-format': maybeStr,
  snapshots: opt.list(SNAPSHOT)(maybe),
  'backing-image': opt.of({ kind: 'later', schema: () => IMAGE_INFO })(maybe),
  'format-specific': opt.of(SPECIFIC)(maybe),
})
