/** From the words of a command line to the files that they mean. */
import { dirname, relative, resolve, sep } from 'node:path'
import { globTest, isGlob } from './glob.ts'
import { hint } from './suggest.ts'
import {
  findRoot,
  idOf,
  isFolder,
  listFiles,
  looseRoot,
  upward,
  type FoundFile,
  type SuiteRoot,
} from './suite-files.ts'
import { CommandError } from './verb.ts'

/** Files that words select, and the suite that they belong to. */
export interface Chosen {
  readonly root: SuiteRoot
  readonly files: readonly FoundFile[]
  /** Tests for case ids, one for each word that names cases; empty: every case of the files. */
  readonly caseTests: readonly ((caseId: string) => boolean)[]
}

/** Who mistypes a name wants to see the names that there are. */
const LIST = ' (see: blockspec list)'

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
      throw new CommandError(`no scenario or path '${word}'${hint(word, known)}${LIST}`)
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
    if (!isFolder(folder)) throw new CommandError(`no scenario or path '${word}'${LIST}`)
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
