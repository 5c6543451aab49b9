/** A source file with its line table: turns character offsets into spans. */
import type { Span } from './plan.ts'

export class Source {
  readonly file: string
  readonly text: string
  readonly #lineStarts: readonly number[]

  constructor(file: string, text: string) {
    this.file = file
    this.text = text
    const starts = [0]
    for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) {
      starts.push(at + 1)
    }
    this.#lineStarts = starts
  }

  /** The half-open range `start..end`, clamped to the text. */
  span(start: number, end: number): Span {
    const from = clamp(start, 0, this.text.length)
    const to = clamp(end, from, this.text.length)
    const first = this.#lineIndex(from)
    const last = to === from ? first : this.#lineIndex(to)
    return {
      file: this.file,
      start: from,
      end: to,
      line: first + 1,
      column: from - (this.#lineStarts[first] ?? 0) + 1,
      endLine: last + 1,
      endColumn: to - (this.#lineStarts[last] ?? 0) + 1,
    }
  }

  /** Index of the line that holds `offset`, by bisection. */
  #lineIndex(offset: number): number {
    let low = 0
    let high = this.#lineStarts.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((this.#lineStarts[middle] ?? 0) <= offset) low = middle
      else high = middle - 1
    }
    return low
  }
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high)
}
