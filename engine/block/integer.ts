/** Whole numbers from the wire: widths and their texts, and what of 64 bits the engine can keep. */
import { BlockError } from '../util/errors.ts'
import type { Json } from '../util/json.ts'
import type { Place } from './check.ts'
import type { IntName, IntSchema } from './option.ts'
import { parseSize } from './size.ts'
import { readWhole } from './whole.ts'

interface Width {
  readonly signed: boolean
  /** Bits of a type that is narrower than what the wire carries. */
  readonly narrow?: number
}

const WIDTHS: Readonly<Record<IntName, Width>> = {
  int: { signed: true },
  int8: { signed: true, narrow: 8 },
  int16: { signed: true, narrow: 16 },
  int32: { signed: true, narrow: 32 },
  int64: { signed: true },
  uint8: { signed: false, narrow: 8 },
  uint16: { signed: false, narrow: 16 },
  uint32: { signed: false, narrow: 32 },
  uint64: { signed: false },
  size: { signed: false },
}

/**
 * The number of a member. An unsigned one of 64 bits lets negative numbers wrap, as QEMU does: it
 * comes as the negative number with the same bits, for the driver to refuse in its own words.
 * Beyond 2^53 it is the nearest number there is: whoever would keep it must refuse it.
 */
export function checkInteger(schema: IntSchema, value: Json, place: Place): number {
  const { name } = schema
  const width = WIDTHS[name]
  const whole = wholeOf(schema, value, place)
  if (width.narrow !== undefined) {
    const unsigned = width.signed ? whole : BigInt.asUintN(64, whole)
    const fitting = width.signed
      ? BigInt.asIntN(width.narrow, unsigned)
      : BigInt.asUintN(width.narrow, unsigned)
    if (fitting !== unsigned) {
      throw new BlockError(`Parameter '${place.name ?? 'null'}' expects ${name}_t`)
    }
    return Number(fitting)
  }
  return Number(BigInt.asIntN(64, whole))
}

/** The same with all of its 64 bits; an unsigned one is never negative. */
export function checkExactInteger(schema: IntSchema, value: Json, place: Place): bigint {
  const whole = wholeOf(schema, value, place)
  return WIDTHS[schema.name].signed ? whole : BigInt.asUintN(64, whole)
}

function wholeOf({ name, negative }: IntSchema, value: Json, place: Place): bigint {
  const width = WIDTHS[name]
  const whole = place.wire === 'json' ? fromJson(width, value, place) : fromText(name, value, place)
  if (negative !== 'refused' || width.signed || whole >= 0n) return whole
  throw new BlockError(`Parameter '${place.path}' expects a non-negative number below 2^64`)
}

function fromJson(width: Width, value: Json, place: Place): bigint {
  const fits = typeof value === 'bigint' && (!width.signed || BigInt.asIntN(64, value) === value)
  if (fits) return value
  throw new BlockError(
    width.signed
      ? `Invalid parameter type for '${place.path}', expected: integer`
      : `Parameter '${place.path}' expects uint64`,
  )
}

function fromText(name: IntName, value: Json, place: Place): bigint {
  if (typeof value !== 'string') {
    throw new BlockError(`Invalid parameter type for '${place.path}', expected: string`)
  }
  if (name === 'size') {
    const size = parseSize(value)
    if (size !== undefined) return size
    throw new BlockError(`Parameter '${place.path}' expects a non-negative number below 2^64`)
  }
  const whole = readWhole(value)
  if (typeof whole === 'bigint') {
    if (!WIDTHS[name].signed || BigInt.asIntN(64, whole) === whole) return whole
  }
  throw new BlockError(`Parameter '${place.path}' expects integer`)
}
