/** Images that a scenario asks for: `qcow2 1M cluster=64k backing=base`, or the same as a map. */
import { checkKeys, missingKey, readMap, readText, shorten, type KeyInfo } from './check.ts'
import type { Context } from './context.ts'
import { parsePiece, spanAt, wholeOf, type Piece } from './mini.ts'
import type { ImageSpec, Span } from './plan.ts'
import { fillWords } from './quoted.ts'
import { parseSize } from './size.ts'
import { checkName } from './subject.ts'
import { didYouMean } from './suggest.ts'
import { spanOf, type Node, type ScalarNode } from './tree.ts'
import { resolve } from './variables.ts'

const FORMATS = ['raw', 'qcow2', 'qcow', 'qed', 'vmdk', 'vdi', 'vhdx', 'vpc', 'parallels', 'luks']

/** Options by their names here; image tools know most of them by longer ones. */
const OPTION_NAMES = [
  'size',
  'cluster',
  'backing',
  'backing-format',
  'compat',
  'preallocation',
  'extended-l2',
  'lazy-refcounts',
  'refcount-bits',
  'data-file',
  'data-file-raw',
  'compression',
  'nocow',
  'subformat',
]

const MAP_KEYS: Readonly<Record<string, KeyInfo>> = {
  format: { doc: 'Format of the image.' },
  ...Object.fromEntries(OPTION_NAMES.map((name) => [name, { doc: `Creation option ${name}.` }])),
}

interface Item {
  readonly name: string
  readonly text: string
  readonly node: ScalarNode
  readonly span: Span
}

export function makeImage(context: Context, name: string, node: Node): ImageSpec | undefined {
  const value = resolve(context, node)
  if (value === undefined) return undefined
  if (value.kind === 'map') return mapImage(context, name, value)
  const text = readText(context, value, 'an image')
  if (text === undefined) return undefined
  return imageOfText(context, name, wholeOf(text))
}

export function imageOfText(context: Context, name: string, piece: Piece): ImageSpec | undefined {
  const ast = parsePiece(context, 'image', piece)
  if (ast === undefined) return undefined
  const items: Item[] = ast.items.map((item) => ({
    name: item.kind === 'size' ? 'size' : item.name,
    text: fillWords(context, piece, item.value, item.value.text) ?? '',
    node: piece.node,
    span: spanAt(piece, item),
  }))
  const format = fillWords(context, piece, ast.format, ast.format.name) ?? ''
  return build(
    context,
    name,
    { text: format, node: piece.node, span: spanAt(piece, ast.format) },
    items,
  )
}

function mapImage(context: Context, name: string, node: Node): ImageSpec | undefined {
  const map = readMap(context, node, 'an image')
  if (map === undefined) return undefined
  checkKeys(context, map, MAP_KEYS, 'an image')
  const items: Item[] = []
  for (const entry of map.entries) {
    const text = readText(context, entry.value, `'${entry.name}'`)
    if (text !== undefined)
      items.push({ name: entry.name, text: text.text, node: text, span: spanOf(text) })
  }
  const format = items.find((item) => item.name === 'format')
  if (format === undefined) {
    missingKey(context, map, {
      key: 'format',
      table: MAP_KEYS,
      message: "an image needs a 'format'",
    })
    return undefined
  }
  return build(
    context,
    name,
    format,
    items.filter((item) => item !== format),
  )
}

function build(
  context: Context,
  name: string,
  format: Omit<Item, 'name'>,
  items: readonly Item[],
): ImageSpec | undefined {
  if (format.text === 'file') {
    context.problemIn(
      format.node,
      format.span,
      'not-built-yet',
      'images from files are not built yet',
    )
    return undefined
  }
  if (!FORMATS.includes(format.text)) {
    context.doubtIn(
      format.node,
      format.span,
      'image-format',
      `no image format is called '${shorten(format.text)}'`,
      {
        help: didYouMean(format.text, FORMATS) ?? `formats are ${FORMATS.join(', ')}`,
      },
    )
    return undefined
  }
  const seen = new Map<string, Item>()
  for (const item of items) checkItem(context, item, seen)
  const size = seen.get('size')
  const bytes = size === undefined ? undefined : parseSize(size.text)
  if (size === undefined && !seen.has('backing')) {
    context.doubtIn(
      format.node,
      format.span,
      'image-size',
      'an image without a backing image needs a size',
      {
        help: `such as ${format.text} 1M`,
      },
    )
    return undefined
  }
  const options = [...seen.values()].filter((item) => item.name !== 'size')
  return {
    name,
    format: format.text,
    ...(bytes === undefined ? {} : { bytes }),
    options: options.map((item) => ({ name: item.name, value: item.text })),
    span: format.span,
  }
}

function checkItem(context: Context, item: Item, seen: Map<string, Item>): void {
  const before = seen.get(item.name)
  if (before !== undefined) {
    context.problemIn(item.node, item.span, 'image-twice', `'${item.name}' stands here twice`, {
      notes: [{ message: 'first here', span: before.span }],
    })
  }
  seen.set(item.name, item)
  if (!OPTION_NAMES.includes(item.name)) {
    context.problemIn(
      item.node,
      item.span,
      'image-option',
      `no image option is called '${item.name}'`,
      {
        help: didYouMean(item.name, OPTION_NAMES),
      },
    )
  }
  if (item.name === 'size' && parseSize(item.text) === undefined) {
    context.doubtIn(item.node, item.span, 'bad-size', `'${shorten(item.text)}' is no size`, {
      help: 'sizes are written 512, 64k, 1M, 0x1000',
    })
  }
  if (item.name === 'backing') checkName(context, item.node, item.span, 'image', item.text)
}
