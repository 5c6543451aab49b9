/**
 * Which cases a command line means. Filters apply in a fixed order: paths and ids, then profile,
 * tags, clauses, grep, case values, then lists and earlier reports.
 */
import { availableParallelism } from 'node:os'
import { dirname, relative, resolve, sep } from 'node:path'
import type { CompileOptions, Problem, SourceFile } from '../../dsl/index.ts'
import type { Profile, Suite, Value } from '../../dsl/plan.ts'
import type { Clause } from '../clauses.ts'
import type { Selected } from '../suite.ts'
import { many, one, text, type FlagTable, type Values } from './flags.ts'
import { globTest, isGlob } from './glob.ts'
import { readReport } from './report-file.ts'
import { hint } from './suggest.ts'
import {
  findRoot,
  fragmentReader,
  idOf,
  isFolder,
  isFragment,
  listFiles,
  looseRoot,
  readSource,
  readText,
  shownPath,
  upward,
  type FoundFile,
  type SuiteRoot,
} from './suite-files.ts'
import { parseTags } from './tag-expression.ts'
import { CommandError, type Shell } from './verb.ts'

export const PROFILES = ['qemu', 'note', 'note-transition'] as const satisfies readonly Profile[]

/** The flags of every verb that works on a selection of cases. */
export const SELECTION_FLAGS = {
  tag: many({
    short: 't',
    value: 'EXPR',
    example: "'quorum and not slow'",
    doc: 'Only scenarios whose tags satisfy the expression.',
    parse: parseTags,
  }),
  clause: many({
    short: 'c',
    value: 'GLOB',
    example: "'QUO-*'",
    doc: 'Only scenarios that show or refuse such a clause.',
    parse: text,
  }),
  grep: many({
    short: 'g',
    value: 'TEXT',
    example: 'threshold',
    doc: 'Only cases whose id or title contains the text; /…/ is a regular expression.',
    parse: parseGrep,
  }),
  case: many({
    value: 'NAME=VALUE',
    example: 'mode=fifo',
    doc: 'Only cases with this value of a matrix variable.',
    parse: parseAssignment,
  }),
  profile: many({
    value: 'NAME',
    example: 'note',
    doc: `Only this profile: ${PROFILES.join(', ')}.`,
    parse: (value) => {
      const found = PROFILES.find((profile) => profile === value)
      if (found === undefined) throw new CommandError(`wants ${PROFILES.join(', ')}`)
      return found
    },
  }),
  list: many({
    value: 'FILE',
    example: 'cases.txt',
    doc: 'Only the ids that the file lists, one a line, # for comments.',
    parse: text,
  }),
  rerun: one({
    value: 'REPORT',
    example: 'out.ndjson',
    doc: "Only cases that broke in an earlier run's json= report.",
    parse: text,
  }),
  set: many({
    value: 'NAME=VALUE',
    example: 'size=2M',
    doc: 'Overrides a parameter of the scenarios; the golden is then not compared.',
    parse: parseAssignment,
  }),
} satisfies FlagTable

export type SelectionFlags = Values<typeof SELECTION_FLAGS>

export interface Assignment {
  readonly name: string
  readonly value: string
}

export function parseAssignment(value: string): Assignment {
  const [, name, rest] = /^([A-Za-z_][\w-]*)=(.*)$/s.exec(value) ?? []
  if (name === undefined || rest === undefined) throw new CommandError('wants NAME=VALUE')
  return { name, value: rest }
}

function parseGrep(value: string): (name: string) => boolean {
  const source = /^\/(.+)\/$/.exec(value)?.[1]
  if (source === undefined) return (name) => name.includes(text(value))
  try {
    const regex = new RegExp(source, 'i')
    return (name) => regex.test(name)
  } catch (error) {
    throw new CommandError(`wants a regular expression (${(error as Error).message})`)
  }
}

/** Files that words select, and the suite that they belong to. */
export interface Chosen {
  readonly root: SuiteRoot
  readonly files: readonly FoundFile[]
  /** Tests for case ids, one for each word that names cases; empty: every case of the files. */
  readonly caseTests: readonly ((caseId: string) => boolean)[]
}

