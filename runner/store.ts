/**
 * The folder `golden/`: accepted goldens with their provenance, and below `.pending/` what runs have
 * recorded and nobody has accepted yet.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Case, Profile, Scenario } from '../dsl/plan.ts'
import { differences, hunkHash, hunkText } from './compare.ts'
import {
  expandGolden,
  foldGolden,
  type GoldenCase,
  NORMALISER_VERSION,
  type Recorded,
  type TranscriptText,
} from './golden.ts'
import {
  digestOf,
  mayRecord,
  type Origin,
  printProvenance,
  type Provenance,
  readProvenance,
  titleOf,
} from './provenance.ts'

/** What one run recorded for one case. */
export interface PendingCase {
  /** `scenario` or `scenario[var=value]`. */
  readonly id: string
  readonly scenario: string
  readonly profile: Profile
  /** Title of the recording target: `qemu-storage-daemon 7.2.22`. */
  readonly from: string
  /** `qsd 7.2.22`: kind and version, as provenance names targets. */
  readonly target: string
  readonly transcript: TranscriptText
  /** Inline claims failed: cannot be accepted. */
  readonly failed: boolean
}

export interface AcceptOptions {
  /** Take engine transcripts for profile `qemu`. */
  readonly unconfirmed: boolean
  /** Allow a golden to lose more than 30 % of its lines. */
  readonly shrink: boolean
}

export interface Accepted {
  readonly accepted: readonly string[]
  readonly refused: readonly { readonly id: string; readonly reason: string }[]
}

/** A pending golden beside the one that it would replace, for review. */
export interface PendingGolden {
  readonly scenario: string
  readonly profile: Profile
  readonly path: string
  readonly cases: readonly PendingCase[]
  /** The accepted text, empty when there is none yet. */
  readonly before: string
  readonly after: string
  /** Unified diff by phase, each hunk with a hash that is equal for equal changes. */
  readonly hunks: readonly {
    readonly heading: string
    readonly text: string
    readonly hash: string
  }[]
}

/** Part of its lines that a golden must keep when it is replaced. */
const KEPT = 0.7

/** Path of a golden below the root: `quorum/vote.golden`, `quorum/vote.note.golden`. */
export function goldenPath(scenario: string, profile: Profile): string {
  return profile === 'qemu' ? `${scenario}.golden` : `${scenario}.${profile}.golden`
}

/** The case as labels of blocks name it. */
export function goldenCase(which: Case): GoldenCase {
  return {
    id: which.id,
    variables: which.variables.map(({ name, text }) => ({ name, text })),
  }
}

export class GoldenStore {
  readonly #root: string
  readonly #provenance: Provenance
  readonly #texts = new Map<string, string | undefined>()
  #changed = false

  /** @throws {ProvenanceError} */
  constructor(root: string) {
    this.#root = root
    this.#provenance = readProvenance(this.#provenancePath)
  }

  get #provenancePath(): string {
    return join(this.#root, 'provenance.json')
  }

  #pendingPath(golden: string): string {
    return join(this.#root, '.pending', `${golden}.json`)
  }

  /** The accepted text of a golden. */
  text(scenario: string, profile: Profile): string | undefined {
    const path = goldenPath(scenario, profile)
    if (!this.#texts.has(path)) {
      const file = join(this.#root, path)
      this.#texts.set(path, existsSync(file) ? readFileSync(file, 'utf8') : undefined)
    }
    return this.#texts.get(path)
  }

  /** Where a case's accepted transcript comes from; `undefined` if it has none. */
  origin(scenario: string, caseId: string, profile: Profile): Origin | undefined {
    return this.#provenance.get(goldenPath(scenario, profile))?.get(caseId)
  }

  /**
   * The accepted transcript of a case, or `undefined` if it has none.
   *
   * @throws {GoldenError} when the golden's text cannot be read.
   */
  transcript(scenario: Scenario, caseId: string, profile: Profile): TranscriptText | undefined {
    const text = this.text(scenario.id, profile)
    const which = scenario.cases.find((entry) => entry.id === caseId)
    if (text === undefined || which === undefined) return undefined
    // A golden says nothing of cases that it was not recorded for; its text alone cannot tell.
    const known = this.#provenance.get(goldenPath(scenario.id, profile))
    if (known !== undefined && !known.has(caseId)) return undefined
    return expandGolden(text, goldenCase(which))
  }

  /** Whether the case's golden was accepted from the engine alone in profile `qemu`. */
  isUnconfirmed(scenario: string, caseId: string, profile: Profile): boolean {
    const origin = this.origin(scenario, caseId, profile)
    if (origin === undefined || profile !== 'qemu') return false
    return ![origin.from, ...origin.same].some((from) => mayRecord(from, profile))
  }

  // --- Pending ---------------------------------------------------------------------------------

  writePending(cases: readonly PendingCase[]): void {
    for (const [path, fresh] of groupByGolden(cases)) {
      const known = this.#readPending(path).filter(
        (entry) => !fresh.some((other) => other.id === entry.id),
      )
      this.#savePending(path, [...known, ...fresh])
    }
  }

