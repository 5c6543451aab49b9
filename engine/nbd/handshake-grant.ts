/** What a server says about an export, taken apart and checked. Texts are those of QEMU 7.2's client. */
import { BlockError } from '../util/errors.ts'
import { EXPORT_FLAG, INFO } from './constants.ts'
import { failure } from './handshake-refusal.ts'
import { MAX_PAYLOAD_BYTES } from './limits.ts'
import { decodeText } from './text.ts'
import { INFO_BLOCK_SIZE, INFO_EXPORT, WORD } from './wire.ts'

/** What the server granted and said about the export. */
export interface Granted {
  readonly structured: boolean
  readonly contexts: ReadonlyMap<number, string>
  readonly size: number
  readonly flags: number
  readonly minimumBlock: number
  readonly preferredBlock: number
  readonly maximumPayload: number
  readonly name: string | undefined
  readonly description: string | undefined
}

/** What servers that do not say prefer. */
const PREFERRED_BLOCK = 4096

/** What a server has said so far in answer to one choice. */
export interface Told {
  size?: number
  flags?: number
  minimum?: number
  preferred?: number
  maximum?: number
  name?: string
  description?: string
}

export function readInfo(told: Told, data: Uint8Array): void {
  if (data.length < WORD.size) {
    throw failure(`NBD_REP_INFO length ${String(data.length)} is too short`)
  }
  const kind = WORD.decode(data).value
  switch (kind) {
    case INFO.export:
      checkInfoBytes(data, INFO_EXPORT.size)
      Object.assign(told, INFO_EXPORT.decode(data))
      break
    case INFO.blockSize:
      checkInfoBytes(data, INFO_BLOCK_SIZE.size)
      Object.assign(told, INFO_BLOCK_SIZE.decode(data))
      checkBlockSizes(told)
      break
    case INFO.name:
      told.name = decodeText(data.subarray(WORD.size))
      break
    case INFO.description:
      told.description = decodeText(data.subarray(WORD.size))
      break
    default:
    // Information that nobody asked for may come, and means nothing to us.
  }
}

function checkInfoBytes(data: Uint8Array, bytes: number): void {
  if (data.length === bytes) return
  throw failure(`remaining export info len ${String(data.length - WORD.size)} is unexpected size`)
}

function checkBlockSizes({ minimum = 1, preferred = 0, maximum = 0 }: Told): void {
  const isPowerOfTwo = (value: number): boolean => value > 0 && Number.isInteger(Math.log2(value))
  if (!isPowerOfTwo(minimum)) {
    throw failure(`server minimum block size ${String(minimum)} is not a power of two`)
  }
  if (!isPowerOfTwo(preferred) || preferred < minimum) {
    throw failure(`server preferred block size ${String(preferred)} is not valid`)
  }
  if (maximum < minimum) throw failure(`server maximum block size ${String(maximum)} is not valid`)
}

/** @throws {BlockError} where an export ends inside a block: clients do not take it. */
export function checkWholeBlocks(size: number, minimum: number): void {
  if (size % minimum === 0) return
  throw failure(
    `export size ${String(size)} is not multiple of minimum block size ${String(minimum)}`,
  )
}

export function completeGrant(
  told: Told,
  structured: boolean,
  contexts: ReadonlyMap<number, string>,
): Granted {
  const { size, flags = 0, minimum = 1 } = told
  if (size === undefined || (flags & EXPORT_FLAG.hasFlags) === 0) {
    throw failure('broken server omitted NBD_INFO_EXPORT')
  }
  checkWholeBlocks(size, minimum)
  return {
    ...plainGrant(size, flags, structured, contexts),
    minimumBlock: minimum,
    preferredBlock: told.preferred ?? PREFERRED_BLOCK,
    maximumPayload: Math.min(told.maximum ?? MAX_PAYLOAD_BYTES, MAX_PAYLOAD_BYTES),
    name: told.name,
    description: told.description,
  }
}

export function plainGrant(
  size: number,
  flags: number,
  structured: boolean,
  contexts: ReadonlyMap<number, string>,
): Granted {
  if (!Number.isSafeInteger(size)) {
    throw new BlockError(`export size ${String(size)} is too large`, { errno: 'EFBIG' })
  }
  return {
    structured,
    contexts,
    size,
    flags,
    minimumBlock: 1,
    preferredBlock: PREFERRED_BLOCK,
    maximumPayload: MAX_PAYLOAD_BYTES,
    name: undefined,
    description: undefined,
  }
}
