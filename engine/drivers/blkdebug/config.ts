/**
 * Rules in a file: sections `[inject-error]` and `[set-state]` of lines `name = "value"`. What is
 * taken and what is refused, and how lines are cut, is measured on the real program, which scans
 * lines with formats that overlook much.
 */
import type { Files } from '../../host/host.ts'
import type { MaybePromise } from '../../util/async.ts'
import { BlockError } from '../../util/errors.ts'
import { inKeyOrder } from '../../util/key-order.ts'
import { type EventName, EVENTS, type RequestKind, REQUESTS } from './events.ts'
import { injectRule, type Rule, stateRule } from './rules.ts'

/** Longer lines are taken as several. */
const MAX_LINE_BYTES = 1023
/** Nobody writes more rules than fit into this. */
const MAX_FILE_BYTES = 16 * 1024 * 1024

/** Reads the rules of a file. @throws {BlockError} for the first thing that is wrong. */
export async function readRules(path: string, files: Files): Promise<Rule[]> {
  return parseRules(await readText(path, files))
}

async function readText(path: string, files: Files): Promise<string> {
  const file = openFile(path, files)
  try {
    if (!file.regular) throw BlockError.system('Cannot read config file', 'EISDIR')
    const bytes = new Uint8Array(Math.min(file.length(), MAX_FILE_BYTES + 1))
    if (bytes.length > MAX_FILE_BYTES) {
      throw new BlockError(`The config file '${path}' is larger than 16 MiB`)
    }
    const reading: MaybePromise<void> = file.read(0, bytes)
    await reading
    // One character for each byte, as the real program counts.
    return Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')
  } finally {
    file.close()
  }
}

function openFile(path: string, files: Files): ReturnType<Files['open']> {
  try {
    return files.open(path, { write: false })
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    throw BlockError.system('Could not read blkdebug config file', error.errno)
  }
}

interface Section {
  readonly group: string
  readonly values: Map<string, string>
}

export function parseRules(text: string): Rule[] {
  const options: Parsed = { 'inject-error': [], 'set-state': [], ids: new Set() }
  let section: Section | undefined
  for (const line of linesOf(text)) {
    if (line.startsWith('\n') || line.startsWith('#')) continue
    const heading = headingOf(line)
    if (line.startsWith('[') && section !== undefined) {
      // Whatever this line is, the section above it is complete.
      take(section, options)
      section = undefined
    }
    if (heading !== undefined) {
      section = heading
      continue
    }
    const assignment = assignmentOf(line)
    if (assignment === undefined) throw new BlockError('parse error')
    if (section === undefined) throw new BlockError('no group defined')
    section.values.set(...assignment)
  }
  if (section !== undefined) take(section, options)
  return [
    ...options['inject-error'].map(injectOf),
    ...options['set-state'].map((values) =>
      stateRule({
        event: eventOf(values),
        ...numbersOf(values, ['state']),
        new_state: numberOf(values.get('new_state') ?? '0') ?? 0,
      }),
    ),
  ]
}

/** Lines with their line feed, cut where a buffer of the real program is full. */
function linesOf(text: string): string[] {
  const lines = text.match(/[^\n]*\n|[^\n]+$/g) ?? []
  return lines.flatMap((line) => {
    const parts: string[] = []
    for (let at = 0; at < line.length; at += MAX_LINE_BYTES) {
      // C strings end at the first zero byte.
      parts.push(line.slice(at, at + MAX_LINE_BYTES).split('\0', 1)[0] ?? '')
    }
    return parts
  })
}

/** Words and white space as the C library's scanning has them. */
const WORD = '[^ \\t\\n\\v\\f\\r]'
const BLANK = '[ \\t\\n\\v\\f\\r]'
const NAMED_HEADING = new RegExp(`^\\[${BLANK}*(${WORD}{1,63})${BLANK}*"([^"]{1,63})`)
const HEADING = /^\[([^\]]{1,63})/
const ASSIGNMENT = new RegExp(`^${BLANK}*(${WORD}{1,63})(?:${BLANK}*=${BLANK}*"([^"]{1,1023}))?`)

function headingOf(line: string): Section | undefined {
  const named = NAMED_HEADING.exec(line)
  if (named !== null) return { group: named[1] ?? '', values: new Map([['id', named[2] ?? '']]) }
  const plain = HEADING.exec(line)
  return plain === null ? undefined : { group: plain[1] ?? '', values: new Map() }
}

