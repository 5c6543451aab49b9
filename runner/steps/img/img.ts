/** `img`: the image tool on images at rest. Its exit status and JSON are typed, its prose is not kept. */
import { readScalar, shorten } from '../../../dsl/check.ts'
import type { Context } from '../../../dsl/context.ts'
import { makeAnswer } from '../../../dsl/expectation.ts'
import type { ImgAst, Worded } from '../../../dsl/grammar/ast.ts'
import { imageOfText } from '../../../dsl/image.ts'
import { parsePiece, type Piece, spanAt, wholeOf } from '../../../dsl/mini.ts'
import type { StepBody, Template } from '../../../dsl/plan.ts'
import { parseSize } from '../../../dsl/size.ts'
import { ANSWER_KEYS, type StepInput, TEXT } from '../../../dsl/steps/kind.ts'
import { checkName } from '../../../dsl/subject.ts'
import { didYouMean } from '../../../dsl/suggest.ts'
import { toTemplate } from '../../../dsl/template.ts'
import type { ScalarNode } from '../../../dsl/tree.ts'
import { splitText } from '../../../dsl/variables.ts'
import { saveBeside } from '../save.ts'
import { defineStep } from '../step.ts'
import { type Action, type ActionName, ACTIONS, type ImgStep, isFlag } from './actions.ts'
import { type Outcome, toolText } from './output.ts'

declare module '../../../dsl/plan.ts' {
  interface StepBodies {
    readonly img: ImgStep
  }
}

export const img = defineStep({
  kind: 'img',
  savesAnswer: true,
  written: {
    doc: `Runs the image tool: ${Object.values(ACTIONS)
      .map(({ example }) => example)
      .join(', ')}.`,
    schema: TEXT,
    keys: ANSWER_KEYS,
    build: buildImg,
  },
  words: (step) => `img ${step.text}`,
  async run(step, play) {
    const action = ACTIONS[step.action]
    await play.images.settle()
    const result = await play.station.img(action.command(play, step))
    const failed = !action.statuses.includes(result.status)
    const desc = failed ? toolText(play, result) : ''
    const outcome: Outcome = failed
      ? {
          value: null,
          outcome: `exit ${String(result.status)}`,
          details: [{ kind: 'text', text: desc }],
        }
      : action.read(play, step, result)
    play.transcript.add({
      kind: 'statement',
      label: 'img',
      head: step.text + (outcome.words === undefined ? '' : ` ${outcome.words}`),
      members: outcome.members ?? {},
      outcome: outcome.outcome,
      details: outcome.details ?? [],
    })
    play.judge(
      failed
        ? { kind: 'error', class: 'GenericError', desc }
        : { kind: 'return', value: outcome.value },
      step.expect,
    )
    play.last = outcome.value
    if (step.returns !== undefined) play.check(step.returns, failed ? undefined : outcome.value)
    if (!failed) await saveBeside(play, step.save)
  },
  // What an image at rest says of itself is its bytes.
  claimsEffect: ({ action, returns }) => returns !== undefined || ACTIONS[action].claims === true,
})

const NOT_BUILT = ['convert', 'measure', 'snapshot', 'bitmap', 'amend', 'commit', 'dd', 'bench']

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

function actionOf(context: Context, piece: Piece, ast: ImgAst): ActionName | undefined {
  const { name } = ast.action
  if (Object.hasOwn(ACTIONS, name)) return name as ActionName
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
  action: ActionName,
  succeeds: boolean,
): void {
  const { words, flags, example } = ACTIONS[action]
  const plain = ast.words.filter(({ text }) => !isFlag(text))
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
