/**
 * Known differences of an implementation, kept beside its settings in `divergences.yaml`: pinned to
 * the exact lines, with a reason and an owner, and red as soon as they heal, change or go stale.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import type { Scenario, Step } from '../dsl/plan.ts'
import { isMap, isSeq, LineCounter, parseDocument } from 'yaml'
import { type Hunk, joinHunks } from './compare.ts'
import { compareVersions } from './targets/capabilities.ts'

export interface Divergence {
  /** Id of a scenario, or a pattern with `*`. */
  readonly scenario: string
  /** Case pattern: what stands in the brackets of a case's id, `*` for all. */
  readonly case: string
  readonly profile?: string
  /** Kind of target that alone is meant: `qsd` or `system`. */
  readonly kind?: string
  readonly clause?: string
  /** Capability gap: the case is not played. */
  readonly notApplicable?: string
  /** The pinned diff in golden notation. */
  readonly expect?: string
  /** `SIGABRT at STEP`. */
  readonly crash?: string
  /** Ids of the steps whose inline claims differ. */
  readonly claims: readonly string[]
  readonly why: string
  readonly link?: string
  readonly owner: string
  /** Version of the implementation at which the entry expires. */
  readonly until?: string
  /** For messages: `file:line`. */
  readonly place: string
}

export interface DivergenceFile {
  readonly path: string
  readonly entries: readonly Divergence[]
}

/** The file is wrong: every problem as `file:line:col: text`, joined by newlines. */
export class DivergenceError extends Error {
  override readonly name = 'DivergenceError'
}

const KEYS = [
  'scenario',
  'case',
  'profile',
  'kind',
  'clause',
  'not-applicable',
  'expect',
  'crash',
  'claims',
  'why',
  'link',
  'owner',
  'until',
]

/** An absent file has no entries. @throws {DivergenceError} */
export function loadDivergences(path: string): DivergenceFile {
  if (!existsSync(path)) return { path, entries: [] }
  const lines = new LineCounter()
  const document = parseDocument(readFileSync(path, 'utf8'), { lineCounter: lines })
  const problems = document.errors.map((error) => {
    const { line, col } = lines.linePos(error.pos[0])
    return `${path}:${String(line)}:${String(col)}: ${error.message.split('\n')[0] ?? ''}`
  })
  if (problems.length > 0) throw new DivergenceError(problems.join('\n'))
  const root = document.contents
  if (root === null) return { path, entries: [] }
  const list = isMap(root) ? root.get('entries') : undefined
  if (list === undefined || list === null) return { path, entries: [] }
  if (!isSeq(list)) throw new DivergenceError(`${path}:1:1: 'entries' must be a list`)
  const entries = list.items.flatMap((item) => {
    const offset = (item as { range?: readonly number[] | null }).range?.[0] ?? 0
    const { line, col } = lines.linePos(offset)
    const where = `${path}:${String(line)}`
    const data: unknown = isMap(item) ? item.toJS(document) : undefined
    const entry = readEntry(data, where)
    if (typeof entry !== 'string') return [entry]
    problems.push(`${where}:${String(col)}: ${entry}`)
    return []
  })
  if (problems.length > 0) throw new DivergenceError(problems.join('\n'))
  return { path, entries }
}

function readEntry(data: unknown, place: string): Divergence | string {
  if (typeof data !== 'object' || data === null) return 'an entry must be a map'
  const map = data as Readonly<Record<string, unknown>>
  const unknown = Object.keys(map).find((key) => !KEYS.includes(key))
  if (unknown !== undefined) return `unknown key '${unknown}'; known are ${KEYS.join(', ')}`
  const texts: Record<string, string> = {}
  for (const [key, value] of Object.entries(map)) {
    if (key === 'claims') continue
    if (typeof value !== 'string' || value.trim() === '') return `'${key}' must be text`
    texts[key] = value
  }
  const { scenario, why, owner, expect, crash, 'not-applicable': notApplicable } = texts
  const claims = typeof map['claims'] === 'string' ? [map['claims']] : (map['claims'] ?? [])
  if (!Array.isArray(claims) || !claims.every((id) => typeof id === 'string')) {
    return "'claims' must be a list of step ids"
  }
  if (scenario === undefined) return "'scenario' is missing"
  if (why === undefined) return "'why' is missing: every difference has a reason"
  if (owner === undefined) return "'owner' is missing: somebody answers for every difference"
  const says = [expect, crash, notApplicable].filter((text) => text !== undefined).length
  if (says === 0 && claims.length === 0) {
    return "one of 'expect', 'crash', 'claims' or 'not-applicable' is needed"
  }
  return {
    scenario,
    why,
    owner,
    claims,
    place,
    case: texts['case'] ?? '*',
    ...pickTexts(texts, ['profile', 'kind', 'clause', 'expect', 'crash', 'link', 'until']),
    ...(notApplicable === undefined ? {} : { notApplicable }),
  }
}

function pickTexts<K extends string>(
  texts: Readonly<Record<string, string>>,
  keys: readonly K[],
): Partial<Record<K, string>> {
  const found: Partial<Record<K, string>> = {}
  for (const key of keys) {
    const value = texts[key]
    if (value !== undefined) found[key] = value
  }
  return found
}

