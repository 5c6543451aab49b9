/**
 * What `--chardev` takes: flat `key=value` pairs in the older syntax, where a key alone is a
 * switch and the first word is the backend.
 */
import { BlockError } from '../../util/errors.ts'
import { checkIdentifier } from '../../util/identifier.ts'

type Kind = 'bool' | 'number' | 'str' | 'size'

/** Every key that QEMU knows. */
const KEYS: Readonly<Record<string, Kind>> = {
  abstract: 'bool',
  append: 'bool',
  backend: 'str',
  chardev: 'str',
  clipboard: 'bool',
  cols: 'number',
  debug: 'number',
  delay: 'bool',
  fd: 'str',
  height: 'number',
  host: 'str',
  ipv4: 'bool',
  ipv6: 'bool',
  localaddr: 'str',
  localport: 'str',
  logappend: 'bool',
  logfile: 'str',
  mouse: 'bool',
  mux: 'bool',
  name: 'str',
  nodelay: 'bool',
  path: 'str',
  port: 'str',
  reconnect: 'number',
  rows: 'number',
  server: 'bool',
  signal: 'bool',
  size: 'size',
  telnet: 'bool',
  tight: 'bool',
  'tls-authz': 'str',
  'tls-creds': 'str',
  tn3270: 'bool',
  to: 'number',
  wait: 'bool',
  websocket: 'bool',
  width: 'number',
}

export interface ChardevOptions {
  readonly id: string | undefined
  readonly help: boolean
  readonly values: ReadonlyMap<string, string>
}

/**
 * @param warn - Gets what is odd but taken.
 * @throws {BlockError} for the first thing that is wrong.
 */
export function parseChardev(text: string, warn: (text: string) => void): ChardevOptions {
  const pairs = pairsOf(text, warn)
  const help = pairs.some(({ key, alone }) => alone && (key === 'help' || key === '?'))
  const id = pairs.find(({ key }) => key === 'id')?.value
  if (help)
    return {
      id,
      help,
      values: new Map(pairs.filter(({ alone }) => !alone).map(({ key, value }) => [key, value])),
    }
  if (id !== undefined) checkIdentifier('id', id)
  const values = new Map<string, string>()
  for (const { key, value } of pairs) {
    if (key === 'id') continue
    checkPair(key, value)
    values.set(key, value)
  }
  return { id, help, values }
}

interface Pair {
  readonly key: string
  readonly value: string
  readonly alone: boolean
}

function pairsOf(text: string, warn: (text: string) => void): Pair[] {
  if (text === '') return []
  // A doubled comma stands for one; what is split at are the single ones.
  return text
    .replaceAll(',,', DOUBLED)
    .split(',')
    .map((word, index) => pairOf(word, index === 0, warn))
    .map((pair) => ({ ...pair, value: pair.value.replaceAll(DOUBLED, ',') }))
}

/** No character of a command line. */
const DOUBLED = '\0'

function pairOf(word: string, isFirst: boolean, warn: (text: string) => void): Pair {
  const equals = word.search(isFirst ? `[=${DOUBLED}]` : '=')
  if (equals !== -1 && word[equals] === '=') {
    return { key: word.slice(0, equals), value: word.slice(equals + 1), alone: false }
  }
  if (word === 'help' || word === '?') return { key: word, value: 'on', alone: true }
  if (isFirst) return { key: 'backend', value: word, alone: false }
  const negated = word.startsWith('no') && word !== 'nodelay'
  const key = negated ? word.slice(2) : word
  const value = negated ? 'off' : 'on'
  warn(
    `warning: short-form boolean option '${word}' deprecated\nPlease use ${key}=${value} instead`,
  )
  return { key, value, alone: true }
}

function checkPair(key: string, value: string): void {
  const kind = Object.hasOwn(KEYS, key) ? KEYS[key] : undefined
  if (kind === undefined) throw new BlockError(`Invalid parameter '${key}'`)
  if (kind === 'bool' && !/^(on|off|yes|no|true|false|y|n)$/.test(value)) {
    throw new BlockError(`Parameter '${key}' expects 'on' or 'off'`)
  }
  if (kind === 'number' && !/^[0-9]+$/.test(value)) {
    throw new BlockError(`Parameter '${key}' expects a number`)
  }
}

/** Every key with the form of its value, for a device's `help`. */
export function chardevOptionHelp(): string {
  const forms = { bool: 'bool (on/off)', number: 'num', str: 'str', size: 'size' } as const
  const lines = Object.entries(KEYS).map(([key, kind]) => `  ${key}=<${forms[kind]}>\n`)
  return `chardev options:\n${lines.join('')}`
}

/** A switch's value, or `otherwise` where it was not given. */
export function isOn(options: ChardevOptions, key: string, otherwise: boolean): boolean {
  const value = options.values.get(key)
  return value === undefined ? otherwise : /^(on|yes|true|y)$/.test(value)
}
