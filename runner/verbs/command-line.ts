/** From words to a verb's exit status: finds the verb, reads its flags, prints what went wrong. */
import { parseFlags } from './flags.ts'
import { NOT_BUILT, VERBS } from './index.ts'
import { hint } from './suggest.ts'
import { CommandError, isCommandError, EXIT, type Shell } from './verb.ts'
import { VERSION } from './version.ts'

/**
 * Runs one command line. Every failure that a user can cause ends as one line on the error output
 * and the documented exit status; anything else is a bug and is thrown.
 */
export async function commandLine(argv: readonly string[], shell: Shell): Promise<number> {
  try {
    return await dispatch(argv, shell)
  } catch (error) {
    const status = statusOf(error)
    if (status === undefined) throw error
    shell.stderr.write(`blockspec: ${(error as Error).message}\n`)
    return status
  }
}

/**
 * Expected failures of the parts below, by the names of their classes: looking at the names keeps
 * those parts unloaded until a verb needs them.
 */
const STATUS_BY_ERROR: ReadonlyMap<string, number> = new Map([
  ['TargetError', EXIT.environment],
  ['TargetSpecError', EXIT.usage],
  ['ClauseTableError', EXIT.usage],
  ['DivergenceError', EXIT.usage],
  ['ProvenanceError', EXIT.usage],
  ['GoldenError', EXIT.usage],
  ['ExclusionError', EXIT.usage],
])

function statusOf(error: unknown): number | undefined {
  if (isCommandError(error)) return error.status
  return error instanceof Error ? STATUS_BY_ERROR.get(error.name) : undefined
}

async function dispatch(argv: readonly string[], shell: Shell): Promise<number> {
  const [name, ...rest] = argv
  if (name === '--version' || name === '-V') {
    shell.stdout.write(`blockspec ${VERSION}\n`)
    return EXIT.ok
  }
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    return printHelp(name, rest, shell)
  }
  return callVerb(name, rest, shell)
}

async function printHelp(
  name: string | undefined,
  rest: readonly string[],
  shell: Shell,
): Promise<number> {
  const verb = rest[0]
  if (verb !== undefined) return callVerb(verb, ['--help'], shell)
  const help = await import('./help.ts')
  shell.stdout.write(name === undefined ? help.commonTasks() : help.allVerbs())
  return EXIT.ok
}

async function callVerb(name: string, argv: readonly string[], shell: Shell): Promise<number> {
  if (NOT_BUILT.has(name)) throw new CommandError(`'${name}' is not built yet`)
  const entry = Object.hasOwn(VERBS, name) ? VERBS[name] : undefined
  if (entry === undefined) {
    const what = name.startsWith('-') ? 'flag' : 'verb'
    throw new CommandError(
      `unknown ${what} '${name}'${hint(name, Object.keys(VERBS))} 'blockspec help' lists them`,
    )
  }
  const verb = await entry.load()
  if ('passThrough' in verb) return verb.passThrough(argv, shell)
  const { flags, words, help } = parseFlags(verb.flags, argv, verb.notBuilt)
  if (help) {
    shell.stdout.write((await import('./help.ts')).verbHelp(verb))
    return EXIT.ok
  }
  return verb.run({ flags, words, shell })
}
