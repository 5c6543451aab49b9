/**
 * Text to tree: YAML 1.2 core schema, integers exact, no tags, no directives, one document.
 * Everything is bounded, and every problem of the stage is reported.
 */
import { Composer, Lexer, Parser, isAlias, isMap, isScalar, isSeq, type Document } from 'yaml'
import { LIMITS } from './limits.ts'
import type { Note, Report } from './problem.ts'
import type { Scalar } from './plan.ts'
import { mapScalar, type ScalarStyle } from './scalar-map.ts'
import { Source } from './source.ts'
import { didYouMean } from './suggest.ts'
import { spanOf, withVia, type Entry, type MapNode, type Node, type ScalarNode } from './tree.ts'
import { reportYamlErrors } from './yaml-errors.ts'

/** The tree of a file, or undefined where the text is no YAML we take; problems are reported. */
export function parseDocument(source: Source, report: Report): Node | undefined {
  if (!isAcceptableText(source, report)) return undefined
  try {
    return compose(source, report)
  } catch (error) {
    // The parser is not ours and its input is anybody's: whatever it throws is the file's fault.
    const message = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)
    report.add('yaml-syntax', source, source.span(0, 0), `this is no YAML we can read: ${message}`)
    return undefined
  }
}

/**
 * Control characters, lone surrogates and the mark of undecodable bytes have no place in text; a
 * carriage return only before a line feed.
 */
const NOT_TEXT = /(?![\n\t\r])\p{Cc}|[\ufffd\p{Surrogate}]|\r(?!\n)/u

function isAcceptableText(source: Source, report: Report): boolean {
  const { text } = source
  if (text.length > LIMITS.fileLength) {
    const limit = `${String(LIMITS.fileLength / 1024)}k characters`
    report.add('file-too-large', source, source.span(0, 0), `a file has at most ${limit}`)
    return false
  }
  const wrong = NOT_TEXT.exec(text)
  if (wrong === null) return true
  const code = text.charCodeAt(wrong.index).toString(16).padStart(4, '0')
  const span = source.span(wrong.index, wrong.index + 1)
  report.add('not-text', source, span, `this is not text: character U+${code}`)
  return false
}

function compose(source: Source, report: Report): Node | undefined {
  const parser = new Parser()
  const tokens = []
  for (const lexeme of new Lexer().lex(source.text)) {
    for (const token of parser.next(lexeme)) tokens.push(token)
    // An open collection is one entry of the stack; the document and a scalar are two more.
    if (parser.stack.length > LIMITS.nesting + 2) {
      const span = source.span(parser.offset, parser.offset)
      const limit = String(LIMITS.nesting)
      report.add('too-deep', source, span, `collections are nested deeper than ${limit} levels`)
      return undefined
    }
  }
  tokens.push(...parser.end())
  const directive = tokens.find((token) => token.type === 'directive')
  if (directive !== undefined) {
    const span = source.span(directive.offset, directive.offset + directive.source.length)
    report.add('yaml-directive', source, span, 'YAML directives are not used here')
    return undefined
  }
  const composer = new Composer({ intAsBigInt: true, uniqueKeys: false, prettyErrors: false })
  const documents = [...composer.compose(tokens, true, source.text.length)]
  const [document, second] = documents
  if (document === undefined) return undefined
  if (reportYamlErrors(source, document, report)) return undefined
  if (second !== undefined) {
    const at = second.range[0]
    report.add('several-documents', source, source.span(at, at), 'a file holds one document')
    return undefined
  }
  return new TreeBuilder(source, report).build(document)
}

interface Anchor {
  readonly node: Node | undefined
}

/** Converts one document; holds its anchors and the count of expanded nodes. */
class TreeBuilder {
  readonly #source: Source
  readonly #report: Report
  readonly #anchors = new Map<string, Anchor>()
  readonly #sizes = new Map<Node, number>()
  #expanded = 0
  #full = false

  constructor(source: Source, report: Report) {
    this.#source = source
    this.#report = report
  }

  build(document: Document.Parsed): Node | undefined {
    const { contents } = document
    return contents === null ? undefined : this.#node(contents)
  }

