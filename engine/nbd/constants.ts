/** Numbers of the NBD protocol. Source: the protocol description of the Network Block Device. */

export const GREETING_MAGIC = 0x4e42_444d_4147_4943n
export const OPTION_MAGIC = 0x4948_4156_454f_5054n
export const OPTION_REPLY_MAGIC = 0x0003_e889_0455_65a9n
export const REQUEST_MAGIC = 0x2560_9513
export const SIMPLE_REPLY_MAGIC = 0x6744_6698
export const STRUCTURED_REPLY_MAGIC = 0x668e_33ef

/** Of the handshake: the server offers, the client takes. */
export const HANDSHAKE_FLAG = { fixedNewstyle: 1, noZeroes: 2 } as const

export const OPTION = {
  exportName: 1,
  abort: 2,
  list: 3,
  startTls: 5,
  info: 6,
  go: 7,
  structuredReply: 8,
  listMetaContext: 9,
  setMetaContext: 10,
} as const

export const OPTION_REPLY = {
  ack: 1,
  server: 2,
  info: 3,
  metaContext: 4,
  /** Set in every reply that refuses. */
  error: 0x8000_0000,
  unsupported: 0x8000_0001,
  policy: 0x8000_0002,
  invalid: 0x8000_0003,
  platform: 0x8000_0004,
  tlsRequired: 0x8000_0005,
  unknown: 0x8000_0006,
  shutdown: 0x8000_0007,
  blockSizeRequired: 0x8000_0008,
  tooBig: 0x8000_0009,
} as const

export const INFO = { export: 0, name: 1, description: 2, blockSize: 3 } as const

/** What the server says of an export. */
export const EXPORT_FLAG = {
  hasFlags: 1 << 0,
  readOnly: 1 << 1,
  flush: 1 << 2,
  fua: 1 << 3,
  rotational: 1 << 4,
  trim: 1 << 5,
  writeZeroes: 1 << 6,
  df: 1 << 7,
  multiConn: 1 << 8,
  resize: 1 << 9,
  cache: 1 << 10,
  fastZero: 1 << 11,
} as const

export const COMMAND = {
  read: 0,
  write: 1,
  disconnect: 2,
  flush: 3,
  trim: 4,
  cache: 5,
  writeZeroes: 6,
  blockStatus: 7,
} as const

export const COMMAND_FLAG = {
  fua: 1 << 0,
  noHole: 1 << 1,
  df: 1 << 2,
  oneExtent: 1 << 3,
  fastZero: 1 << 4,
} as const

export const CHUNK_FLAG_DONE = 1

export const CHUNK = {
  none: 0,
  data: 1,
  hole: 2,
  blockStatus: 5,
  /** Set in every type that reports an error. */
  errorBit: 0x8000,
  error: 0x8001,
  errorAtOffset: 0x8002,
} as const

/** The context every server of ours offers, and the flags in its extents. */
export const BASE_ALLOCATION = 'base:allocation'
export const STATUS = { hole: 1, zero: 2 } as const

/** Names as the server's messages have them. */
export const OPTION_NAMES: Readonly<Record<number, string>> = {
  1: 'export name',
  2: 'abort',
  3: 'list',
  5: 'starttls',
  6: 'info',
  7: 'go',
  8: 'structured reply',
  9: 'list meta context',
  10: 'set meta context',
}

export const OPTION_REPLY_NAMES: Readonly<Record<number, string>> = {
  1: 'ack',
  2: 'server',
  3: 'info',
  4: 'meta context',
  [OPTION_REPLY.unsupported]: 'unsupported',
  [OPTION_REPLY.policy]: 'denied by policy',
  [OPTION_REPLY.invalid]: 'invalid',
  [OPTION_REPLY.platform]: 'platform lacks support',
  [OPTION_REPLY.tlsRequired]: 'TLS required',
  [OPTION_REPLY.unknown]: 'export unknown',
  [OPTION_REPLY.shutdown]: 'server shutting down',
  [OPTION_REPLY.blockSizeRequired]: 'block size required',
  [OPTION_REPLY.tooBig]: 'option payload too big',
}

export const COMMAND_NAMES: Readonly<Record<number, string>> = {
  0: 'read',
  1: 'write',
  2: 'disconnect',
  3: 'flush',
  4: 'trim',
  5: 'cache',
  6: 'write zeroes',
  7: 'block status',
}

/** What is named, or the word for what is not. */
export function nameIn(names: Readonly<Record<number, string>>, number: number): string {
  return names[number] ?? '<unknown>'
}
