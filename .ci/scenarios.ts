/** The scenarios of this repository as texts and as a suite, for the checks beside this file. */
import { readFileSync, readdirSync } from 'node:fs'
import { join, relative } from 'node:path'
import type { Suite } from '../dsl/plan.ts'
import { compileSuite } from '../runner/language.ts'

export const SCENARIOS = join(import.meta.dirname, '..', 'scenarios')

/** By path below the folder, fragments included. */
export function readTexts(): Map<string, string> {
  return new Map(
    readdirSync(SCENARIOS, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.yaml'))
      .map((entry) => relative(SCENARIOS, join(entry.parentPath, entry.name)))
      .filter((path) => path !== 'clauses.yaml')
      .toSorted()
      .map((path) => [path, readFileSync(join(SCENARIOS, path), 'utf8')]),
  )
}

/** The chosen files as a suite, or the first problem that they have. */
export function compile(
  texts: ReadonlyMap<string, string>,
  only: readonly string[],
): Suite | string {
  const files = [...texts]
    .filter(([path, text]) => only.includes(path) && /^scenario:/m.test(text))
    .map(([path, text]) => ({ path, text }))
  const { suite, problems } = compileSuite(files, {
    root: '',
    readFragment: (path) => texts.get(path),
  })
  const errors = problems.filter(({ level }) => level === 'error')
  return errors.length === 0 ? suite : (errors[0]?.message ?? 'unknown')
}
