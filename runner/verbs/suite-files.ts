/** Finds a suite on disk and reads its files, within bounds and inside its own folder. */
import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import { LIMITS } from '../../dsl/limits.ts'
import type { SourceFile } from '../../dsl/index.ts'
import { packageRoot } from '../places.ts'
import { CommandError, isCommandError, EXIT } from './verb.ts'

/** Where a suite's parts lie; all absolute. */
export interface SuiteRoot {
  readonly scenarios: string
  readonly golden: string
  readonly clauses: string
}

/** A scenario file that has not been read. */
export interface FoundFile {
  /** Path below the root without suffix. */
  readonly id: string
  readonly path: string
}

/** Files in the scenarios' folder that are no scenarios. */
const NOT_SCENARIOS = new Set(['clauses.yaml', 'blockspec.config.yaml'])

const MOST_FILES = 20_000

/** The language counts characters; no character takes more bytes than this allows. */
const MOST_BYTES = 4 * LIMITS.fileLength

/** The suite that a folder belongs to: the nearest one upward, else the one that came with us. */
export function findRoot(folder: string): SuiteRoot {
  return upward(folder) ?? packagedRoot()
}

/** The nearest folder upward that has `scenarios/`. */
export function upward(folder: string): SuiteRoot | undefined {
  for (let at = resolve(folder); ; at = dirname(at)) {
    if (isFolder(join(at, 'scenarios'))) return rootAt(join(at, 'scenarios'), at)
    if (dirname(at) === at) return undefined
  }
}

/** A folder of scenarios outside any suite: goldens lie in `golden/` inside it. */
export function looseRoot(folder: string): SuiteRoot {
  return rootAt(folder, folder)
}

function rootAt(scenarios: string, base: string): SuiteRoot {
  return { scenarios, golden: join(base, 'golden'), clauses: join(scenarios, 'clauses.yaml') }
}

function packagedRoot(): SuiteRoot {
  const root = upward(packageRoot())
  if (root === undefined) throw new CommandError('no folder scenarios/ found', EXIT.environment)
  return root
}

export function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}

/** Every scenario file below the root, by id. */
export function listFiles(root: SuiteRoot, below = root.scenarios): readonly FoundFile[] {
  const found: FoundFile[] = []
  const visit = (folder: string): void => {
    for (const entry of readFolder(folder)) {
      const path = join(folder, entry.name)
      if (entry.name.startsWith('.')) continue
      if (entry.isDirectory()) {
        if (path !== root.golden) visit(path)
      } else if (entry.name.endsWith('.yaml') && !NOT_SCENARIOS.has(entry.name)) {
        found.push({ id: idOf(root, path), path })
      }
      if (found.length > MOST_FILES) {
        throw new CommandError(`more than ${MOST_FILES} files below ${below}`)
      }
    }
  }
  visit(below)
  return found.sort((a, b) => (a.id < b.id ? -1 : 1))
}

function readFolder(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true })
  } catch (error) {
    throw new CommandError(`cannot read folder ${folder}: ${(error as Error).message}`)
  }
}

/** `quorum/vote` for `<root>/quorum/vote.yaml`. */
export function idOf(root: SuiteRoot, path: string): string {
  return relative(root.scenarios, path)
    .split(sep)
    .join('/')
    .replace(/\.yaml$/, '')
}

/**
 * Reads a file of text. Only so much of a huge one is read as the language needs to refuse it.
 *
 * @param shown - How messages name the file.
 * @throws {CommandError} if it cannot be read, is no regular file, or is not UTF-8.
 */
export function readText(path: string, shown: string): string {
  let bytes: Buffer
  try {
    const stat = statSync(path)
    if (!stat.isFile()) throw new CommandError(`${shown}: not a regular file`)
    if (stat.size > MOST_BYTES) {
      throw new CommandError(`${shown}: ${stat.size} bytes are too many; ${MOST_BYTES} may be read`)
    }
    bytes = readFileSync(path)
  } catch (error) {
    if (isCommandError(error)) throw error
    throw new CommandError(`cannot read ${shown}: ${systemText(error)}`)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new CommandError(`${shown}: not valid UTF-8`)
  }
}

function systemText(error: unknown): string {
  const { message } = error as Error
  // Node repeats the call and the path after the text of the error.
  return message.replace(/, \w+( '.*')?$/, '')
}

/** Reads a scenario file as the language wants it: the path as the user would write it. */
export function readSource(file: FoundFile, cwd: string): SourceFile {
  const path = shownPath(file.path, cwd)
  return { path, text: readText(file.path, path) }
}

/** Whether a file is a fragment, which only `use` plays. */
export function isFragment(text: string): boolean {
  return /^fragment:/m.test(text) && !/^scenario:/m.test(text)
}

/** Relative to where the user stands if that is shorter, with no `../..` chains. */
export function shownPath(path: string, cwd: string): string {
  const short = relative(cwd, path)
  return short.startsWith(`..${sep}..`) || short.length > path.length ? path : short || '.'
}

/** Reads a fragment by its path below the root; nothing outside the root can be reached. */
export function fragmentReader(root: SuiteRoot): (path: string) => string | undefined {
  return (path) => {
    if (isAbsolute(path) || path.split(/[\\/]/).includes('..')) return undefined
    const file = join(root.scenarios, path)
    if (!existsSync(file)) return undefined
    const inside = relative(realpathSync(root.scenarios), realpathSync(file))
    if (inside.startsWith('..') || isAbsolute(inside)) return undefined
    return readText(file, path)
  }
}
