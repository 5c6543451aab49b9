/** Shows a unified diff: marks the words that changed, and folds what is too long. */
import type { Paint } from './paint.ts'

const LONGEST = 60

/** The lines of a unified diff, ready to print. `all`: the whole of it, however long. */
export function showDiff(diff: string, paint: Paint, all: boolean): readonly string[] {
  const lines = diff.replace(/\n$/, '').split('\n')
  const shown = all ? lines : lines.slice(0, LONGEST)
  const painted = shown.map((line, index) => paintLine(shown, index, line, paint))
  const folded = lines.length - shown.length
  return folded === 0 ? painted : [...painted, `… ${folded} more lines; --show all prints them`]
}

function paintLine(lines: readonly string[], index: number, line: string, paint: Paint): string {
  if (line.startsWith('@@')) return paint('cyan', line)
  if (line.startsWith('-')) return paint('red', mark(line, partner(lines, index, '-', '+'), paint))
  if (line.startsWith('+'))
    return paint('green', mark(line, partner(lines, index, '+', '-'), paint))
  return line
}

/** The line on the other side that a line replaces, when a block has as many lines as its twin. */
function partner(
  lines: readonly string[],
  index: number,
  own: string,
  other: string,
): string | undefined {
  let first = index
  while (lines[first - 1]?.startsWith(own)) first -= 1
  let end = index + 1
  while (lines[end]?.startsWith(own)) end += 1
  const size = end - first
  const start = own === '-' ? end : first - size
  for (let offset = 0; offset < size; offset += 1) {
    if (!(lines[start + offset]?.startsWith(other) ?? false)) return undefined
  }
  const beyond = own === '-' ? lines[start + size] : lines[start - 1]
  return (beyond?.startsWith(other) ?? false) ? undefined : lines[start + (index - first)]
}

/** Highlights the part between what both lines start with and what both end with, by words. */
function mark(line: string, twin: string | undefined, paint: Paint): string {
  if (twin === undefined) return line
  const own = line.slice(1).split(/(?<=\s)|(?=\s)/)
  const their = twin.slice(1).split(/(?<=\s)|(?=\s)/)
  let head = 0
  while (head < own.length && head < their.length && own[head] === their[head]) head += 1
  let tail = 0
  while (
    tail < Math.min(own.length, their.length) - head &&
    own[own.length - 1 - tail] === their[their.length - 1 - tail]
  ) {
    tail += 1
  }
  const middle = own.slice(head, own.length - tail).join('')
  const marked = middle === '' ? '' : paint('inverse', middle)
  return [line[0], ...own.slice(0, head), marked, ...own.slice(own.length - tail)].join('')
}
