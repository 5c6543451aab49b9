/** Why a handshake fails, in the words of QEMU 7.2's client. */
import { BlockError } from '../util/errors.ts'
import { nameIn, OPTION_NAMES, OPTION_REPLY, OPTION_REPLY_NAMES } from './constants.ts'
import { decodeText } from './text.ts'

/** How a refusal reads, by its type; the option's number and name follow. */
const REFUSALS: Readonly<Record<number, string>> = {
  [OPTION_REPLY.unsupported]: 'Unsupported option type',
  [OPTION_REPLY.policy]: 'Denied by server for option',
  [OPTION_REPLY.invalid]: 'Invalid parameters for option',
  [OPTION_REPLY.platform]: 'Server lacks support for option',
  [OPTION_REPLY.tlsRequired]: 'TLS negotiation required before option',
  [OPTION_REPLY.shutdown]: 'Server shutting down before option',
  [OPTION_REPLY.blockSizeRequired]: 'Server requires INFO_BLOCK_SIZE for option',
}

export function refusal(option: number, type: number, message: Uint8Array): BlockError {
  const named = `${String(option)} (${nameIn(OPTION_NAMES, option)})`
  const text =
    type === OPTION_REPLY.unknown
      ? 'Requested export not available'
      : `${REFUSALS[type] ?? 'Unknown error code when asking for option'} ${named}`
  const hint = message.length === 0 ? {} : { hint: `server reported: ${decodeText(message)}\n` }
  return new BlockError(text, { errno: 'EINVAL', ...hint })
}

export function unexpectedReply(option: number, type: number): BlockError {
  return failure(
    `Server answered option ${String(option)} (${nameIn(OPTION_NAMES, option)}) with unexpected reply ${String(type)} (${nameIn(OPTION_REPLY_NAMES, type)})`,
  )
}

export function tooManyReplies(option: number): BlockError {
  return failure(`Server sent too many replies to option ${nameIn(OPTION_NAMES, option)}`)
}

export function isError(type: number): boolean {
  return type >= OPTION_REPLY.error
}

export function failure(text: string): BlockError {
  return new BlockError(text, { errno: 'EINVAL' })
}
