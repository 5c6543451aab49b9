/**
 * How a line of a golden is broken: at most 100 columns, outcome at column 65 where it fits, lists
 * of maps one item a line. `unfold` joins the pieces again.
 */
import type { Shown } from './notation.ts'
import {
  isAction,
  isShownList,
  isShownMap,
  memberKey,
  show,
  showMember,
  showMembers,
} from './notation.ts'

export const WIDTH = 100
export const OUTCOME_COLUMN = 65
/** Where continued requests go on. */
const REQUEST_INDENT = 10
/** Where what belongs to the line above stands. */
const DETAIL_INDENT = 6

/** A line kind in its column: `qmp   `. */
export function label(kind: string): string {
  return kind.padEnd(DETAIL_INDENT)
}

/** `kind  words members  => outcome`, folded. */
export function requestLines(
  head: string,
  members: Readonly<Record<string, Shown>>,
  outcome: string | undefined,
): string[] {
  const rest = showMembers(members)
  const whole = rest === '' ? head : `${head} ${rest}`
  const single = withOutcome([whole], outcome)
  if (single.length === 1 && (single[0]?.length ?? 0) <= WIDTH) return single
  const lines: string[] = []
  let line = head
  for (const piece of pieces(members)) {
    if (piece.broken !== undefined) {
      lines.push(...greedy(`${line} ${piece.text}`, REQUEST_INDENT))
      for (const item of piece.broken)
        lines.push(...greedy(pad(REQUEST_INDENT) + item, REQUEST_INDENT + 2))
      line = lines.pop() ?? ''
    } else {
      line = `${line} ${piece.text}`
    }
  }
  lines.push(...greedy(line, REQUEST_INDENT))
  return withOutcome(lines, outcome)
}

interface Piece {
  readonly text: string
  /** Items that stand on lines of their own, the last one with the closing bracket. */
  readonly broken?: readonly string[]
}

function pieces(members: Readonly<Record<string, Shown>>): Piece[] {
  return Object.entries(members).map(([name, value]) => {
    if (!isShownList(value) || value.length < 2 || !value.some(isShownMap)) {
      return { text: showMember(name, value) }
    }
    const items = value.map(show)
    const last = items.pop() ?? ''
    return { text: `${memberKey(name)}[`, broken: [...items, `${last}]`] }
  })
}

/** Puts the outcome behind the last line: at its column, or two blanks on, or on the next line. */
function withOutcome(lines: readonly string[], outcome: string | undefined): string[] {
  if (outcome === undefined) return [...lines]
  const last = lines.at(-1) ?? ''
  const before = lines.slice(0, -1)
  if (last.length < OUTCOME_COLUMN - 1)
    return [...before, `${last.padEnd(OUTCOME_COLUMN)}=> ${outcome}`]
  const joined = `${last}  => ${outcome}`
  if (joined.length <= WIDTH) return [...before, joined]
  // The last word moves down to where the outcome fits.
  const cut = lastBreak(last)
  if (cut === undefined) return [...lines, `${pad(OUTCOME_COLUMN)}=> ${outcome}`]
  const tail = pad(REQUEST_INDENT) + last.slice(cut + 1)
  return [...before, last.slice(0, cut), ...withOutcome([tail], outcome)]
}

/** Lines that a value may take before each of its members gets one of its own. */
const SHORT = 2

/** A reply's value below its request: compact where short, else so that a new member is a new line. */
export function valueLines(value: Shown): string[] {
  return layOut(undefined, value, DETAIL_INDENT)
}

function layOut(name: string | undefined, value: Shown, indent: number): string[] {
  const whole = name === undefined ? show(value) : showMember(name, value)
  const compact = greedy(pad(indent) + whole, indent + 2)
  if (compact.length <= SHORT && compact.every((line) => line.length <= WIDTH)) return compact
  const key = name === undefined ? '' : memberKey(name)
  if (isShownList(value) && value.length > 0) {
    const items = value.flatMap((item) => layOut(undefined, item, indent + 2))
    return [`${pad(indent)}${key}[`, ...items, `${pad(indent)}]`]
  }
  if (isShownMap(value) && Object.keys(value).length > 0 && !isAction(value)) {
    const members = Object.entries(value).flatMap(([inner, member]) =>
      layOut(inner, member, indent + 2),
    )
    return [`${pad(indent)}${key}{`, ...members, `${pad(indent)}}`]
  }
  return compact
}

