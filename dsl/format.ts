/**
 * `blockspec fmt`: one indentation, no trailing blanks, one spelling of braces in a file: `{a: 1}`
 * or `{ a: 1 }`, whichever it has more of. Comments, order, quotes, line breaks and aligned columns
 * stay as they are. The result means the same, and formatting it again changes nothing; where that
 * can not be had, the text comes back as it was.
 */
import { Composer, CST, Parser } from 'yaml'
import { LIMITS } from './limits.ts'
import { parseDocument } from './document.ts'
import { Report } from './problem.ts'
import { Source } from './source.ts'
import { toValue } from './template.ts'

export function formatScenario(text: string): string {
  const meaning = meaningOf(text)
  if (meaning === undefined) return text
  const once = layOut(text.replaceAll('\r\n', '\n'))
  if (meaningOf(once) !== meaning || layOut(once) !== once) return text
  return once
}

/** The values of a file, or undefined where it is no valid YAML. */
function meaningOf(text: string): string | undefined {
  if (text.length > LIMITS.fileLength) return undefined
  const report = new Report()
  const root = parseDocument(new Source('', text), report)
  if (root === undefined || report.list().length > 0) return undefined
  return JSON.stringify(toValue(root), (_key, value: unknown) =>
    typeof value === 'bigint' ? `${String(value)}n` : value,
  )
}

type Token = CST.Token

function layOut(text: string): string {
  const tokens = [...new Parser().parse(text)]
  // Composing fills in nothing, but a text that does not compose is not laid out.
  const [document] = new Composer().compose(tokens)
  if (document === undefined || document.errors.length > 0) return text
  const layout = new Layout(text, isAiry(text, tokens))
  for (const token of tokens)
    if (token.type === 'document' && token.value !== undefined) layout.walk(token.value, 0)
  return layout.render()
}

/** Whether a file has more `{ a: 1 }` than `{a: 1}`. */
function isAiry(text: string, tokens: readonly Token[]): boolean {
  let airy = 0
  let tight = 0
  const pending: (Token | null | undefined)[] = [...tokens]
  for (let token = pending.pop(); pending.length > 0 || token; token = pending.pop()) {
    if (!token) continue
    if (token.type === 'document') pending.push(token.value)
    if (!('items' in token)) continue
    for (const item of token.items) pending.push('key' in item ? item.key : null, item.value)
    if (token.type !== 'flow-collection' || token.start.type !== 'flow-map-start') continue
    const next = text[token.start.offset + 1]
    if (next === ' ') airy++
    else if (next !== '}' && next !== '\n') tight++
  }
  return airy > tight
}

interface Line {
  readonly start: number
  readonly text: string
  readonly oldIndent: number
  newIndent: number | undefined
  /** Part of a multi-line scalar: blanks at its end and empty lines are content. */
  content: boolean
}

interface Edit {
  readonly offset: number
  readonly remove: number
  readonly insert: string
}

class Layout {
  readonly #lines: Line[] = []
  /** By the start of the line, then by offset. */
  readonly #edits = new Map<number, Map<number, Edit>>()
  readonly #text: string
  /** Whether the file has more `{ a: 1 }` than `{a: 1}`. */
  readonly #airy: boolean

  constructor(text: string, airy: boolean) {
    this.#text = text
    this.#airy = airy
    let start = 0
    for (const line of text.split('\n')) {
      const oldIndent = line.length - line.trimStart().length
      this.#lines.push({ start, text: line, oldIndent, newIndent: undefined, content: false })
      start += line.length + 1
    }
  }

  walk(token: Token, indent: number): void {
    switch (token.type) {
      case 'block-map':
        for (const { start, key, value } of token.items) {
          const first = start.find((item) => isMark(item.type)) ?? key
          if (first !== undefined && first !== null) this.#place(first.offset, indent)
          if (key !== null && key !== undefined) this.#leaf(key, indent)
          if (value !== undefined) this.#value(value, indent + 2)
        }
        return
      case 'block-seq':
        for (const { start, value } of token.items) {
          const dash = start.find((item) => item.type === 'seq-item-ind')
          if (dash !== undefined) {
            this.#place(dash.offset, indent)
            this.#tightenDash(dash.offset)
          }
          if (value !== undefined) this.#value(value, indent + 2)
        }
        return
      default:
        this.#leaf(token, indent)
    }
  }

