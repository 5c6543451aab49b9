/** The outer members of a request: which are allowed, and QEMU's texts for those that are not. */
import { BlockError } from '../util/errors.ts'
import type { Json, JsonObject } from '../util/json.ts'
import { inKeyOrder } from '../util/key-order.ts'

export interface Request {
  readonly command: string
  readonly args: JsonObject
  /** Asked to run before everything that waits. */
  readonly oob: boolean
}

const NO_ARGUMENTS: JsonObject = new Map()

/** The request's `id`, which goes back with the answer whatever it is; undefined if it has none. */
export function requestId(value: Json): Json | undefined {
  return value instanceof Map ? (value as JsonObject).get('id') : undefined
}

/** Whether a request asks for out-of-band execution. */
export function isOutOfBand(value: Json): boolean {
  return value instanceof Map && value.has('exec-oob') && !value.has('execute')
}

/** @throws {BlockError} for the first member, in QEMU's order, that is wrong. */
export function readEnvelope(value: Json, oobEnabled: boolean): Request {
  if (!(value instanceof Map)) throw new BlockError('QMP input must be a JSON object')
  const members = value as JsonObject
  let command: { readonly member: string; readonly name: string } | undefined
  let args = NO_ARGUMENTS
  for (const [name, member] of inKeyOrder([...members])) {
    if (name === 'id') continue
    if (name === 'execute' || (name === 'exec-oob' && oobEnabled)) {
      if (typeof member !== 'string') {
        throw new BlockError(`QMP input member '${name}' must be a string`)
      }
      if (command !== undefined) {
        throw new BlockError(`QMP input member '${name}' clashes with '${command.member}'`)
      }
      command = { member: name, name: member }
    } else if (name === 'arguments') {
      if (!(member instanceof Map)) {
        throw new BlockError("QMP input member 'arguments' must be an object")
      }
      args = member as JsonObject
    } else throw new BlockError(`QMP input member '${name}' is unexpected`)
  }
  if (command === undefined) throw new BlockError("QMP input lacks member 'execute'")
  return { command: command.name, args, oob: command.member === 'exec-oob' }
}