/** Text of an error: below `|`, broken at blanks. */
export function textLines(text: string): string[] {
  const escaped = escapeText(text)
  const first = `${pad(DETAIL_INDENT)}| `
  const room = WIDTH - first.length
  const lines: string[] = []
  let rest = escaped
  while (rest.length > room) {
    // Only single blanks are break points, so that joining with one gives the text back.
    let cut = -1
    for (let at = room; at > 0 && cut < 0; at -= 1) {
      if (rest.charAt(at) === ' ' && rest.charAt(at - 1) !== ' ' && rest.charAt(at + 1) !== ' ')
        cut = at
    }
    if (cut < 0) {
      const hard = cutBetweenEscapes(rest, room - 1)
      lines.push(`${first}${hard}\\`)
      rest = rest.slice(hard.length)
    } else {
      lines.push(first + rest.slice(0, cut))
      rest = rest.slice(cut + 1)
    }
  }
  lines.push((first + rest).trimEnd())
  return lines
}

/** The longest beginning of at most `room` characters that tears no escape apart. */
function cutBetweenEscapes(text: string, room: number): string {
  let end = 0
  for (const [token] of text.matchAll(/\\u[0-9a-f]{4}|\\.|./gsu)) {
    if (end + token.length > room) break
    end += token.length
  }
  return text.slice(0, end)
}

/** The text that `textLines` was given. */
export function joinText(lines: readonly string[]): string {
  let whole = ''
  lines.forEach((line, index) => {
    const part = line.slice(DETAIL_INDENT + 2)
    if (index === 0) whole = part
    else whole = torn(whole) ? whole.slice(0, -1) + part : `${whole} ${part}`
  })
  return unescapeText(whole)
}

/** Whether a text line ends in the mark of a word torn in two, which no escape ends in. */
function torn(text: string): boolean {
  return /(?:^|[^\\])(?:\\\\)*\\$/.test(text)
}

function escapeText(text: string): string {
  const escaped = text.replace(/\\|\p{Cc}/gu, (char) =>
    char === '\\'
      ? '\\\\'
      : char === '\n'
        ? '\\n'
        : `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  // A blank at the end would be trimmed.
  return escaped.replace(/ $/, '\\u0020')
}

function unescapeText(text: string): string {
  return text.replace(/\\(\\|n|u([0-9a-f]{4}))/g, (_all, kind: string, code: string | undefined) =>
    code !== undefined ? String.fromCharCode(parseInt(code, 16)) : kind === 'n' ? '\n' : '\\',
  )
}

/** Breaks a line at blanks outside of quotes, or between the pieces of a long string. */
export function greedy(line: string, indent: number): string[] {
  const lines: string[] = []
  let rest = line
  while (rest.length > WIDTH) {
    const cut = breakBefore(rest, WIDTH, indent)
    if (cut === undefined) break
    lines.push(rest.slice(0, cut.end))
    rest = pad(indent) + rest.slice(cut.next)
  }
  return [...lines, rest]
}

interface Cut {
  readonly end: number
  readonly next: number
}

function breakBefore(line: string, limit: number, indent: number): Cut | undefined {
  let best: Cut | undefined
  let quoted = false
  const start = line.length - line.trimStart().length
  for (let at = 0; at < line.length; at += 1) {
    const char = line.charAt(at)
    if (quoted) {
      if (char === '\\') at += 1
      else if (char === '"') quoted = false
    } else if (char === '"') {
      quoted = true
    } else if (char === ' ' && at > Math.max(start, indent)) {
      // A cut where only blanks lie before would not shorten anything.
      if (at > limit) return best ?? { end: at, next: at + 1 }
      if (line.slice(0, at).trim() !== '') best = { end: at, next: at + 1 }
    } else if (char === '~' && line.charAt(at - 1) === '"' && at > Math.max(start, indent)) {
      if (at + 1 > limit) return best ?? { end: at + 1, next: at + 1 }
      best = { end: at + 1, next: at + 1 }
    }
  }
  return best
}

function lastBreak(line: string): number | undefined {
  let found: number | undefined
  let quoted = false
  const start = line.length - line.trimStart().length
  for (let at = start; at < line.length; at += 1) {
    const char = line.charAt(at)
    if (char === '\\' && quoted) at += 1
    else if (char === '"') quoted = !quoted
    else if (char === ' ' && !quoted && at > REQUEST_INDENT) found = at
  }
  return found
}

/** One line from the lines that it was folded into. */
export function unfold(lines: readonly string[]): string {
  let whole = ''
  lines.forEach((line, index) => {
    if (index === 0) whole = line
    else if (/[[{]$|"~$/.test(whole) || /^ *[\]}]/.test(line)) whole += line.trimStart()
    else whole = `${whole.trimEnd()} ${line.trimStart()}`
  })
  return whole
}

export function pad(count: number): string {
  return ' '.repeat(count)
}
