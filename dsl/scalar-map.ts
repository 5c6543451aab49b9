/**
 * Where each character of a decoded YAML scalar stands in the source. Folding changes white space
 * only, so plain, single-quoted and folded scalars are aligned by their other characters; double
 * quotes are decoded again, literal blocks go line by line.
 */

export type ScalarStyle =
  'PLAIN' | 'QUOTE_DOUBLE' | 'QUOTE_SINGLE' | 'BLOCK_LITERAL' | 'BLOCK_FOLDED'

/**
 * The offset of each character of `value`, and of its end. `raw` is the scalar as written, quotes
 * or block header included; `start` is its place.
 */
export function mapScalar(
  style: ScalarStyle,
  raw: string,
  start: number,
  value: string,
): (index: number) => number {
  const offsets = lazily(() => offsetsIn(style, raw, value))
  if (style === 'PLAIN' && raw === value) return (index) => start + index
  return (index) => start + (offsets()[index] ?? raw.length)
}

function lazily<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined
  return () => (made ??= { value: make() }).value
}

/** Offsets relative to `raw`, one more than `value` has characters. */
function offsetsIn(style: ScalarStyle, raw: string, value: string): readonly number[] {
  switch (style) {
    case 'PLAIN':
      return align(raw, 0, value, false)
    case 'QUOTE_SINGLE':
      return align(raw, 1, value, true)
    case 'QUOTE_DOUBLE':
      return doubleQuoted(raw)
    case 'BLOCK_FOLDED':
      return align(raw, raw.indexOf('\n') + 1, value, false)
    case 'BLOCK_LITERAL':
      return literal(raw, value)
  }
}

const isBlank = (char: string | undefined): boolean =>
  char === ' ' || char === '\t' || char === '\n' || char === '\r'

function align(raw: string, from: number, value: string, doubled: boolean): number[] {
  const offsets: number[] = []
  let at = from
  for (const char of units(value)) {
    if (isBlank(char)) {
      offsets.push(Math.min(at, raw.length))
      if (raw[at] === char || isBlank(raw[at])) at++
      continue
    }
    while (isBlank(raw[at])) at++
    offsets.push(at)
    at += doubled && char === "'" ? 2 : 1
  }
  return [...offsets, Math.min(at, raw.length)]
}

function units(text: string): string[] {
  return Array.from({ length: text.length }, (_, index) => text[index] ?? '')
}

/** Digits after `\x`, `\u`, `\U`. */
const HEX_DIGITS: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 }

function doubleQuoted(raw: string): number[] {
  const offsets: number[] = []
  let at = 1
  while (at < raw.length - 1) {
    const char = raw[at]
    if (char === '\\') {
      at = escape(raw, at, offsets)
    } else if (char === '\n' || char === '\r') {
      at = fold(raw, at, offsets)
    } else {
      offsets.push(at)
      at++
    }
  }
  return [...offsets, at]
}

/** Records the escape at `at`; answers where the text goes on. */
function escape(raw: string, at: number, offsets: number[]): number {
  const kind = raw[at + 1] ?? ''
  if (kind === '\n' || kind === '\r') return skipBlanks(raw, at + 1)
  const digits = HEX_DIGITS[kind] ?? 0
  offsets.push(at)
  if (kind === 'U' && parseInt(raw.slice(at + 2, at + 10), 16) > 0xffff) offsets.push(at)
  return at + 2 + digits
}

/** A line break becomes one space, or as many breaks as there are empty lines after it. */
function fold(raw: string, at: number, offsets: number[]): number {
  while (offsets.length > 0 && isRawBlank(raw, offsets.at(-1))) offsets.pop()
  const end = skipBlanks(raw, at)
  const breaks = raw.slice(at, end).split('\n').length - 1
  for (let count = 0; count < Math.max(1, breaks - 1); count++) offsets.push(at)
  return end
}

function isRawBlank(raw: string, at: number | undefined): boolean {
  return at !== undefined && (raw[at] === ' ' || raw[at] === '\t')
}

function skipBlanks(raw: string, from: number): number {
  let at = from
  while (isBlank(raw[at])) at++
  return at
}

function literal(raw: string, value: string): number[] {
  const offsets: number[] = []
  const rawLines = raw.split('\n')
  const lines = value.split('\n')
  const indent = literalIndent(rawLines, lines)
  let lineStart = (rawLines[0]?.length ?? 0) + 1
  for (const [number, line] of lines.entries()) {
    const rawLine = rawLines[number + 1] ?? ''
    const first = lineStart + Math.min(indent, rawLine.length)
    for (let index = 0; index < line.length; index++) offsets.push(first + index)
    const last = number === lines.length - 1
    offsets.push(Math.min(first + line.length, raw.length))
    if (!last) lineStart += rawLine.length + 1
  }
  return offsets
}

function literalIndent(rawLines: readonly string[], lines: readonly string[]): number {
  for (const [number, line] of lines.entries()) {
    const rawLine = (rawLines[number + 1] ?? '').replace(/\r$/, '')
    if (line.trim() !== '') return Math.max(0, rawLine.length - line.length)
  }
  return 0
}