  /** The case gives what its golden says: nothing is pending for it any more. */
  dropPending(scenario: string, caseId: string, profile: Profile): void {
    const path = goldenPath(scenario, profile)
    if (!existsSync(this.#pendingPath(path))) return
    const known = this.#readPending(path)
    const left = known.filter((entry) => entry.id !== caseId)
    if (left.length < known.length) this.#savePending(path, left)
  }

  /** All that is pending; the scenarios give the order of cases. */
  pending(scenarios: readonly Scenario[]): readonly PendingGolden[] {
    return scenarios.flatMap((scenario) =>
      scenario.profiles.flatMap((profile) => {
        const path = goldenPath(scenario.id, profile)
        const cases = this.#readPending(path).filter((entry) =>
          scenario.cases.some((which) => which.id === entry.id),
        )
        if (cases.length === 0) return []
        const before = this.text(scenario.id, profile) ?? ''
        const after = this.#fold(scenario, profile, cases)
        return [
          {
            scenario: scenario.id,
            profile,
            path,
            cases,
            before,
            after,
            hunks: hunksOf(before, after),
          },
        ]
      }),
    )
  }

  #readPending(path: string): readonly PendingCase[] {
    const file = this.#pendingPath(path)
    if (!existsSync(file)) return []
    const data = JSON.parse(readFileSync(file, 'utf8')) as {
      readonly cases: readonly PendingCase[]
    }
    return data.cases
  }

