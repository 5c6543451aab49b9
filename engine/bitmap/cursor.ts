/**
 * Walks over the dirty bits of a bitmap that changes meanwhile, in the order of a real QEMU's
 * iterator: bits stand in words of 64, words in words of 64 words, and so on. What was clean when its
 * word was reached is passed over, and so is what is clean by the time it would be its turn.
 */
import type { Bitmap } from './bitmap.ts'

const WORD_BITS = 64

export class DirtyCursor {
  readonly #bitmap: Bitmap
  /** Of the word reached at each level, the places still to come, last first; bits come lowest. */
  readonly #ahead: number[][] = []

  constructor(bitmap: Bitmap) {
    this.#bitmap = bitmap
    const bits = Math.ceil(bitmap.size / bitmap.granularity)
    for (let places = 1; places < bits || places === 1; places *= WORD_BITS) this.#ahead.push([])
    this.restart(0)
  }

  /** Goes on at `offset`, with all that is dirty there now. */
  restart(offset: number): void {
    let place = Math.floor(offset / this.#bitmap.granularity)
    for (const level of this.#ahead.keys()) {
      // The place that the lower levels are in has been reached.
      this.#ahead[level] = this.#dirtyOf(
        level,
        Math.floor(place / WORD_BITS),
        level > 0 ? place + 1 : place,
      )
      place = Math.floor(place / WORD_BITS)
    }
  }

  /** The offset of the next dirty bit, none at the end. */
  next(): number | undefined {
    for (let level = 0; level < this.#ahead.length; level++) {
      let place = this.#take(level)
      if (place === undefined) continue
      for (let below = level - 1; below >= 0; below--) {
        this.#ahead[below] = this.#dirtyOf(below, place, 0)
        place = this.#take(below) ?? place
      }
      return place * this.#bitmap.granularity
    }
    return undefined
  }

  /** The next place of the level that is still dirty. */
  #take(level: number): number | undefined {
    for (;;) {
      const place = this.#ahead[level]?.pop()
      if (place === undefined || this.#dirtyFrom(level, place) === place) return place
    }
  }

  /** The dirty places of a word, last first. */
  #dirtyOf(level: number, word: number, from: number): number[] {
    const places: number[] = []
    const end = (word + 1) * WORD_BITS
    let place = this.#dirtyFrom(level, Math.max(from, word * WORD_BITS))
    while (place !== undefined && place < end) {
      places.push(place)
      place = this.#dirtyFrom(level, place + 1)
    }
    return places.reverse()
  }

  /** The first place at or behind `from` that has something dirty. */
  #dirtyFrom(level: number, from: number): number | undefined {
    const bytes = this.#bitmap.granularity * WORD_BITS ** level
    const dirty = this.#bitmap.nextDirtyByte(from * bytes)
    return dirty === undefined ? undefined : Math.floor(dirty / bytes)
  }
}
