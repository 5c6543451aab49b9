/** The table of clauses: `scenarios/clauses.yaml` lists every clause of the specification. */
import { readFileSync } from 'node:fs'
import { LineCounter, parseDocument } from 'yaml'

export interface Clause {
  readonly id: string
  /** Title of the section that the id's letters name; the letters where the table has no title. */
  readonly section: string
  readonly profiles: readonly string[]
  readonly level: string
  readonly sentence: string
  /** False: nothing can be refused here, so no scenario has to show a negative side. */
  readonly refused: boolean
  /** Name of the test that sees it, where no client can. */
  readonly seenBy?: string
  /** Switches that make the profiles `note` and `qemu` differ in it. */
  readonly switches: readonly string[]
  /** Why no switch makes the difference, or why nobody can notice it yet. */
  readonly apart?: string
}

/** The table is wrong; each problem is `file:line:col: text`. */
export class ClauseTableError extends Error {
  override readonly name = 'ClauseTableError'
}

const LEVELS = ['must', 'should', 'may', 'test']

/** @throws {ClauseTableError} naming every problem. */
export function loadClauses(path: string): ReadonlyMap<string, Clause> {
  const text = readFileSync(path, 'utf8')
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, maxAliasCount: 100 } as object)
  const problems = document.errors.map((error) => {
    const { line, col } = lines.linePos(error.pos[0])
    return `${path}:${String(line)}:${String(col)}: ${error.message.split('\n')[0] ?? ''}`
  })
  if (problems.length > 0) throw new ClauseTableError(problems.join('\n'))
  const table = new Map<string, Clause>()
  const wrong: string[] = []
  const data: unknown = document.toJS({ maxAliasCount: 100 })
  const sections = sectionsOf(data)
  if (sections === undefined) wrong.push(`${path}: 'sections' must be a map of titles`)
  for (const [id, entry] of entriesOf(data)) {
    const clause = readClause(id, entry, sections ?? {})
    if (typeof clause === 'string') wrong.push(`${path}: clause ${id}: ${clause}`)
    else if (table.has(id)) wrong.push(`${path}: clause ${id} is listed twice`)
    else table.set(id, clause)
  }
  if (wrong.length > 0) throw new ClauseTableError(wrong.join('\n'))
  return table
}

/** Clauses may be a map by id, a list of maps with `id`, and either may stand under `clauses`. */
function entriesOf(data: unknown): [string, unknown][] {
  if (isRecord(data) && 'clauses' in data) return entriesOf(data['clauses'])
  if (Array.isArray(data)) {
    return data.map((entry: unknown, index) => {
      const id = isRecord(entry) ? entry['id'] : undefined
      return [typeof id === 'string' ? id : `at index ${String(index)}`, entry]
    })
  }
  return isRecord(data) ? Object.entries(data).filter(([key]) => key !== 'sections') : []
}

/** Titles by the letters that ids begin with; `undefined` where they are something else. */
function sectionsOf(data: unknown): Readonly<Record<string, string>> | undefined {
  const sections = isRecord(data) ? (data['sections'] ?? {}) : {}
  if (!isRecord(sections)) return undefined
  const titles = Object.entries(sections).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  )
  return titles.length === Object.keys(sections).length ? Object.fromEntries(titles) : undefined
}

function readClause(
  id: string,
  entry: unknown,
  sections: Readonly<Record<string, string>>,
): Clause | string {
  if (!isRecord(entry)) return 'must be a map'
  const profiles = typeof entry['profiles'] === 'string' ? [entry['profiles']] : entry['profiles']
  const sentence = entry['sentence']
  const level = entry['level'] ?? 'must'
  const seenBy = entry['seen-by']
  if (!Array.isArray(profiles) || !profiles.every((name) => typeof name === 'string')) {
    return "'profiles' must be a list of profile names"
  }
  if (typeof sentence !== 'string' || sentence === '') return "'sentence' is missing"
  if (typeof level !== 'string' || !LEVELS.includes(level)) {
    return `'level' must be one of ${LEVELS.join(', ')}`
  }
  const test = isRecord(entry) ? (entry['test'] ?? entry['test-name']) : undefined
  const named = typeof seenBy === 'string' ? (typeof test === 'string' ? test : seenBy) : undefined
  const refused = entry['refused'] !== false
  const { switches = [], apart } = entry
  if (!Array.isArray(switches) || !switches.every((name) => typeof name === 'string')) {
    return "'switches' must be a list of names of switches"
  }
  if (apart !== undefined && typeof apart !== 'string') return "'apart' must be a reason"
  const letters = id.replace(/-\d+$/, '')
  return {
    id,
    section: sections[letters] ?? letters,
    profiles,
    level,
    sentence,
    refused,
    switches,
    ...(apart === undefined ? {} : { apart }),
    ...(named === undefined ? {} : { seenBy: named }),
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
