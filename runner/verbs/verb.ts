/** What a verb of the command line is, what it is given, and how it ends. */
import type { FlagTable, Values } from './flags.ts'

/** Exit statuses, the same for every verb. */
export const EXIT = {
  ok: 0,
  /** Some scenario failed, crashed, timed out, healed, diverged differently or lacks its golden. */
  failed: 1,
  /** Wrong usage, or an invalid scenario, divergence or configuration file; nothing was run. */
  usage: 2,
  /** The environment: a target is missing, a probe failed, no space. */
  environment: 3,
  /** Nothing was selected. */
  empty: 4,
  /** Only flaky results broke the run. */
  flaky: 5,
  /** A gate broke: too much not applicable, coverage below what is needed. */
  gate: 6,
  interrupted: 130,
  terminated: 143,
} as const

/** A wrong command line or input file: one line for the user and an exit status, no stack. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  readonly status: number

  constructor(message: string, status: number = EXIT.usage) {
    super(message)
    this.status = status
  }
}

/** By its name: a loader may hold the class twice, and then `instanceof` does not see it. */
export function isCommandError(error: unknown): error is CommandError {
  return error instanceof Error && error.name === 'CommandError'
}

/** Where text goes. */
export interface Output {
  readonly isTTY: boolean
  readonly columns: number
  write(text: string): void
}

/** All that a verb may touch of the process that it runs in. */
export interface Shell {
  readonly stdout: Output
  readonly stderr: Output
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean }
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  /** Aborted by SIGINT and SIGTERM; the reason is the signal's name. */
  readonly signal: AbortSignal
}

export interface Call<T extends FlagTable> {
  readonly flags: Values<T>
  /** Words that are not flags. */
  readonly words: readonly string[]
  readonly shell: Shell
}

export interface Verb<T extends FlagTable = FlagTable> {
  readonly name: string
  /** What follows the verb: `[PATHS|IDS…]`. */
  readonly usage: string
  /** A sentence or a few, for `--help`. */
  readonly doc: string
  readonly examples: readonly string[]
  readonly flags: T
  /** Flags that the design names and that do not exist yet. */
  readonly notBuilt?: readonly string[]
  run(call: Call<T>): Promise<number>
}

/** A verb whose words belong to another program and are handed on as they are. */
export interface PassThrough {
  readonly name: string
  passThrough(argv: readonly string[], shell: Shell): Promise<number>
}

/** The shell as the drop-in tools want it. */
export function toolOutput({ stdout, stderr }: Shell) {
  return {
    stdout: (text: string) => stdout.write(text),
    stderr: (text: string) => stderr.write(text),
  }
}

/** Declares a verb: the one place where its flags, help and work stand. */
export function defineVerb<const T extends FlagTable>(verb: Verb<T>): Verb<T> {
  return verb
}

/** Asserts how many words a verb takes. */
export function takeWords(
  verb: string,
  words: readonly string[],
  names: readonly string[],
): readonly string[] {
  const missing = names[words.length]
  if (missing !== undefined) {
    throw new CommandError(`${verb} needs ${names.join(' ')}: ${missing} is missing`)
  }
  const extra = words[names.length]
  if (extra !== undefined) throw new CommandError(`${verb} does not take '${extra}'`)
  return words
}