  /** A value behind `key:` or a dash. */
  #value(token: Token, indent: number): void {
    if (token.type === 'block-map' || token.type === 'block-seq') this.walk(token, indent)
    else this.#leaf(token, indent)
  }

  #leaf(token: Token, indent: number): void {
    if (token.type === 'block-scalar') {
      this.#blockScalar(token, indent)
      return
    }
    this.#place(token.offset, indent)
    if (token.type === 'flow-collection') this.#flow(token)
    const first = this.#lineAt(token.offset)
    const last = this.#lineAt(lastOffset(token))
    const line = this.#lines[first]
    const shift = line?.newIndent === undefined ? 0 : line.newIndent - line.oldIndent
    for (const next of this.#lines.slice(first + 1, last + 1)) {
      next.newIndent = Math.max(indent, next.oldIndent + shift)
      next.content = token.type !== 'flow-collection'
    }
  }

  /** Content moves as one; an explicit indentation indicator forbids to move it. */
  #blockScalar(token: Token & { readonly type: 'block-scalar' }, indent: number): void {
    const header = token.props.find((item) => item.type === 'block-scalar-header')
    const first = this.#lineAt(token.props[0]?.offset ?? token.offset) + 1
    const count = token.source === '' ? 0 : token.source.replace(/\n$/, '').split('\n').length
    const lines = this.#lines.slice(first, first + count)
    const body = lines.find(({ text }) => text.trim() !== '')
    const explicit = header !== undefined && /\d/.test(CST.stringify(header))
    const shift = body === undefined || explicit ? 0 : indent - body.oldIndent
    for (const line of lines) {
      line.content = true
      // A tab at the margin is content, so a later line may stand further left than the first.
      const moved = Math.max(0, line.oldIndent + shift)
      line.newIndent = line.text.trim() === '' ? line.oldIndent : moved
      if (line.text.trim() === '' && !explicit && line.oldIndent <= (body?.oldIndent ?? 0))
        line.newIndent = 0
    }
  }

  /** Blanks inside the brackets of a collection on one line. */
  #flow(token: Token & { readonly type: 'flow-collection' }): void {
    const closing = token.end.find(isClosing)
    const oneLine =
      closing !== undefined && this.#lineAt(token.offset) === this.#lineAt(closing.offset)
    if (oneLine && token.items.length > 0) {
      const airy = this.#airy && token.start.type === 'flow-map-start'
      this.#blanks(token.start.offset + 1, 'after', airy)
      this.#blanks(closing.offset, 'before', airy)
    }
    for (const { start, value, key } of token.items) {
      for (const item of start) if (item.type === 'comma' && oneLine) this.#comma(item.offset)
      if (key?.type === 'flow-collection') this.#flow(key)
      if (value?.type === 'flow-collection') this.#flow(value)
    }
  }

  /** No blank before it, at least one behind it. */
  #comma(offset: number): void {
    this.#blanks(offset, 'before', false)
    if (!/\s/.test(this.#text[offset + 1] ?? ' ')) {
      this.#edit({ offset: offset + 1, remove: 0, insert: ' ' })
    }
  }

  /** Makes the blanks beside a place one or none. */
  #blanks(offset: number, side: 'before' | 'after', wanted: boolean): void {
    let from = offset
    let to = offset
    if (side === 'before') while (this.#text[from - 1] === ' ') from--
    else while (this.#text[to] === ' ') to++
    const insert = wanted ? ' ' : ''
    if (to - from !== insert.length) this.#edit({ offset: from, remove: to - from, insert })
  }

  #tightenDash(dash: number): void {
    let end = dash + 1
    while (this.#text[end] === ' ') end++
    const next = this.#text[end]
    if (end - dash > 2 && next !== undefined && next !== '\n' && next !== '#') {
      this.#edit({ offset: dash + 2, remove: end - dash - 2, insert: '' })
    }
  }

  #edit(edit: Edit): void {
    const start = this.#lines[this.#lineAt(edit.offset)]?.start ?? 0
    const own = this.#edits.get(start) ?? new Map<number, Edit>()
    if (!own.has(edit.offset)) own.set(edit.offset, edit)
    this.#edits.set(start, own)
  }

  /** Sets the indentation of a line whose first character is this one. */
  #place(offset: number, indent: number): void {
    const line = this.#lines[this.#lineAt(offset)]
    if (line !== undefined && line.start + line.oldIndent === offset) line.newIndent ??= indent
  }

  #lineAt(offset: number): number {
    let low = 0
    let high = this.#lines.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((this.#lines[middle]?.start ?? 0) <= offset) low = middle
      else high = middle - 1
    }
    return low
  }

  render(): string {
    this.#placeComments()
    const out: string[] = []
    for (const line of this.#lines) {
      const body = this.#edited(line).slice(line.oldIndent)
      const tidy = line.content ? body : body.trimEnd()
      if (tidy === '' && !line.content) {
        if (out.length > 0 && out.at(-1) !== '') out.push('')
        continue
      }
      const spaced = /^#[^\s!#]/.test(tidy) && !line.content ? `# ${tidy.slice(1)}` : tidy
      out.push(' '.repeat(line.newIndent ?? line.oldIndent) + spaced)
    }
    while (out.at(-1) === '') out.pop()
    return `${out.join('\n')}\n`
  }

  /** The line with its edits done; they lie behind its indentation. */
  #edited(line: Line): string {
    let { text } = line
    const own = this.#edits.get(line.start)
    if (own === undefined) return text
    for (const { offset, remove, insert } of [...own.values()].toSorted(
      (a, b) => b.offset - a.offset,
    )) {
      const at = offset - line.start
      text = text.slice(0, at) + insert + text.slice(at + remove)
    }
    return text
  }

  /** A comment line goes with the next line of content, or the one before it at its old indent. */
  #placeComments(): void {
    const isGuide = (line: Line) => line.newIndent !== undefined && !line.content
    let before: Line | undefined
    const waiting: { readonly line: Line; readonly before: Line | undefined }[] = []
    const settle = (after: Line | undefined) => {
      for (const { line, before: previous } of waiting.splice(0)) {
        const twin = [after, previous].find((other) => other?.oldIndent === line.oldIndent)
        line.newIndent = (twin ?? after ?? previous)?.newIndent ?? line.oldIndent
      }
    }
    for (const line of this.#lines) {
      if (isGuide(line)) {
        settle(line)
        before = line
      } else if (line.newIndent === undefined && line.text.trimStart().startsWith('#')) {
        waiting.push({ line, before })
      }
    }
    settle(undefined)
  }
}

function isClosing(item: { readonly type: string }): boolean {
  return item.type === 'flow-map-end' || item.type === 'flow-seq-end'
}

function isMark(type: string): boolean {
  return type === 'anchor' || type === 'tag' || type === 'explicit-key-ind'
}

/** Offset of the last character of a flow token. */
function lastOffset(token: Token): number {
  if (token.type === 'flow-collection') {
    const closing = token.end.find(isClosing)
    return closing?.offset ?? token.offset
  }
  const length = 'source' in token ? token.source.length : 0
  return token.offset + Math.max(0, length - 1)
}
