/** The texts of `img create -o`: what they are made of, and how their values are read. */
import { BlockError } from '../util/errors.ts'
import { checkIdentifier } from '../util/identifier.ts'
import { FALSE_WORDS, TRUE_WORDS, type ImageOption } from './image-options.ts'
import { readSize } from './size.ts'
import { readWhole } from './whole.ts'

/** Says something that is no error. */
type Warn = (text: string) => void

/** Whether it can be joined with others by commas: no comma begins it, and only a pair ends it. */
export function isOptionList(text: string): boolean {
  const [commas = ''] = /,*$/.exec(text) ?? []
  return text !== '' && !text.startsWith(',') && commas.length % 2 === 0
}

/** Whether one of its items is a call for help. */
export function asksForHelp(list: string): boolean {
  return pairsOf(list).some(({ text }) => text === 'help' || text === '?')
}

/** One item of a list. */
interface Pair {
  readonly name: string
  readonly value: string
  /** A name alone, as it was given: it is on, and off with `no` in front. */
  readonly text: string | undefined
}

/** `name=value,…`; `,,` is a comma of a value. A comma at the end ends nothing. */
function pairsOf(list: string): Pair[] {
  const pairs: Pair[] = []
  for (let rest = list; rest !== '';) {
    const [name = ''] = /^[^=,]*/.exec(rest) ?? []
    rest = rest.slice(name.length)
    if (rest.startsWith('=')) {
      const [value = ''] = /^(?:,,|[^,])*/.exec(rest.slice(1)) ?? []
      rest = rest.slice(1 + value.length)
      pairs.push({ name, value: value.replaceAll(',,', ','), text: undefined })
    } else {
      pairs.push(shortPair(name))
    }
    rest = rest.slice(1)
  }
  return pairs
}

function shortPair(text: string): Pair {
  return text.startsWith('no')
    ? { name: text.slice('no'.length), value: 'off', text }
    : { name: text, value: 'on', text }
}

/**
 * Names and values of any kind, the last of a name counting.
 *
 * @param impliedName - That of a first item without one.
 * @throws {BlockError} for an `id` that is no identifier.
 */
export function readAnyWords(list: string, impliedName: string, warn: Warn): Map<string, string> {
  const words = new Map<string, string>()
  pairsOf(list).forEach(({ name, value, text }, index) => {
    if (text !== undefined && index === 0) {
      words.set(impliedName, text)
      return
    }
    if (text !== undefined) {
      warn(
        `warning: short-form boolean option '${text}' deprecated\nPlease use ${name}=${value} instead`,
      )
    }
    if (name === 'id') checkIdentifier('id', value)
    words.set(name, value)
  })
  return words
}

/**
 * Values in the form in which they are printed; the last of a name counts.
 *
 * @throws {BlockError} for the first that is unknown or cannot be.
 */
export function readWords(
  options: readonly ImageOption[],
  list: string,
  warn: Warn,
): Map<string, string> {
  const words = new Map<string, string>()
  for (const { name, value } of pairsOf(list)) {
    // Every list may have a name of its own.
    if (name === 'id') continue
    const option = options.find((known) => known.name === name)
    if (option === undefined) throw new BlockError(`Invalid parameter '${name}'`)
    words.set(name, wordOf(option, value, warn))
  }
  return words
}

function wordOf({ name, type }: ImageOption, value: string, warn: Warn): string {
  switch (type) {
    case 'str':
      return value
    case 'size':
      return signed(sizeOf(name, value, warn))
    case 'num':
      return signed(numberOf(name, value))
    case 'bool (on/off)':
      if (TRUE_WORDS.includes(value) || FALSE_WORDS.includes(value)) return value
      throw new BlockError(`Parameter '${name}' expects 'on' or 'off'`)
  }
}

/** What is 2^63 and more is printed as a negative number. */
function signed(value: bigint): string {
  return String(BigInt.asIntN(64, value))
}

const SUFFIX_HINT =
  'Optional suffix k, M, G, T, P or E means kilo-, mega-, giga-, tera-, peta-\nand exabytes, respectively.\n'

/** @throws {BlockError} where the text is no size below 2^64. */
export function sizeOf(name: string, text: string, warn: Warn): bigint {
  const reading = readSize(text)
  if (reading === 'too large') {
    throw new BlockError(`Value '${text}' is out of range for parameter '${name}'`)
  }
  if (reading === 'malformed') {
    throw new BlockError(`Parameter '${name}' expects a non-negative number below 2^64`, {
      hint: SUFFIX_HINT,
    })
  }
  if (reading.hasHexSuffix) warn(hexSuffixWarning(text))
  return reading.bytes
}

export function hexSuffixWarning(text: string): string {
  return `warning: Using a multiplier suffix on hex numbers is deprecated: ${text}`
}

/** A minus sign wraps round. */
function numberOf(name: string, text: string): bigint {
  const whole = readWhole(text)
  if (whole === 'malformed') throw new BlockError(`Parameter '${name}' expects a number`)
  if (whole === 'too large') {
    throw new BlockError(`Value '${text}' is too large for parameter '${name}'`)
  }
  return whole
}
