/** Records of the NBD protocol as they cross the wire. All integers are big-endian. */
import { be16, be32, be64, be64Number, struct } from '../util/struct.ts'

/** The server's first words. */
export const GREETING = struct(18, {
  magic: be64(0),
  optionMagic: be64(8),
  flags: be16(16),
})

/** A magic on its own. */
export const MAGIC = struct(8, { value: be64(0) })

/** In place of the second magic: an old server, which has one export and no options. */
export const OLDSTYLE_MAGIC = 0x0000_4202_8186_1253n
/** What follows it, before 124 zeroes. */
export const OLDSTYLE_REPLY = struct(12, { size: be64Number(0), flags: be32(8) })

export const CLIENT_FLAGS = struct(4, { flags: be32(0) })

/** Followed by `bytes` of data. */
export const OPTION_HEADER = struct(16, {
  magic: be64(0),
  option: be32(8),
  bytes: be32(12),
})

/** Followed by `bytes` of data. */
export const OPTION_REPLY_HEADER = struct(20, {
  magic: be64(0),
  option: be32(8),
  type: be32(12),
  bytes: be32(16),
})

/** A 16-bit number on its own: counts and kinds of information. */
export const WORD = struct(2, { value: be16(0) })
/** A 32-bit number on its own: lengths of strings, counts. */
export const LONG = struct(4, { value: be32(0) })

/** The answer to the old way of choosing an export; 124 zeroes may follow. */
export const EXPORT_NAME_REPLY = struct(10, { size: be64Number(0), flags: be16(8) })
export const EXPORT_NAME_ZEROES = 124

export const INFO_EXPORT = struct(12, { kind: be16(0), size: be64Number(2), flags: be16(10) })

export const INFO_BLOCK_SIZE = struct(14, {
  kind: be16(0),
  minimum: be32(2),
  preferred: be32(6),
  maximum: be32(10),
})

/** Writes are followed by their data. */
export const REQUEST = struct(28, {
  magic: be32(0),
  flags: be16(4),
  type: be16(6),
  cookie: be64(8),
  offset: be64(16),
  bytes: be32(24),
})

/** Followed by the data of a successful read. */
export const SIMPLE_REPLY = struct(16, { magic: be32(0), error: be32(4), cookie: be64(8) })

/** Followed by `bytes` of payload. */
export const STRUCTURED_REPLY = struct(20, {
  magic: be32(0),
  flags: be16(4),
  type: be16(6),
  cookie: be64(8),
  bytes: be32(16),
})

/** Payload of a data chunk, before the data. */
export const CHUNK_DATA = struct(8, { offset: be64(0) })
export const CHUNK_HOLE = struct(12, { offset: be64(0), bytes: be32(8) })
/** Payload of a status chunk: the context, then any number of extents. */
export const CHUNK_STATUS = struct(4, { context: be32(0) })
export const STATUS_EXTENT = struct(8, { bytes: be32(0), flags: be32(4) })
/** Payload of an error chunk, before its message. */
export const CHUNK_ERROR = struct(6, { error: be32(0), messageBytes: be16(4) })