  #savePending(path: string, cases: readonly PendingCase[]): void {
    const file = this.#pendingPath(path)
    if (cases.length === 0) {
      rmSync(file, { force: true })
      return
    }
    mkdirSync(dirname(file), { recursive: true })
    const sorted = [...cases].sort((a, b) => (a.id < b.id ? -1 : 1))
    writeFileSync(file, `${JSON.stringify({ cases: sorted }, null, 1)}\n`)
  }

  // --- Accepting -------------------------------------------------------------------------------

  accept(
    scenarios: readonly Scenario[],
    chosen: readonly PendingGolden[],
    options: AcceptOptions,
  ): Accepted {
    const accepted: string[] = []
    const refused: { id: string; reason: string }[] = []
    for (const pending of chosen) {
      const scenario = scenarios.find((entry) => entry.id === pending.scenario)
      if (scenario === undefined) continue
      const allowed: PendingCase[] = []
      for (const entry of pending.cases) {
        const reason = refusal(entry, options)
        if (reason === undefined) allowed.push(entry)
        else refused.push({ id: entry.id, reason })
      }
      if (allowed.length === 0) continue
      const after = this.#fold(scenario, pending.profile, allowed)
      if (!options.shrink && shrinks(pending.before, after)) {
        const reason = 'the golden would lose more than 30 % of its lines (--shrink allows that)'
        refused.push(...allowed.map(({ id }) => ({ id, reason })))
        continue
      }
      this.#replace(pending, after, allowed)
      accepted.push(...allowed.map(({ id }) => id))
    }
    this.save()
    return { accepted, refused }
  }

  reject(chosen: readonly PendingGolden[]): void {
    for (const pending of chosen) {
      const left = this.#readPending(pending.path).filter(
        (entry) => !pending.cases.some((other) => other.id === entry.id),
      )
      this.#savePending(pending.path, left)
    }
  }

  #replace(pending: PendingGolden, after: string, allowed: readonly PendingCase[]): void {
    const file = join(this.#root, pending.path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, after)
    this.#texts.set(pending.path, after)
    const origins = this.#provenance.get(pending.path) ?? new Map<string, Origin>()
    for (const entry of allowed) {
      const transcript = digestOf(entry.transcript)
      const before = origins.get(entry.id)
      const same = before?.transcript === transcript ? before.same : []
      origins.set(entry.id, {
        from: entry.target,
        transcript,
        same: same.filter((name) => name !== entry.target),
      })
    }
    this.#provenance.set(pending.path, origins)
    this.#changed = true
    this.reject([{ ...pending, cases: allowed }])
  }

  /** The golden that results when these cases replace or join the accepted ones. */
  #fold(scenario: Scenario, profile: Profile, fresh: readonly PendingCase[]): string {
    const recorded: Recorded[] = []
    const from: string[] = []
    for (const which of scenario.cases) {
      const entry = fresh.find((other) => other.id === which.id)
      const transcript = entry?.transcript ?? this.transcript(scenario, which.id, profile)
      if (transcript === undefined) continue
      const origin = entry?.target ?? this.origin(scenario.id, which.id, profile)?.from
      if (origin !== undefined) from.push(titleOf(origin))
      recorded.push({ case: goldenCase(which), transcript })
    }
    const header = {
      scenario: scenario.id,
      from: [...new Set(from)].sort(),
      normaliser: NORMALISER_VERSION,
    }
    return foldGolden(header, recorded)
  }

  // --- Provenance ------------------------------------------------------------------------------

  /** Notes that a target gave the recorded transcript too, or no longer does. Written by `save`. */
  noteIdentical(
    scenario: string,
    caseId: string,
    profile: Profile,
    target: string,
    identical: boolean,
  ): void {
    const origins = this.#provenance.get(goldenPath(scenario, profile))
    const origin = origins?.get(caseId)
    if (origins === undefined || origin === undefined || origin.from === target) return
    if (origin.same.includes(target) === identical) return
    const others = origin.same.filter((name) => name !== target)
    origins.set(caseId, { ...origin, same: identical ? [...others, target].sort() : others })
    this.#changed = true
  }

  /** Goldens without scenario, and provenance without case: one line each. */
  orphans(scenarios: readonly Scenario[]): readonly string[] {
    const wanted = new Map(
      scenarios.flatMap((scenario) =>
        scenario.profiles.map((profile) => [goldenPath(scenario.id, profile), scenario] as const),
      ),
    )
    const files = existsSync(this.#root)
      ? readdirSync(this.#root, { recursive: true, encoding: 'utf8' }).filter(
          (path) => path.endsWith('.golden') && !path.startsWith('.pending'),
        )
      : []
    const lost = files.filter((path) => !wanted.has(path.replaceAll('\\', '/')))
    const stray = [...this.#provenance].flatMap(([path, origins]) => {
      const ids = new Set(wanted.get(path)?.cases.map((which) => which.id))
      return [...origins.keys()].filter((id) => !ids.has(id)).map((id) => `${path}: ${id}`)
    })
    return [...lost.sort(), ...stray.sort()]
  }

  /** Forgets cases that no scenario has any more. */
  prune(scenarios: readonly Scenario[]): void {
    const ids = new Set(scenarios.flatMap((scenario) => scenario.cases.map((which) => which.id)))
    for (const origins of this.#provenance.values()) {
      for (const id of [...origins.keys()])
        this.#changed = (!ids.has(id) && origins.delete(id)) || this.#changed
    }
  }

  /** Writes the provenance if anything in it has changed. */
  save(): void {
    if (!this.#changed) return
    mkdirSync(this.#root, { recursive: true })
    writeFileSync(this.#provenancePath, printProvenance(this.#provenance))
    this.#changed = false
  }
}

function groupByGolden(cases: readonly PendingCase[]): Map<string, PendingCase[]> {
  const groups = new Map<string, PendingCase[]>()
  for (const entry of cases) {
    const path = goldenPath(entry.scenario, entry.profile)
    groups.set(path, [...(groups.get(path) ?? []), entry])
  }
  return groups
}

function refusal(entry: PendingCase, options: AcceptOptions): string | undefined {
  if (entry.failed) return 'inline claims failed'
  if (mayRecord(entry.target, entry.profile)) return undefined
  if (entry.profile === 'qemu' && entry.target.startsWith('engine') && options.unconfirmed) {
    return undefined
  }
  if (entry.profile === 'qemu') {
    return `recorded from ${entry.target}: goldens of profile qemu come from a real 7.2 (--unconfirmed takes the engine's)`
  }
  return `recorded from ${entry.target}: goldens of profile ${entry.profile} come from the engine`
}

function shrinks(before: string, after: string): boolean {
  if (before === '') return false
  return after.split('\n').length < before.split('\n').length * KEPT
}

function hunksOf(before: string, after: string): PendingGolden['hunks'] {
  return differences(before, after, 3).map((hunk) => ({
    heading: hunk.heading,
    text: hunkText(hunk),
    hash: hunkHash(hunk),
  }))
}