/** Resolves the words of a command line: ids, folders of ids, globs, paths, ids with `[case]`. */
export function chooseFiles(words: readonly string[], cwd: string): Chosen {
  const root = rootFor(words, cwd)
  const all = listFiles(root)
  if (words.length === 0) return { root, files: all, caseTests: [] }
  const picked = new Set<FoundFile>()
  const caseTests: ((caseId: string) => boolean)[] = []
  for (const word of words) {
    const test = wordTest(word, root, cwd)
    const files = all.filter(({ id }) => test.file(id))
    if (files.length === 0 && !isGlob(word)) {
      const known = new Set(all.flatMap(({ id }) => [id, id.split('/')[0] ?? id]))
      throw new CommandError(`no scenario or path '${word}'${hint(word, known)}`)
    }
    for (const file of files) picked.add(file)
    caseTests.push(test.case)
  }
  return { root, files: all.filter((file) => picked.has(file)), caseTests }
}

/** Words that are paths outside the suite where the user stands bring their own suite. */
function rootFor(words: readonly string[], cwd: string): SuiteRoot {
  const here = findRoot(cwd)
  for (const word of words) {
    const path = resolve(cwd, word)
    if (!looksLikePath(word) || isInside(here.scenarios, path)) continue
    const folder = isFolder(path) ? path : dirname(path)
    if (!isFolder(folder)) throw new CommandError(`no scenario or path '${word}'`)
    const own = upward(folder)
    return own !== undefined && isInside(own.scenarios, path) ? own : looseRoot(folder)
  }
  return here
}

function looksLikePath(word: string): boolean {
  return /^\.{0,2}\//.test(word) || word.endsWith('.yaml') || word === '.' || word === '..'
}

function isInside(folder: string, path: string): boolean {
  const inner = relative(folder, path)
  return inner === '' || !(inner === '..' || inner.startsWith(`..${sep}`) || inner.startsWith('/'))
}

interface WordTest {
  readonly file: (id: string) => boolean
  readonly case: (caseId: string) => boolean
}

function wordTest(word: string, root: SuiteRoot, cwd: string): WordTest {
  const path = resolve(cwd, word)
  if (isInside(root.scenarios, path) && (looksLikePath(word) || isFolder(path))) {
    const id = idOf(root, path)
    const below = (name: string): boolean => id === '' || name === id || name.startsWith(`${id}/`)
    return { file: below, case: (name) => below(bareId(name)) }
  }
  const bare = bareId(word)
  const cases = word.slice(bare.length)
  if (isGlob(bare)) {
    const test = globTest(bare)
    return { file: test, case: (name) => test(bareId(name)) && inCase(name, cases) }
  }
  const below = (name: string): boolean => name === bare || name.startsWith(`${bare}/`)
  return { file: below, case: (name) => below(bareId(name)) && inCase(name, cases) }
}

/** The id of the scenario in the id of a case. */
export function bareId(caseId: string): string {
  const bracket = caseId.indexOf('[')
  return bracket < 0 ? caseId : caseId.slice(0, bracket)
}

function inCase(caseId: string, brackets: string): boolean {
  return brackets === '' || caseId.slice(bareId(caseId).length) === brackets
}

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
  const { compileSuite } = await import('../../dsl/index.ts')
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
): CompileOptions {
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
  const { existsSync } = await import('node:fs')
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
  const { selectAll } = await import('../suite.ts')
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

/** `-j`: a count, a share of the processors, or `auto`. */
export function parseJobs(value: string): number {
  const processors = availableParallelism()
  if (value === 'auto') return processors
  const [, digits, percent] = /^(\d{1,4})(%?)$/.exec(value) ?? []
  const number = Number(digits)
  if (digits === undefined || number === 0) throw new CommandError('wants N, N% or auto')
  return percent === '%' ? Math.max(1, Math.floor((processors * number) / 100)) : number
}