  #node(node: unknown): Node | undefined {
    if (isAlias(node)) return this.#alias(node.source, startOf(node))
    if (!isScalar(node) && !isMap(node) && !isSeq(node)) return undefined
    const start = startOf(node)
    if (node.tag !== undefined) {
      const message = `tags such as ${node.tag.replace('tag:yaml.org,2002:', '!!')} are not used here`
      this.#report.add('yaml-tag', this.#source, this.#source.span(start, start + 1), message)
    }
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, { node: undefined })
    const built = isScalar(node)
      ? this.#scalar(node)
      : isMap(node)
        ? this.#map(node)
        : this.#list(node)
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, { node: built })
    return this.#counted(built)
  }

  /** Counts a node with all below it; stops where aliases multiply beyond the limit. */
  #counted(node: Node | undefined): Node | undefined {
    if (node === undefined) return undefined
    this.#expanded++
    if (this.#expanded <= LIMITS.expandedNodes) return node
    this.#tooLarge(node)
    return undefined
  }

  #tooLarge(node: Node): void {
    if (this.#full) return
    this.#full = true
    const message = `the file has more than ${String(LIMITS.expandedNodes)} values once its aliases are expanded`
    this.#report.add('alias-bomb', this.#source, spanOf(node), message)
  }

  #alias(name: string, start: number): Node | undefined {
    const span = this.#source.span(start, start + name.length + 1)
    const anchor = this.#anchors.get(name)
    if (anchor === undefined) {
      this.#report.add(
        'unknown-anchor',
        this.#source,
        span,
        `no anchor &${name} stands before this`,
        {
          help: didYouMean(name, this.#anchors.keys()),
        },
      )
      return undefined
    }
    const { node } = anchor
    if (node === undefined) {
      this.#report.add('alias-cycle', this.#source, span, `*${name} stands inside its own anchor`)
      return undefined
    }
    this.#expanded += this.#sizeOf(node)
    if (this.#expanded > LIMITS.expandedNodes) {
      this.#tooLarge({ ...node, start, end: start + name.length + 1 })
      return undefined
    }
    const note: Note = { message: `used here through *${name}`, span }
    return withVia(node, note)
  }

  #sizeOf(node: Node): number {
    const known = this.#sizes.get(node)
    if (known !== undefined) return known
    const below =
      node.kind === 'map'
        ? node.entries.map((entry) => entry.value)
        : node.kind === 'list'
          ? node.items
          : []
    const size = below.reduce((sum, child) => sum + this.#sizeOf(child), 1)
    this.#sizes.set(node, size)
    return size
  }

  #scalar(node: { value: unknown; type?: string; source?: string } & Ranged): ScalarNode {
    const [start, end] = rangeOf(node)
    const raw = this.#source.text.slice(start, end)
    const style = (node.type ?? 'PLAIN') as ScalarStyle
    const value = scalarValue(node.value)
    const text = typeof value === 'string' ? value : raw
    return {
      kind: 'scalar',
      source: this.#source,
      start,
      end: style.startsWith('BLOCK') ? start + raw.trimEnd().length : end,
      via: [],
      value,
      text,
      style: style === 'PLAIN' ? 'plain' : style.startsWith('QUOTE') ? 'quoted' : 'block',
      offsetAt: mapScalar(style, raw, start, text),
    }
  }

  #list(node: { items: unknown[] } & Ranged): Node {
    const [start, end] = this.#trimmed(node)
    const items = node.items.flatMap((item) => this.#node(item) ?? [])
    return { kind: 'list', source: this.#source, start, end, via: [], items }
  }

  #map(node: { items: { key: unknown; value: unknown }[] } & Ranged): Node {
    const [start, end] = this.#trimmed(node)
    const own = new Map<string, Entry>()
    const merged: Entry[] = []
    for (const pair of node.items) {
      const key = this.#key(pair.key)
      const value = this.#node(pair.value) ?? (key === undefined ? undefined : emptyAfter(key))
      if (key === undefined || value === undefined) continue
      if (key.text === '<<' && key.style === 'plain') {
        merged.push(...this.#merge(value))
        continue
      }
      const first = own.get(key.text)
      if (first === undefined) {
        own.set(key.text, { name: key.text, key, value })
      } else {
        this.#report.add(
          'duplicate-key',
          this.#source,
          spanOf(key),
          `key '${key.text}' stands here twice`,
          {
            notes: [{ message: 'first here', span: spanOf(first.key) }],
          },
        )
      }
    }
    // What is written in the map itself wins over what is merged, the first merged over the next.
    for (const entry of merged) if (!own.has(entry.name)) own.set(entry.name, entry)
    return { kind: 'map', source: this.#source, start, end, via: [], entries: [...own.values()] }
  }

  #key(node: unknown): ScalarNode | undefined {
    const key = this.#node(node)
    if (key?.kind === 'scalar' && key.text !== '') return key
    const at = key?.start ?? (isRanged(node) ? startOf(node) : 0)
    this.#report.add(
      'yaml-key',
      this.#source,
      this.#source.span(at, key?.end ?? at),
      'a key must be a plain word or quoted text',
    )
    return undefined
  }

  #merge(value: Node): readonly Entry[] {
    if (value.kind === 'map') return value.entries
    if (value.kind === 'list' && value.items.every((item) => item.kind === 'map')) {
      return value.items.flatMap((item: MapNode | Node) =>
        item.kind === 'map' ? item.entries : [],
      )
    }
    this.#report.add('yaml-merge', this.#source, spanOf(value), '<< merges a map or a list of maps')
    return []
  }

  /** Without the line breaks and comments that a block collection's range takes in. */
  #trimmed(node: Ranged): readonly [number, number] {
    const [start, end] = rangeOf(node)
    return [start, start + this.#source.text.slice(start, end).trimEnd().length]
  }
}

interface Ranged {
  range?: readonly [number, number, number] | null
}

function isRanged(node: unknown): node is Ranged {
  return typeof node === 'object' && node !== null
}

function rangeOf(node: Ranged): readonly [number, number] {
  return node.range === null || node.range === undefined ? [0, 0] : [node.range[0], node.range[1]]
}

function startOf(node: Ranged): number {
  return rangeOf(node)[0]
}

/** A key without a value, as in `{a}`, has nothing as its value, just behind it. */
function emptyAfter(key: ScalarNode): ScalarNode {
  return { ...key, start: key.end, value: null, text: '', style: 'plain', offsetAt: () => key.end }
}

function scalarValue(value: unknown): Scalar {
  switch (typeof value) {
    case 'string':
    case 'boolean':
    case 'bigint':
    case 'number':
      return value
    default:
      return null
  }
}
