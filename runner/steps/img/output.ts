/** What the image tool printed: as a value for claims, and in the words of the golden. */
import type { Value } from '../../../dsl/plan.ts'
import { isList, member, parseJson, text } from '../../json.ts'
import { isShownMap, showMembers, showNumber, type Shown } from '../../notation.ts'
import type { Play } from '../../play.ts'
import type { ToolResult } from '../../targets/target.ts'
import type { Detail } from '../../transcript.ts'

/** What an action's result is, and how the golden shows it. */
export interface Outcome {
  readonly value: Value
  readonly outcome: string
  readonly words?: string
  readonly members?: Readonly<Record<string, Shown>>
  readonly details?: readonly Detail[]
}

/** What a tool says of its failure: the first line, without the program's name. */
export function toolText(play: Play, result: ToolResult): string {
  const line = result.stderr.trim().split('\n')[0] ?? ''
  return play.normaliser.prose(line.replace(/^[\w./-]*qemu-img: /, ''))
}

export function readOutput(result: ToolResult): Value {
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
export function readInfo(play: Play, value: Value): Outcome {
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

export function readCheck(result: ToolResult): Outcome {
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

export function showMap(value: Value): string {
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
