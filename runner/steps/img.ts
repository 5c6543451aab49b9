/** `img`: the image tool on images at rest. Its exit status and JSON are typed, its prose is not kept. */
import type { ImgStep, StepCommon, Value } from '../../dsl/plan.ts'
import { imgForm } from '../../dsl/steps/img.ts'
import { isList, member, parseJson, plainText, text } from '../json.ts'
import { isShownMap, showMembers, showNumber, type Shown } from '../notation.ts'
import type { Play } from '../play.ts'
import { StepError } from '../step-error.ts'
import type { ToolResult } from '../targets/target.ts'
import type { Detail } from '../transcript.ts'
import { resolveTemplate } from '../variables.ts'
import { saveFromLast } from './save.ts'
import { defineStep } from './step.ts'

declare module '../../dsl/plan.ts' {
  interface StepBodies {
    readonly img: ImgStep
  }
}

type Step = ImgStep & StepCommon

/** What an action's result is, and how the golden shows it. */
interface Outcome {
  readonly value: Value
  readonly outcome: string
  readonly words?: string
  readonly members?: Readonly<Record<string, Shown>>
  readonly details?: readonly Detail[]
}

interface Action {
  /** The tool's words, from the step's. */
  words(play: Play, step: Step): string[]
  /** Statuses that are results and not failures. */
  readonly statuses: readonly number[]
  read(play: Play, step: Step, result: ToolResult): Outcome
}

export const img = defineStep({
  kind: 'img',
  written: imgForm,
  words: (step) => `img ${step.text}`,
  async run(step, play) {
    const action = ACTIONS[step.action]
    await play.images.settle()
    const result = await play.station.img(action.words(play, step))
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
    if (!failed) saveFromLast(play, step.save)
  },
  // What an image at rest says of itself is its bytes.
  claimsEffect: ({ action, returns }) =>
    returns !== undefined || action === 'check' || action === 'compare',
})

/** What a tool says of its failure: the first line, without the program's name. */
export function toolText(play: Play, result: ToolResult): string {
  const line = result.stderr.trim().split('\n')[0] ?? ''
  return play.normaliser.prose(line.replace(/^[\w./-]*qemu-img: /, ''))
}

function wordsOf(play: Play, step: Step): string[] {
  return step.words.map((word) => plainText(resolveTemplate(word, play.scope)))
}

/** A size may be one to take off: `-1M` is none. */
function isFlag(word: string): boolean {
  return word.startsWith('-') && !/^-\d/.test(word)
}

function flagsOf(play: Play, step: Step): string[] {
  return wordsOf(play, step).filter(isFlag)
}

function plainOf(play: Play, step: Step): string[] {
  return wordsOf(play, step).filter((word) => !isFlag(word))
}

/** The path and format of the image that a word names; a path is taken as it is. */
function imageAt(
  play: Play,
  step: Step,
  index: number,
): { readonly path: string; readonly format: string } {
  const word = plainOf(play, step)[index]
  if (word === undefined) throw new StepError(`img ${step.action} needs an image`, step.span)
  const name = word.startsWith('img:') ? word.slice(4) : word
  if (play.images.has(name)) {
    return { path: play.images.path(name), format: play.images.format(name) ?? 'raw' }
  }
  if (!word.startsWith(`${play.station.directory}/`)) {
    const at = wordsOf(play, step).indexOf(word)
    throw new StepError(`no image is named '${word}'`, step.words[at]?.span ?? step.span)
  }
  return { path: word, format: play.images.formatAt(word) ?? 'raw' }
}

const ACTIONS: Readonly<Record<ImgStep['action'], Action>> = {
  create: {
    statuses: [0],
    words: (play, step) => createWords(play, step),
    read: () => ({ value: {}, outcome: 'ok' }),
  },
  info: {
    statuses: [0],
    words: (play, step) => {
      const { path, format } = imageAt(play, step, 0)
      return ['info', '--output=json', ...flagsOf(play, step), '-f', format, path]
    },
    read: (play, _step, result) => readInfo(play, readOutput(result)),
  },
  check: {
    statuses: [0, 2, 3, 63],
    words: (play, step) => {
      const { path, format } = imageAt(play, step, 0)
      return ['check', '--output=json', ...flagsOf(play, step), '-f', format, path]
    },
    read: (_play, _step, result) => readCheck(result),
  },
  map: {
    statuses: [0],
    words: (play, step) => {
      const { path, format } = imageAt(play, step, 0)
      return ['map', '--output=json', ...flagsOf(play, step), '-f', format, path]
    },
    read: (_play, _step, result) => {
      const value = readOutput(result)
      return { value, outcome: 'ok', details: [{ kind: 'line', text: showMap(value) }] }
    },
  },
  compare: {
    statuses: [0, 1],
    words: (play, step) => {
      const a = imageAt(play, step, 0)
      const b = imageAt(play, step, 1)
      const formats = ['-f', a.format, '-F', b.format]
      return ['compare', ...flagsOf(play, step), ...formats, a.path, b.path]
    },
    read: (play, _step, result) => {
      const line = play.normaliser.prose(result.stdout.trim().split('\n').at(-1) ?? '')
      const identical = result.status === 0
      return {
        value: { identical, text: line },
        outcome: identical ? 'ok identical' : 'ok different',
        details: identical ? [] : [{ kind: 'text', text: line }],
      }
    },
  },
  resize: {
    statuses: [0],
    words: (play, step) => {
      const { path, format } = imageAt(play, step, 0)
      const size = plainOf(play, step).slice(1)
      return ['resize', ...flagsOf(play, step), '-f', format, path, ...size]
    },
    read: () => ({ value: {}, outcome: 'ok' }),
  },
  rebase: {
    statuses: [0],
    words: (play, step) => {
      const top = imageAt(play, step, 0)
      const base = imageAt(play, step, 1)
      const backing = ['-b', base.path, '-F', base.format]
      return ['rebase', ...flagsOf(play, step), '-f', top.format, ...backing, top.path]
    },
    read: () => ({ value: {}, outcome: 'ok' }),
  },
}

