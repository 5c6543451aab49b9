/** What the image tool can be asked for, each action whole: how it is written, sent and read. */
import type { Claim, Expectation } from '../../../dsl/plan-claims.ts'
import type { StepCommon, Template } from '../../../dsl/plan.ts'
import { plainText } from '../../json.ts'
import type { Play } from '../../play.ts'
import { StepError } from '../../step-error.ts'
import type { ToolResult } from '../../targets/target.ts'
import { resolveTemplate } from '../../variables.ts'
import { type Outcome, readCheck, readInfo, readOutput, showMap } from './output.ts'

export type ActionName = 'create' | 'info' | 'check' | 'map' | 'compare' | 'resize' | 'rebase'

export interface ImgStep {
  readonly kind: 'img'
  readonly action: ActionName
  /** Words after the action, variables still in them. */
  readonly words: readonly Template[]
  readonly text: string
  /** Claim about the typed result. */
  readonly returns?: Claim
  readonly expect: Expectation
}

type Step = ImgStep & StepCommon

export interface Action {
  /** What the words name; `…` takes the rest as an image spec. */
  readonly words: readonly ('image' | 'size' | 'new' | '…')[]
  readonly flags: readonly string[]
  readonly example: string
  /** Statuses that are results and not failures. */
  readonly statuses: readonly number[]
  /** That it works says something of the image. */
  readonly claims?: true
  /** The tool's words, from the step's. */
  command(play: Play, step: Step): string[]
  read(play: Play, step: Step, result: ToolResult): Outcome
}

export const ACTIONS: Readonly<Record<ActionName, Action>> = {
  create: {
    words: ['new', '…'],
    flags: [],
    example: 'create x qcow2 1M',
    statuses: [0],
    command: (play, step) => createWords(play, step),
    read: () => ({ value: {}, outcome: 'ok' }),
  },
  info: {
    words: ['image'],
    flags: ['--backing-chain', '-U'],
    example: 'info x',
    statuses: [0],
    command: (play, step) => {
      const { path, format } = imageAt(play, step, 0)
      return ['info', '--output=json', ...flagsOf(play, step), '-f', format, path]
    },
    read: (play, _step, result) => readInfo(play, readOutput(result)),
  },
  check: {
    words: ['image'],
    flags: ['-U', '--repair=leaks', '--repair=all'],
    example: 'check x',
    statuses: [0, 2, 3, 63],
    claims: true,
    command: (play, step) => {
      const { path, format } = imageAt(play, step, 0)
      return ['check', '--output=json', ...flagsOf(play, step), '-f', format, path]
    },
    read: (_play, _step, result) => readCheck(result),
  },
  map: {
    words: ['image'],
    flags: ['-U'],
    example: 'map x',
    statuses: [0],
    command: (play, step) => {
      const { path, format } = imageAt(play, step, 0)
      return ['map', '--output=json', ...flagsOf(play, step), '-f', format, path]
    },
    read: (_play, _step, result) => {
      const value = readOutput(result)
      return { value, outcome: 'ok', details: [{ kind: 'line', text: showMap(value) }] }
    },
  },
  compare: {
    words: ['image', 'image'],
    flags: ['-s', '-U'],
    example: 'compare x y',
    statuses: [0, 1],
    claims: true,
    command: (play, step) => {
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
    words: ['image', 'size'],
    flags: ['--shrink'],
    example: 'resize x 2M',
    statuses: [0],
    command: (play, step) => {
      const { path, format } = imageAt(play, step, 0)
      const size = plainOf(play, step).slice(1)
      return ['resize', ...flagsOf(play, step), '-f', format, path, ...size]
    },
    read: () => ({ value: {}, outcome: 'ok' }),
  },
  rebase: {
    words: ['image', 'image'],
    flags: ['-u', '-U'],
    example: 'rebase -u top base',
    statuses: [0],
    command: (play, step) => {
      const top = imageAt(play, step, 0)
      const base = imageAt(play, step, 1)
      const backing = ['-b', base.path, '-F', base.format]
      return ['rebase', ...flagsOf(play, step), '-f', top.format, ...backing, top.path]
    },
    read: () => ({ value: {}, outcome: 'ok' }),
  },
}

function wordsOf(play: Play, step: Step): string[] {
  return step.words.map((word) => plainText(resolveTemplate(word, play.scope)))
}

/** A size may be one to take off: `-1M` is none. */
export function isFlag(word: string): boolean {
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
