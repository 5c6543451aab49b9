/** Options of `img create -o`: how values are read, and what is printed of those that there are. */
import { FALSE_WORDS, TRUE_WORDS, type ImageOption } from '../../block/image-options.ts'
import { parseSize } from '../../block/size.ts'
import { ImgFailure } from './command-line.ts'

const SUFFIX_HINT =
  'Optional suffix k, M, G, T, P or E means kilo-, mega-, giga-, tera-, peta-\nand exabytes, respectively.\n'

/** `key=value,…` with `,,` for a comma in a value; a key alone is on. */
export function readPairs(text: string): Map<string, string> {
  const pairs = new Map<string, string>()
  const parts = text.replaceAll(',,', '\0').split(',')
  for (const part of parts) {
    const pair = part.replaceAll('\0', ',')
    if (pair === '') continue
    const equals = pair.indexOf('=')
    if (equals === -1) pairs.set(pair, 'on')
    else pairs.set(pair.slice(0, equals), pair.slice(equals + 1))
  }
  return pairs
}

/**
 * Checks what was given, in that order, and brings it into the form in which it is printed.
 *
 * @throws {ImgFailure} naming the file.
 */
export function checkPairs(
  filename: string,
  options: readonly ImageOption[],
  pairs: ReadonlyMap<string, string>,
): Map<string, string> {
  const checked = new Map<string, string>()
  for (const [name, value] of pairs) {
    const option = options.find((known) => known.name === name)
    if (option === undefined) throw new ImgFailure(`${filename}: Invalid parameter '${name}'`)
    checked.set(name, checkValue(filename, option, value))
  }
  return checked
}

function checkValue(filename: string, { name, type }: ImageOption, value: string): string {
  const fail = (text: string, hint = ''): never => {
    throw new ImgFailure(`${filename}: Parameter '${name}' ${text}`, 1, hint)
  }
  switch (type) {
    case 'str':
      return value
    case 'size':
      return (
        parseSize(value)?.toString() ??
        fail('expects a non-negative number below 2^64', SUFFIX_HINT)
      )
    case 'num':
      return /^[0-9]+$/.test(value) ? String(BigInt(value)) : fail('expects a number')
    case 'bool (on/off)':
      return isBoolean(value) ? value : fail("expects 'on' or 'off'")
  }
}

function isBoolean(value: string): boolean {
  return TRUE_WORDS.includes(value) || FALSE_WORDS.includes(value)
}

/** What `-o help` prints. */
export function optionHelp(format: string, options: readonly ImageOption[]): string {
  const sorted = options.toSorted((one, other) => (one.name < other.name ? -1 : 1))
  const lines = sorted.map(
    ({ name, type, help }) => `  ${`${name}=<${type}>`.padEnd(22)} - ${help}\n`,
  )
  return `Supported ${format} options:\n${lines.join('')}\nThe protocol level may support further options.\nSpecify the target filename to include those options.\n`
}
