/** A request of an NBD client, and what is wrong with it on its face. */
import { COMMAND, COMMAND_FLAG, COMMAND_NAMES, nameIn } from '../nbd/constants.ts'
import type { Negotiated } from '../nbd/handshake-server.ts'
import { MAX_PAYLOAD_BYTES } from '../nbd/limits.ts'
import type { NbdExport } from './nbd-export.ts'

export interface NbdRequest {
  readonly type: number
  readonly flags: number
  readonly cookie: bigint
  readonly offset: number
  readonly bytes: number
  /** The data of a write. */
  readonly data: Uint8Array
}

interface Header {
  readonly type: number
  readonly flags: number
  readonly offset: bigint
  readonly bytes: number
}

const CHANGING: readonly number[] = [COMMAND.write, COMMAND.writeZeroes, COMMAND.trim]
const WITH_PAYLOAD: readonly number[] = [COMMAND.read, COMMAND.write, COMMAND.cache]

/** Why the request is refused, in QEMU's words and in the order of its checks. */
export function requestProblem(
  header: Header,
  negotiated: Negotiated<NbdExport>,
): string | undefined {
  const { type, flags, bytes } = header
  const { readOnly, size } = negotiated.export
  if (WITH_PAYLOAD.includes(type) && bytes > MAX_PAYLOAD_BYTES) {
    return `len (${String(bytes)} ) is larger than max len (${String(MAX_PAYLOAD_BYTES)})`
  }
  if (CHANGING.includes(type) && readOnly) return 'Export is read-only'
  const from = header.offset
  const count = BigInt(bytes)
  if (from > BigInt(size) || count > BigInt(size) - from) {
    return `operation past EOF; From: ${String(from)}, Len: ${String(count)}, Size: ${String(size)}`
  }
  if ((flags & ~knownFlags(type, negotiated.structured)) !== 0) {
    return `unsupported flags for command ${nameIn(COMMAND_NAMES, type)} (got 0x${flags.toString(16)})`
  }
  return undefined
}

function knownFlags(type: number, structured: boolean): number {
  switch (type) {
    case COMMAND.read:
      return COMMAND_FLAG.fua | (structured ? COMMAND_FLAG.df : 0)
    case COMMAND.writeZeroes:
      return COMMAND_FLAG.fua | COMMAND_FLAG.noHole | COMMAND_FLAG.fastZero
    case COMMAND.blockStatus:
      return COMMAND_FLAG.fua | COMMAND_FLAG.oneExtent
    default:
      return COMMAND_FLAG.fua
  }
}
