/**
 * Binary records as data. A record is declared with the offset of each field, as a format's
 * description writes them, and the declaration is checked when its module loads: a gap, an overlap
 * or a wrong total is a bug that cannot wait for a bad image.
 */
import { assert } from './assert.ts'

/** One field of a record: its place, and how its value is read and written. */
export interface Field<T = unknown> {
  readonly offset: number
  readonly bytes: number
  readonly get: (view: DataView, at: number) => T
  readonly set: (view: DataView, at: number, value: T) => void
}

/** Values of a record by field name. */
export type FieldValues<F> = {
  [K in keyof F]: F[K] extends { readonly get: (view: DataView, at: number) => infer T } ? T : never
}

export interface Struct<F> {
  /** Length of the record in bytes. */
  readonly size: number
  readonly fields: F
  /** Reads the record at `at`; `source` must reach to its end. */
  decode(source: Uint8Array, at?: number): FieldValues<F>
  /** A new array that holds the record. */
  encode(values: FieldValues<F>): Uint8Array<ArrayBuffer>
  /** Writes the record over the bytes at `at`. */
  encodeInto(target: Uint8Array, at: number, values: FieldValues<F>): void
}

// Fields of different types only fit one constraint if their setters take anything.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type AnyField = Field<any>

/** Declares a record of `size` bytes. */
export function struct<const F extends Readonly<Record<string, AnyField>>>(
  size: number,
  fields: F,
): Struct<F> {
  const entries = Object.entries(fields)
  checkLayout(size, entries)
  const encodeInto = (target: Uint8Array, at: number, values: FieldValues<F>): void => {
    const view = viewOf(target)
    for (const [name, field] of entries) {
      field.set(view, at + field.offset, values[name as keyof F])
    }
  }
  return {
    size,
    fields,
    decode: (source, at = 0) => {
      const view = viewOf(source)
      const values: Record<string, unknown> = {}
      for (const [name, field] of entries) {
        values[name] = (field as Field).get(view, at + field.offset)
      }
      // Each value came from its own field.
      return values as FieldValues<F>
    },
    encode: (values) => {
      const target = new Uint8Array(size)
      encodeInto(target, 0, values)
      return target
    },
    encodeInto,
  }
}

function checkLayout(size: number, entries: [string, AnyField][]): void {
  let end = 0
  for (const [name, field] of entries) {
    assert(
      field.offset === end,
      `field ${name} begins at ${String(field.offset)}, not ${String(end)}`,
    )
    end += field.bytes
  }
  assert(end === size, `the record has ${String(end)} bytes, not ${String(size)}`)
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

export function u8(offset: number): Field<number> {
  return {
    offset,
    bytes: 1,
    get: (view, at) => view.getUint8(at),
    set: (view, at, value) => {
      view.setUint8(at, value)
    },
  }
}

/** Text padded with NUL bytes to `count`; what does not fit is cut off. */
export function paddedText(offset: number, count: number): Field<string> {
  return {
    offset,
    bytes: count,
    get: (view, at) => {
      const all = new Uint8Array(view.buffer, view.byteOffset + at, count)
      const end = all.indexOf(0)
      return new TextDecoder().decode(end === -1 ? all : all.subarray(0, end))
    },
    set: (view, at, value) => {
      const all = new Uint8Array(view.buffer, view.byteOffset + at, count)
      all.fill(0)
      new TextEncoder().encodeInto(value, all)
    },
  }
}

export function be16(offset: number): Field<number> {
  return int16(offset, false)
}

export function be32(offset: number): Field<number> {
  return int32(offset, false)
}

/** 64 bits exactly. */
export function be64(offset: number): Field<bigint> {
  return int64(offset, false)
}

/** 64 bits as a number, which is rounded, and so no safe integer, from 2^53 on. */
export function be64Number(offset: number): Field<number> {
  return {
    offset,
    bytes: 8,
    get: (view, at) => view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4),
    set: (view, at, value) => {
      view.setUint32(at, Math.floor(value / 2 ** 32))
      view.setUint32(at + 4, value % 2 ** 32)
    },
  }
}

