/** The command line of one `img` command: its options and words, or the error that ends it. */
import type { ProfileName } from '../../profiles/index.ts'
import type { ToolOutput } from '../output.ts'
import type { OptionSpec } from '../getopt.ts'
import { scanOptions } from '../getopt.ts'

/** What ends a command early: a message on standard error and a status. */
export class ImgFailure extends Error {
  override readonly name = 'ImgFailure'
  readonly status: number
  /** Further lines, printed as they are. */
  readonly hint: string

  constructor(message: string, status = 1, hint = '') {
    super(message)
    this.status = status
    this.hint = hint
  }
}

/** Says why a command ends. @returns its status. */
export function reportFailure(
  { message, hint, status }: ImgFailure,
  { program, stderr }: ImgContext,
): number {
  stderr(`${program}: ${message}\n${hint}`)
  return status
}

/** A misuse of the command line, with the pointer to the help. */
export function usageFailure(message: string, program: string): ImgFailure {
  return new ImgFailure(message, 1, `Try '${program} --help' for more information\n`)
}

export interface ImgOption extends OptionSpec {
  /** How the command knows it. */
  readonly name: string
  readonly unbuilt?: boolean
  /** Looks at a value as soon as it is met. @throws {ImgFailure} */
  readonly check?: (value: string, context: ImgContext) => void
}

export interface CommandLine {
  readonly words: readonly string[]
  /** Whether an option was given; `value` is what its last occurrence says. */
  has(name: string): boolean
  value(name: string): string | undefined
  /** What all of them say, in order. */
  values(name: string): readonly string[]
}

export interface ImgContext extends ToolOutput {
  readonly program: string
  readonly profile: ProfileName
  /** Its name. */
  readonly command: string
}

/** @throws {ImgFailure} for an option that is unknown or lacks its value. */
export function readCommandLine(
  options: readonly ImgOption[],
  argv: readonly string[],
  context: ImgContext,
): CommandLine {
  const given = new Map<string, string[]>()
  const words: string[] = []
  for (const item of scanOptions(options, argv, true)) {
    if (item.kind === 'word') words.push(item.value)
    else if (item.kind === 'option') {
      if (item.spec.unbuilt === true) {
        throw new ImgFailure(`option '${item.words.split(' ')[0] ?? ''}' is not built yet`)
      }
      item.spec.check?.(item.value, context)
      given.set(item.spec.name, [...(given.get(item.spec.name) ?? []), item.value])
    } else {
      const what = item.lacksValue ? 'missing argument for option' : 'unrecognized option'
      throw usageFailure(`${what} '${item.passed ?? context.command}'`, context.program)
    }
  }
  return {
    words,
    has: (name) => given.has(name),
    value: (name) => given.get(name)?.at(-1),
    values: (name) => given.get(name) ?? [],
  }
}

/** `--output`: `json` or, without it, `human`. */
export function outputForm(line: CommandLine): 'human' | 'json' {
  const form = line.value('output') ?? 'human'
  if (form === 'human' || form === 'json') return form
  throw new ImgFailure('--output must be used with human or json as argument.')
}

/** @returns the only word. @throws {ImgFailure} for none and for more. */
export function onlyWord(
  { words: [word, extra] }: CommandLine,
  { program }: ImgContext,
  expected = 'one image file name',
): string {
  if (word !== undefined && extra === undefined) return word
  throw usageFailure(`Expecting ${expected}`, program)
}

/** Options that several commands share. */
export const FORMAT = { name: 'format', letter: 'f', takesValue: true } as const
export const IMAGE_OPTS = { name: 'image-opts', long: 'image-opts', takesValue: false } as const
export const OUTPUT = { name: 'output', long: 'output', takesValue: true } as const
export const QUIET = { name: 'quiet', letter: 'q', takesValue: false } as const
export const FORCE_SHARE = {
  name: 'force-share',
  letter: 'U',
  long: 'force-share',
  takesValue: false,
} as const
export const OBJECT = { name: 'object', long: 'object', takesValue: true, unbuilt: true } as const
export const SOURCE_CACHE = { name: 'source-cache', letter: 'T', takesValue: true } as const
export const CACHE = { name: 'cache', letter: 't', takesValue: true } as const
export const BACKING = { name: 'backing', letter: 'b', takesValue: true } as const
export const BACKING_FORMAT = { name: 'backing-format', letter: 'F', takesValue: true } as const
export const UNSAFE = { name: 'unsafe', letter: 'u', takesValue: false } as const
export const PROGRESS = { name: 'progress', letter: 'p', takesValue: false, unbuilt: true } as const
export const HELP = { name: 'help', letter: 'h', long: 'help', takesValue: false } as const
/** What every command takes that opens an image by its name. */
export const ON_IMAGES = [FORMAT, IMAGE_OPTS, HELP, OBJECT] as const

export interface CacheMode {
  readonly direct: boolean
  readonly 'no-flush': boolean
}

const CACHE_MODES: Readonly<Record<string, CacheMode>> = {
  none: { direct: true, 'no-flush': false },
  off: { direct: true, 'no-flush': false },
  directsync: { direct: true, 'no-flush': false },
  writeback: { direct: false, 'no-flush': false },
  writethrough: { direct: false, 'no-flush': false },
  unsafe: { direct: false, 'no-flush': true },
}

/** How `-T` wants images cached; nothing where it was not given. */
export function sourceCache(line: CommandLine, failureStatus: number): CacheMode | undefined {
  return cacheMode(line.value('source-cache'), 'source cache', failureStatus)
}

/** How `-t` wants the image cached that is written to. */
export function targetCache(line: CommandLine): CacheMode | undefined {
  return cacheMode(line.value('cache'), 'cache', 1)
}

function cacheMode(
  name: string | undefined,
  what: string,
  failureStatus: number,
): CacheMode | undefined {
  if (name === undefined) return undefined
  const mode = Object.hasOwn(CACHE_MODES, name) ? CACHE_MODES[name] : undefined
  if (mode !== undefined) return mode
  throw new ImgFailure(`Invalid ${what} option: ${name}`, failureStatus)
}
