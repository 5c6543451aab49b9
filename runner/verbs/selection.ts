/**
 * Which cases a command line means. Filters apply in a fixed order: paths and ids, then profile,
 * tags, clauses, grep, case values, then lists and earlier reports.
 */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Problem, SourceFile } from '../../dsl/index.ts'
import type { Suite, Value } from '../../dsl/plan.ts'
import type { Clause } from '../clauses.ts'
import type { LanguageOptions } from '../language.ts'
import type { Selected } from '../selected.ts'
import { chooseFiles, type Chosen } from './choose-files.ts'
import { globTest } from './glob.ts'
import { readReport } from './report-file.ts'
import type { Assignment, SelectionFlags } from './selection-flags.ts'
import {
  fragmentReader,
  isFragment,
  readSource,
  readText,
  shownPath,
  type FoundFile,
  type SuiteRoot,
} from './suite-files.ts'
import { CommandError, type Shell } from './verb.ts'

export interface Loaded {
  readonly root: SuiteRoot
  readonly suite: Suite
  readonly sources: readonly SourceFile[]
  readonly problems: readonly Problem[]
  readonly clauses: ReadonlyMap<string, Clause> | undefined
}

/** Reads and compiles the files that words choose; problems are returned. */
export async function load(
  chosen: Chosen,
  shell: Shell,
  params: readonly Assignment[] = [],
): Promise<Loaded> {
  const { compileSuite } = await import('../language.ts')
  const { root, files } = chosen
  const clauses = await loadClauseTable(root)
  const sources = readSources(files, shell.cwd)
  const options = compileOptions(root, clauses, shell.cwd, params)
  const { suite, problems } = compileSuite(sources, options)
  return { root, suite, sources, problems, clauses }
}

/** The texts of scenario files; fragments are left out, as only `use` plays them. */
export function readSources(files: readonly FoundFile[], cwd: string): readonly SourceFile[] {
  return files.map((file) => readSource(file, cwd)).filter(({ text }) => !isFragment(text))
}

export function compileOptions(
  root: SuiteRoot,
  clauses: ReadonlyMap<string, Clause> | undefined,
  cwd: string,
  params: readonly Assignment[],
): LanguageOptions {
  return {
    root: shownPath(root.scenarios, cwd),
    readFragment: fragmentReader(root),
    params: Object.fromEntries(params.map(({ name, value }) => [name, value])),
    ...(clauses === undefined ? {} : { clauses }),
  }
}

/** The clause table, or `undefined` where the suite has none. */
export async function loadClauseTable(
  root: SuiteRoot,
): Promise<ReadonlyMap<string, Clause> | undefined> {
  if (!existsSync(root.clauses)) return undefined
  const { loadClauses } = await import('../clauses.ts')
  return loadClauses(root.clauses)
}

/** Prints every problem; @throws {CommandError} if one of them is an error. */
export async function refuseProblems(problems: readonly Problem[], shell: Shell): Promise<void> {
  const errors = problems.filter(({ level }) => level === 'error')
  if (errors.length === 0) return
  const { renderProblem } = await import('../../dsl/index.ts')
  for (const problem of errors) shell.stderr.write(`${renderProblem(problem)}\n\n`)
  const word = errors.length === 1 ? 'problem' : 'problems'
  throw new CommandError(`${errors.length} ${word} in the scenarios; nothing was run`)
}

/** The selected cases of valid scenarios, in the order of files and matrices. */
export async function selectCases(
  words: readonly string[],
  flags: SelectionFlags,
  shell: Shell,
): Promise<Loaded & { readonly cases: readonly Selected[] }> {
  const chosen = chooseFiles(words, shell.cwd)
  const loaded = await load(chosen, shell, flags.set)
  await refuseProblems(loaded.problems, shell)
  const { selectAll } = await import('../selected.ts')
  const { caseTests } = chosen
  const keep = filters(flags, shell)
  const cases = selectAll(loaded.suite).filter(
    (one) =>
      (caseTests.length === 0 || caseTests.some((test) => test(one.case.id))) &&
      keep.every((test) => test(one)),
  )
  return { ...loaded, cases }
}

type Filter = (one: Selected) => boolean

function filters(flags: SelectionFlags, shell: Shell): readonly Filter[] {
  const result: Filter[] = []
  const { profile, tag, clause, grep } = flags
  if (profile.length > 0) result.push((one) => profile.includes(one.profile))
  if (tag.length > 0)
    result.push(({ scenario }) => tag.every((test) => test(new Set(scenario.tags))))
  if (clause.length > 0) {
    const tests = clause.map(globTest)
    result.push(({ scenario }) =>
      [...scenario.spec, ...scenario.refuses].some(({ id }) => tests.some((test) => test(id))),
    )
  }
  if (grep.length > 0) {
    result.push((one) => grep.some((test) => test(one.case.id) || test(one.scenario.title)))
  }
  for (const { name, value } of flags.case) {
    result.push((one) =>
      one.case.variables.some(
        (variable) => variable.name === name && spelled(variable.value) === value,
      ),
    )
  }
  const listed = flags.list.flatMap((path) => idsIn(readText(resolve(shell.cwd, path), path)))
  if (flags.list.length > 0) result.push(idFilter(listed))
  if (flags.rerun !== undefined) result.push(brokenFilter(flags.rerun, shell))
  return result
}

/** A matrix value as a user types it. */
function spelled(value: Value): string {
  if (typeof value !== 'object') return String(value)
  return JSON.stringify(value, (_name, inner: unknown) =>
    typeof inner === 'bigint' ? Number(inner) : inner,
  )
}

function idsIn(text: string): readonly string[] {
  return text
    .split('\n')
    .map((line) => line.replace(/(^|\s)#.*$/, '').trim())
    .filter((line) => line !== '')
}

function idFilter(ids: readonly string[]): Filter {
  const wanted = new Set(ids)
  return (one) => wanted.has(one.case.id) || wanted.has(one.scenario.id)
}

function brokenFilter(path: string, shell: Shell): Filter {
  const broken = readReport(resolve(shell.cwd, path), path)
    .filter(({ verdict }) => !['pass', 'n/a', 'diverged'].includes(verdict))
    .map(({ id, profile }) => `${id} ${profile}`)
  const wanted = new Set(broken)
  return (one) => wanted.has(`${one.case.id} ${one.profile}`)
}