/** Entries that speak of a case on a kind of target. */
export function entriesFor(
  file: DivergenceFile,
  scenario: string,
  caseId: string,
  profile: string,
  kind: string,
): readonly Divergence[] {
  const inBrackets = caseId.slice(scenario.length).replace(/^\[|\]$/g, '')
  return file.entries.filter(
    (entry) =>
      glob(entry.scenario, scenario) &&
      glob(entry.case, inBrackets) &&
      (entry.profile ?? profile) === profile &&
      (entry.kind ?? kind) === kind,
  )
}

function glob(pattern: string, text: string): boolean {
  const clean = pattern.replace(/^\[|\]$/g, '')
  const source = clean.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${source.join('.*')}$`, 's').test(text)
}

export function hasExpired(entry: Divergence, version: string): boolean {
  return entry.until !== undefined && compareVersions(version, entry.until) >= 0
}

/** The hunks that an entry pins, one a phase. */
export function pinnedHunks(entry: Divergence): readonly Hunk[] {
  const hunks: { heading: string; lines: string[] }[] = []
  for (const line of (entry.expect ?? '').split('\n')) {
    const text = line.trimEnd()
    if (text.startsWith('@@ ')) hunks.push({ heading: text.slice(3), lines: [] })
    else if (/^[-+]/.test(text)) hunks.at(-1)?.lines.push(text)
  }
  return joinHunks(hunks)
}

/** Phases that the runner opens itself. */
const FIXED_PHASES = ['setup', 'steps', 'after', 'finally', 'start']

/** Entries that name no scenario, case or phase of the suite: one message each. */
export function staleEntries(
  file: DivergenceFile,
  scenarios: readonly Scenario[],
): readonly string[] {
  return file.entries.flatMap((entry) => {
    const named = scenarios.filter((scenario) => glob(entry.scenario, scenario.id))
    if (named.length === 0) return [`${entry.place}: no scenario is named '${entry.scenario}'`]
    const cases = named.flatMap((scenario) =>
      scenario.cases.filter((which) =>
        glob(entry.case, which.id.slice(scenario.id.length).replace(/^\[|\]$/g, '')),
      ),
    )
    if (cases.length === 0)
      return [`${entry.place}: no case of '${entry.scenario}' is '${entry.case}'`]
    const steps = cases.flatMap((which) => [
      ...which.setup,
      ...which.steps,
      ...which.after,
      ...which.finally,
    ])
    const phases = new Set([...FIXED_PHASES, ...phasesOf(steps)].map((title) => `== ${title}`))
    const gone = pinnedHunks(entry).find((hunk) => !phases.has(hunk.heading))
    if (gone !== undefined) return [`${entry.place}: no phase is named '${gone.heading.slice(3)}'`]
    const ids = new Set(idsOf(steps))
    const lost = entry.claims.find((id) => !ids.has(id))
    return lost === undefined ? [] : [`${entry.place}: no step has the id '${lost}'`]
  })
}

function nested(step: Step): readonly Step[] {
  switch (step.kind) {
    case 'group':
      return [...step.then, ...step.otherwise]
    case 'use':
      return step.steps
    case 'loop':
      return step.turns.flatMap((turn) => turn.steps)
    case 'together':
      return step.actors.flatMap((actor) => actor.steps)
    default:
      return []
  }
}

function phasesOf(steps: readonly Step[]): readonly string[] {
  return steps.flatMap((step) => (step.kind === 'phase' ? [step.title] : phasesOf(nested(step))))
}

function idsOf(steps: readonly Step[]): readonly string[] {
  return steps.flatMap((step) => [
    ...(step.id === undefined ? [] : [step.id]),
    ...idsOf(nested(step)),
  ])
}

/** Appends an entry, keeping comments. */
export function addDivergence(
  path: string,
  entry: Omit<Divergence, 'place' | 'claims'> & { readonly claims?: readonly string[] },
): void {
  const text = existsSync(path) ? readFileSync(path, 'utf8') : 'entries: []\n'
  const document = parseDocument(text)
  const { notApplicable, claims, ...rest } = entry
  const plain = {
    ...rest,
    ...(notApplicable === undefined ? {} : { 'not-applicable': notApplicable }),
    ...(claims === undefined || claims.length === 0 ? {} : { claims: [...claims] }),
  }
  const ordered = Object.fromEntries(
    KEYS.flatMap((key) => {
      const value = (plain as Readonly<Record<string, unknown>>)[key]
      return value === undefined || (key === 'case' && value === '*') ? [] : [[key, value]]
    }),
  )
  if (!isMap(document.contents)) document.contents = document.createNode({ entries: [] }) as never
  const list = document.get('entries')
  if (isSeq(list)) {
    list.flow = false
    list.add(document.createNode(ordered))
  } else {
    document.set('entries', document.createNode([ordered]))
  }
  writeFileSync(path, document.toString({ lineWidth: 0 }))
}

/** Removes the entries of a scenario (and case); returns how many. */
export function removeDivergence(path: string, scenario: string, which?: string): number {
  if (!existsSync(path)) return 0
  const document = parseDocument(readFileSync(path, 'utf8'))
  const list = document.get('entries')
  if (!isSeq(list)) return 0
  const before = list.items.length
  list.items = list.items.filter((item) => {
    if (!isMap(item) || item.get('scenario') !== scenario) return true
    return which !== undefined && (item.get('case') ?? '*') !== which
  })
  const removed = before - list.items.length
  if (removed > 0) writeFileSync(path, document.toString({ lineWidth: 0 }))
  return removed
}
