/** `img`: the image tool. */
import { readScalar, shorten } from '../check.ts'
import type { Context } from '../context.ts'
import { makeAnswer } from '../expectation.ts'
import type { ImgAst, Worded } from '../grammar/ast.ts'
import { imageOfText } from '../image.ts'
import { parsePiece, spanAt, wholeOf, type Piece } from '../mini.ts'
import type { ImgStep, StepBody, Template } from '../plan.ts'
import { parseSize } from '../size.ts'
import { checkName } from '../subject.ts'
import { didYouMean } from '../suggest.ts'
import { type ScalarNode } from '../tree.ts'
import { toTemplate } from '../template.ts'
import { splitText } from '../variables.ts'
import { ANSWER_KEYS, TEXT, type StepForm, type StepInput } from './kind.ts'

interface Action {
  /** What the words name; `…` takes the rest as an image spec. */
  readonly words: readonly ('image' | 'size' | 'new' | '…')[]
  readonly flags: readonly string[]
  readonly example: string
}

const ACTIONS: Readonly<Record<ImgStep['action'], Action>> = {
  create: { words: ['new', '…'], flags: [], example: 'create x qcow2 1M' },
  info: { words: ['image'], flags: ['--backing-chain', '-U'], example: 'info x' },
  check: {
    words: ['image'],
    flags: ['-U', '--repair=leaks', '--repair=all'],
    example: 'check x',
  },
  map: { words: ['image'], flags: ['-U'], example: 'map x' },
  compare: { words: ['image', 'image'], flags: ['-s', '-U'], example: 'compare x y' },
  resize: { words: ['image', 'size'], flags: ['--shrink'], example: 'resize x 2M' },
  rebase: { words: ['image', 'image'], flags: ['-u', '-U'], example: 'rebase -u top base' },
}

const NOT_BUILT = ['convert', 'measure', 'snapshot', 'bitmap', 'amend', 'commit', 'dd', 'bench']

export const imgForm: StepForm = {
  doc: `Runs the image tool: ${Object.values(ACTIONS)
    .map(({ example }) => example)
    .join(', ')}.`,
  schema: TEXT,
  keys: ANSWER_KEYS,
  build: buildImg,
}

function buildImg(context: Context, { map, value }: StepInput): readonly StepBody[] {
  const text = readScalar(context, value, "'img'")
  const answer = makeAnswer(context, map)
  if (text === undefined) return []
  const piece = wholeOf(text)
  const ast = parsePiece(context, 'img', piece)
  if (ast === undefined) return []
  const action = actionOf(context, piece, ast)
  if (action === undefined) return []
  checkWords(context, piece, ast, action, answer.expect.kind === 'ok')
  const words = ast.words.map((word) => wordTemplate(context, piece, word))
  return [
    {
      kind: 'img',
      action,
      words,
      text: [action, ...ast.words.map((word) => word.text)].join(' '),
      ...answer,
    },
  ]
}

function actionOf(context: Context, piece: Piece, ast: ImgAst): ImgStep['action'] | undefined {
  const { name } = ast.action
  if (Object.hasOwn(ACTIONS, name)) return name as ImgStep['action']
  const span = spanAt(piece, ast.action)
  if (NOT_BUILT.includes(name)) {
    context.problemIn(piece.node, span, 'not-built-yet', `img ${name} is not built yet`)
  } else {
    context.problemIn(piece.node, span, 'img-action', `the image tool has no '${shorten(name)}'`, {
      help:
        didYouMean(name, Object.keys(ACTIONS)) ?? `actions are ${Object.keys(ACTIONS).join(', ')}`,
    })
  }
  return undefined
}

function checkWords(
  context: Context,
  piece: Piece,
  ast: ImgAst,
  action: ImgStep['action'],
  succeeds: boolean,
): void {
  const { words, flags, example } = ACTIONS[action]
  const plain = ast.words.filter(({ text }) => !text.startsWith('-') || /^-\d/.test(text))
  for (const word of ast.words) {
    if (plain.includes(word) || flags.includes(word.text)) continue
    const message = `img ${action} has no option '${shorten(word.text)}'`
    context.problemIn(piece.node, spanAt(piece, word), 'img-option', message, {
      help: didYouMean(word.text, flags),
    })
  }
  const open = words.includes('…')
  if (plain.length < words.length || (!open && plain.length > words.length)) {
    const last = plain[words.length] ?? {
      start: piece.text.trimEnd().length,
      end: piece.text.trimEnd().length,
    }
    const message = `img ${action} is written like   ${example}`
    context.problemIn(piece.node, spanAt(piece, last), 'img-words', message)
    return
  }
  for (const [index, kind] of words.entries()) {
    const word = plain[index]
    if (word !== undefined) checkWord(context, piece, word, kind, succeeds)
  }
}

function checkWord(
  context: Context,
  piece: Piece,
  word: Worded,
  kind: Action['words'][number],
  succeeds: boolean,
): void {
  const span = spanAt(piece, word)
  if (kind === '…') {
    const name = piece.text.slice(0, word.start).trim().split(/\s+/).at(-1) ?? ''
    const spec: Piece = {
      ...piece,
      offset: piece.offset + word.start,
      text: piece.text.slice(word.start),
    }
    imageOfText(context, name, spec)
    return
  }
  if (splitText(word.text).some((part) => typeof part !== 'string')) return
  if (kind === 'new') {
    context.names.add('image', word.text, span)
  } else if (kind === 'image') {
    if (succeeds) checkName(context, piece.node, span, 'image', word.text.replace(/^img:/, ''))
  } else if (parseSize(word.text.replace(/^[+-]/, '')) === undefined) {
    context.problemIn(piece.node, span, 'bad-size', `'${shorten(word.text)}' is no size`, {
      help: 'sizes are written 64k, +1M, -1M',
    })
  }
}

function wordTemplate(context: Context, piece: Piece, word: Worded): Template {
  const from = piece.offset + word.start
  const node: ScalarNode = {
    ...piece.node,
    value: word.text,
    text: word.text,
    style: 'quoted',
    start: piece.node.offsetAt(from),
    end: piece.node.offsetAt(piece.offset + word.end - 1) + 1,
    offsetAt: (index) => piece.node.offsetAt(from + index),
  }
  return toTemplate(context, node)
}