export function le16(offset: number): Field<number> {
  return int16(offset, true)
}

export function le32(offset: number): Field<number> {
  return int32(offset, true)
}

/** 64 bits exactly. */
export function le64(offset: number): Field<bigint> {
  return int64(offset, true)
}

/** Bytes without meaning: ignored when read, zeroes when written. */
export function reserved(offset: number, count: number): Field<undefined> {
  return {
    offset,
    bytes: count,
    get: () => undefined,
    set: (view, at) => {
      new Uint8Array(view.buffer, view.byteOffset + at, count).fill(0)
    },
  }
}

function int16(offset: number, little: boolean): Field<number> {
  return {
    offset,
    bytes: 2,
    get: (view, at) => view.getUint16(at, little),
    set: (view, at, value) => {
      view.setUint16(at, value, little)
    },
  }
}

function int32(offset: number, little: boolean): Field<number> {
  return {
    offset,
    bytes: 4,
    get: (view, at) => view.getUint32(at, little),
    set: (view, at, value) => {
      view.setUint32(at, value, little)
    },
  }
}

function int64(offset: number, little: boolean): Field<bigint> {
  return {
    offset,
    bytes: 8,
    get: (view, at) => view.getBigUint64(at, little),
    set: (view, at, value) => {
      view.setBigUint64(at, value, little)
    },
  }
}

/**
 * A table of big-endian 64-bit words, read and written in 32-bit halves so that masks stay plain
 * arithmetic. It shows the bytes it was made of, which change with it.
 */
export class WordTable {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly #view: DataView
  /** The halves as they lie in memory, to look through many at once. */
  readonly #halves: Int32Array
  #changed: number[] | undefined

  /** @param bytes - Begin at a multiple of four of their buffer. */
  constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.bytes = bytes
    this.#view = viewOf(bytes)
    this.#halves = new Int32Array(bytes.buffer, bytes.byteOffset, 2 * this.length)
  }

  /** Words. */
  get length(): number {
    return Math.floor(this.bytes.length / WORD_BYTES)
  }

  high(index: number): number {
    return this.#view.getUint32(index * WORD_BYTES)
  }

  low(index: number): number {
    return this.#view.getUint32(index * WORD_BYTES + WORD_BYTES / 2)
  }

  /** The first word from `from` on that is not zero; `length` if there is none. */
  nextSet(from: number): number {
    const halves = this.#halves
    const { length } = halves
    let at = 2 * from
    // Most tables are almost empty: four words at a time.
    while (at + 8 <= length) {
      if (
        (half(halves, at) |
          half(halves, at + 1) |
          half(halves, at + 2) |
          half(halves, at + 3) |
          half(halves, at + 4) |
          half(halves, at + 5) |
          half(halves, at + 6) |
          half(halves, at + 7)) !==
        0
      ) {
        break
      }
      at += 8
    }
    for (; at < length; at++) if (halves[at] !== 0) return at >> 1
    return this.length
  }

  /** The words set since the last call; the first call starts to keep account and has none. */
  takeChanged(): readonly number[] {
    const changed = this.#changed ?? []
    this.#changed = []
    return changed
  }

  set(index: number, high: number, low: number): void {
    this.#changed?.push(index)
    this.#view.setUint32(index * WORD_BYTES, high)
    this.#view.setUint32(index * WORD_BYTES + WORD_BYTES / 2, low)
  }

  exact(index: number): bigint {
    return this.#view.getBigUint64(index * WORD_BYTES)
  }

  setExact(index: number, value: bigint): void {
    this.#changed?.push(index)
    this.#view.setBigUint64(index * WORD_BYTES, value)
  }
}

function half(halves: Int32Array, at: number): number {
  return halves[at] ?? 0
}

const WORD_BYTES = 8