/** A line that begins with a word assigns to it, be it nothing. */
function assignmentOf(line: string): [name: string, value: string] | undefined {
  const match = ASSIGNMENT.exec(line)
  return match === null ? undefined : [match[1] ?? '', match[2] ?? '']
}

interface Parsed {
  readonly 'inject-error': ReadonlyMap<string, string>[]
  readonly 'set-state': ReadonlyMap<string, string>[]
  /** Group and id of the sections so far. */
  readonly ids: Set<string>
}

type ValueType = 'text' | 'number' | 'switch'

const GROUPS: Readonly<Record<string, Readonly<Record<string, ValueType>>>> = {
  'inject-error': {
    event: 'text',
    state: 'number',
    iotype: 'text',
    errno: 'number',
    sector: 'number',
    once: 'switch',
    immediately: 'switch',
  },
  'set-state': { event: 'text', state: 'number', new_state: 'number' },
}

/** Checks one section: its group, its id, the types of its values, then what nobody knows. */
function take({ group, values }: Section, parsed: Parsed): void {
  const types = GROUPS[group]
  if (types === undefined || (group !== 'inject-error' && group !== 'set-state')) {
    throw new BlockError(`There is no option group '${group}'`)
  }
  checkId(group, values.get('id'), parsed.ids)
  values.delete('id')
  const ordered = inKeyOrder([...values])
  for (const [name, value] of ordered) checkType(name, value, types[name])
  const unknown = ordered.find(([name]) => types[name] === undefined)
  if (unknown !== undefined) throw new BlockError(`Invalid parameter '${unknown[0]}'`)
  parsed[group].push(values)
}

function checkId(group: string, id: string | undefined, ids: Set<string>): void {
  if (id === undefined) return
  if (!/^[A-Za-z][A-Za-z0-9._-]*$/.test(id)) {
    throw new BlockError("Parameter 'id' expects an identifier")
  }
  const key = `${group} ${id}`
  if (ids.has(key)) throw new BlockError(`Duplicate ID '${id}' for ${group}`)
  ids.add(key)
}

function checkType(name: string, value: string, type: ValueType | undefined): void {
  if (type === 'number') {
    const number = numberOf(value)
    if (number === undefined) throw new BlockError(`Parameter '${name}' expects a number`)
    if (Number.isNaN(number)) {
      throw new BlockError(`Value '${value}' is too large for parameter '${name}'`)
    }
  }
  if (type === 'switch' && switchOf(value) === undefined) {
    throw new BlockError(`Parameter '${name}' expects 'on' or 'off'`)
  }
}

/** As the C library reads unsigned numbers of any base; not a number where 64 bits do not do. */
function numberOf(text: string): number | undefined {
  const match = /^[ \t\n\v\f\r]*([-+]?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)$/.exec(text)
  if (match === null) return undefined
  const [, sign, digits = '0'] = match
  const octal = /^0[0-7]+$/.test(digits)
  const magnitude = BigInt(octal ? `0o${digits.slice(1)}` : digits)
  if (magnitude >= 2n ** 64n) return Number.NaN
  return Number(BigInt.asIntN(64, sign === '-' ? -magnitude : magnitude))
}

function switchOf(text: string): boolean | undefined {
  if (['on', 'yes', 'true', 'y'].includes(text)) return true
  return ['off', 'no', 'false', 'n'].includes(text) ? false : undefined
}

type Values = ReadonlyMap<string, string>

function injectOf(values: Values): Rule {
  const event = eventOf(values)
  const iotype = wordOf<RequestKind>(values.get('iotype'), REQUESTS)
  return injectRule({
    event,
    iotype,
    ...numbersOf(values, ['state', 'errno', 'sector']),
    once: switchOf(values.get('once') ?? 'off'),
    immediately: switchOf(values.get('immediately') ?? 'off'),
  })
}

function eventOf(values: Values): EventName {
  const event = wordOf<EventName>(values.get('event'), EVENTS)
  if (event === undefined) throw new BlockError('Missing event name for rule')
  return event
}

function wordOf<T extends string>(value: string | undefined, words: readonly T[]): T | undefined {
  if (value === undefined) return undefined
  const word = words.find((candidate) => candidate === value)
  if (word === undefined) throw new BlockError(`invalid parameter value: ${value}`)
  return word
}

function numbersOf<K extends string>(values: Values, names: readonly K[]): Record<K, number> {
  const found = names.flatMap((name) => {
    const number = numberOf(values.get(name) ?? '')
    return number === undefined ? [] : [[name, number] as const]
  })
  // Members of rules are optional; those that are missing stay so.
  return Object.fromEntries(found) as Record<K, number>
}
