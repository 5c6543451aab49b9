/**
 * A set of names in the order in which QEMU walks it: a GLib hash table. Open addressing, a prime
 * for the first slot, growing strides, and a rehash in place that evicts.
 */

/** Largest primes below the powers of two, from 2^3 on. */
const PRIMES = [7, 13, 31, 61, 127, 251, 509, 1021, 2039, 4093, 8191, 16381, 32749, 65521]
const SMALLEST_SHIFT = 3

/** A slot is a name, empty (`undefined`), or was a name (`null`). */
type Slot = string | null | undefined

export class NameTable {
  #slots: Slot[] = empty(SMALLEST_SHIFT)
  #shift = SMALLEST_SHIFT
  #names = 0
  /** Slots that are not empty. */
  #occupied = 0

  add(name: string): void {
    const [index, free] = this.#probe(name)
    if (index !== undefined) return
    if (this.#slots[free] === undefined) this.#occupied += 1
    this.#slots[free] = name
    this.#names += 1
    this.#resizeIfNeeded()
  }

  remove(name: string): void {
    const [index] = this.#probe(name)
    if (index === undefined) return
    this.#slots[index] = null
    this.#names -= 1
    this.#resizeIfNeeded()
  }

  names(): string[] {
    return this.#slots.filter((slot) => typeof slot === 'string')
  }

  /** Where the name is, if it is, and where it would go. */
  #probe(name: string): [index: number | undefined, free: number] {
    let index = this.#firstSlot(name)
    let grave: number | undefined
    for (let step = 1; this.#slots[index] !== undefined; step += 1) {
      if (this.#slots[index] === name) return [index, index]
      if (this.#slots[index] === null) grave ??= index
      index = this.#next(index, step)
    }
    return [undefined, grave ?? index]
  }

  #firstSlot(name: string): number {
    const spread = Math.imul(hash(name), 11) >>> 0
    return spread % (PRIMES[this.#shift - SMALLEST_SHIFT] ?? 1)
  }

  #next(index: number, step: number): number {
    return (index + step) & ((1 << this.#shift) - 1)
  }

  #resizeIfNeeded(): void {
    const size = 1 << this.#shift
    const tooLarge = size > this.#names * 4 && this.#shift > SMALLEST_SHIFT
    const tooFull = size <= this.#occupied + Math.floor(this.#occupied / 16)
    if (tooLarge || tooFull) this.#rehash()
  }

  #rehash(): void {
    const oldSize = this.#slots.length
    this.#shift = Math.max(SMALLEST_SHIFT, bitLength(Math.trunc(this.#names * 1.333)))
    const size = 1 << this.#shift
    const slots = [...this.#slots, ...empty(this.#shift)].slice(0, Math.max(size, oldSize))
    const placed = new Set<number>()
    for (let index = 0; index < oldSize; index += 1) {
      if (placed.has(index)) continue
      let name = slots[index]
      slots[index] = undefined
      while (typeof name === 'string') {
        let target = this.#firstSlot(name)
        for (let step = 1; placed.has(target); step += 1) target = this.#next(target, step)
        placed.add(target)
        const evicted: Slot = slots[target]
        slots[target] = name
        name = evicted
      }
    }
    this.#slots = slots.slice(0, size)
    this.#occupied = this.#names
  }
}

function empty(shift: number): Slot[] {
  return Array.from<Slot>({ length: 1 << shift }).fill(undefined)
}

const encoder = new TextEncoder()

/** GLib's hash of a C string. */
function hash(name: string): number {
  let value = 5381
  for (const byte of encoder.encode(name)) value = (Math.imul(value, 33) + ((byte << 24) >> 24)) | 0
  // 0 and 1 mark empty slots.
  return value >>> 0 < 2 ? 2 : value >>> 0
}

function bitLength(value: number): number {
  return 32 - Math.clz32(value)
}