/** `create NAME FORMAT SIZE name=value…`, as `images` has it. */
function createWords(play: Play, step: Step): string[] {
  const [target = '', format = 'raw', ...rest] = wordsOf(play, step)
  const isPath = target.startsWith(`${play.station.directory}/`)
  const path = isPath ? target : play.images.path(target)
  if (isPath) play.images.noteFormat(path, format)
  else play.images.note(target, format)
  const options = rest.flatMap((word) => {
    const cut = word.indexOf('=')
    return cut < 0 ? [] : [{ name: word.slice(0, cut), value: word.slice(cut + 1) }]
  })
  const size = rest.find((word) => !word.includes('='))
  const spec = { name: target, format, options, span: step.span }
  return [...play.images.createWords(spec, path), ...(size === undefined ? [] : [size])]
}

function readOutput(result: ToolResult): Value {
  try {
    return parseJson(result.stdout)
  } catch {
    return { text: result.stdout.slice(0, 2000) }
  }
}

/** Members of `info` that depend on the file system, or that the words before them say. */
const NOT_SHOWN = new Set([
  'actual-size',
  'backing-filename-format',
  'children',
  'cluster-size',
  'dirty-flag',
  'filename',
  'format',
  'format-specific',
  'full-backing-filename',
  'virtual-size',
])

/** With `--backing-chain` it is a list: the image itself, and a line for each one below. */
function readInfo(play: Play, value: Value): Outcome {
  const [top = null, ...below] = isList(value) ? value : [value]
  const details = below.map((image): Detail => {
    const { words, members } = showInfo(play, image)
    return { kind: 'line', text: `${words} ${showMembers(members)}`.trimEnd() }
  })
  return { value, outcome: 'ok', ...showInfo(play, top), details }
}

function showInfo(
  play: Play,
  value: Value,
): { readonly words: string; readonly members: Readonly<Record<string, Shown>> } {
  const shown = play.shown(value, 'img info')
  const size = member(value, 'virtual-size')
  const words = [
    text(member(value, 'format')) ?? '?',
    typeof size === 'number' ? showNumber(size) : '?',
  ]
  const entries = Object.entries(isShownMap(shown) ? shown : {}).flatMap(([name, part]) => {
    if (name === 'backing-filename') return [['backing', part] as const]
    return NOT_SHOWN.has(name) ? [] : [[name, part] as const]
  })
  return { words: words.join(' '), members: Object.fromEntries(entries) }
}

/** What a check says of damage, left and repaired. */
const CHECK_COUNTS = ['corruptions', 'leaks', 'check-errors', 'corruptions-fixed', 'leaks-fixed']

function readCheck(result: ToolResult): Outcome {
  if (result.status === 63) return { value: { supported: false }, outcome: 'unsupported' }
  const value = readOutput(result)
  const counts = CHECK_COUNTS.flatMap((name) => {
    const count = member(value, name)
    return typeof count === 'number' && count > 0 ? [`${name}=${String(count)}`] : []
  })
  if (result.status === 0) return { value, outcome: ['ok clean', ...counts].join(' ') }
  return {
    value,
    outcome: counts.length === 0 ? `exit ${String(result.status)}` : `ok ${counts.join(' ')}`,
  }
}

function showMap(value: Value): string {
  const extents = isList(value) ? value : []
  const words = extents.map((extent) => {
    const start = Number(member(extent, 'start') ?? 0)
    const end = start + Number(member(extent, 'length') ?? 0)
    const zero = member(extent, 'zero') === true
    const data = member(extent, 'data') === true
    const depth = member(extent, 'depth')
    const what = data ? 'data' : zero ? 'zero' : 'unallocated'
    const deep = typeof depth === 'number' && depth > 0 ? `@${String(depth)}` : ''
    return `${showNumber(start)}..${showNumber(end)}=${what}${deep}`
  })
  return words.length === 0 ? '(empty)' : words.join(' ')
}
