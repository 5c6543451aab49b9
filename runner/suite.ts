/**
 * Plays selected cases on one target and reports them as one stream of events. Everything that the
 * command line does with scenarios goes through here.
 */
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import type { Profile, Scenario, Suite } from '../dsl/plan.ts'
import { type Divergence, entriesFor, loadDivergences } from './divergences.ts'
import type { Played } from './execute.ts'
import { playSelected, wholeBudgetOf } from './play-selected.ts'
import { PoolWorker } from './pool.ts'
import type { CaseEnd, KnownDifference, RunEvent, Verdict } from './report/event.ts'
import { GoldenStore, type PendingCase } from './store.ts'
import { titleOf } from './provenance.ts'
import type { Selected } from './selected.ts'
import { createTarget, targetFolder } from './targets/index.ts'
import type { Capabilities, Target, TargetSpec } from './targets/target.ts'
import { type Judged, judge } from './verdict.ts'

export type GoldenMode = 'check' | 'pending' | 'off'

export interface RunOptions {
  /** In the order wanted for playing; see `selected.ts`. */
  readonly cases: readonly Selected[]
  /** Texts of fragments, for excerpts; `Suite.sources`. */
  readonly sources?: Suite['sources']
  readonly target: TargetSpec
  /** At once: worker threads for the engine, processes for real targets. */
  readonly jobs: number
  /** Of the simulated host's scheduler. */
  readonly seed: number
  /** Multiplies every limit in real time. */
  readonly timeoutScale: number
  readonly golden: {
    readonly mode: GoldenMode
    /** The folder `golden/`. */
    readonly root: string
  }
  readonly keep: 'none' | 'failed' | 'all'
  /** Needed for `qmp:` targets: the user says that the target may be changed. */
  readonly owned?: boolean
  /** Stop after so many cases that broke. */
  readonly maxFailures?: number
  /**
   * Holds the target against profiles that it does not have, playing as it is. A need that this
   * says yes to is asked of the target by playing, whatever its introspection tells.
   */
  readonly asks?: (need: string) => boolean
  /** Of blockspec itself, for the `run-start` event. */
  readonly version?: string
  /** Divergences of a target that is not a known one. */
  readonly divergences?: string
  readonly onEvent: (event: RunEvent) => void
  readonly signal?: AbortSignal
}

export interface RunSummary {
  readonly cases: number
  readonly verdicts: Readonly<Partial<Record<Verdict, number>>>
  readonly seconds: number
  /** Not applicable, with the reason. */
  readonly notApplicable: readonly { readonly id: string; readonly reason: string }[]
  /** Goldens in use that no real QEMU has confirmed. */
  readonly unconfirmed: number
  /** How many values each normaliser touched. */
  readonly normalised: Readonly<Record<string, number>>
  readonly interrupted: boolean
}

const BROKEN: ReadonlySet<Verdict> = new Set([
  'fail',
  'error',
  'timeout',
  'crash',
  'healed',
  'diverged-differently',
])

/** @throws {TargetError} when the target cannot be started or asked. */
export async function runSuite(options: RunOptions): Promise<RunSummary> {
  const started = performance.now()
  const target = createTarget(options.target, {
    owned: options.owned ?? false,
    timeoutScale: options.timeoutScale,
  })
  const profiles = new Set(options.cases.map(({ profile }) => profile))
  const capabilities = await target.probe()
  const byProfile = new Map<Profile, Capabilities>()
  for (const profile of profiles) byProfile.set(profile, await target.probe(profile))
  options.onEvent({
    event: 'run-start',
    format: 1,
    blockspec: options.version ?? '',
    target: options.target.text,
    cases: options.cases.length,
    seed: options.seed,
    jobs: options.jobs,
  })
  const run = new Run(options, target, capabilities, byProfile)
  await run.playAll()
  const seconds = (performance.now() - started) / 1000
  return run.summary(seconds)
}

class Run {
  readonly #options: RunOptions
  readonly #target: Target
  readonly #capabilities: Capabilities
  readonly #byProfile: ReadonlyMap<Profile, Capabilities>
  readonly #store: GoldenStore
  readonly #divergences
  readonly #scenarios: readonly Scenario[]
  readonly #workers: PoolWorker[] = []
  #next = 0
  #broken = 0
  #cases = 0
  #unconfirmed = 0
  readonly #verdicts: Partial<Record<Verdict, number>> = {}
  readonly #normalised: Record<string, number> = {}
  readonly #notApplicable: { id: string; reason: string }[] = []

  constructor(
    options: RunOptions,
    target: Target,
    capabilities: Capabilities,
    byProfile: ReadonlyMap<Profile, Capabilities>,
  ) {
    this.#byProfile = byProfile
    this.#options = options
    this.#target = target
    this.#capabilities = capabilities
    this.#store = new GoldenStore(options.golden.root)
    const { known } = capabilities
    const path =
      options.divergences ??
      (known === undefined ? undefined : join(targetFolder(known), 'divergences.yaml'))
    this.#divergences = path === undefined ? { path: '', entries: [] } : loadDivergences(path)
    this.#scenarios = [...new Set(options.cases.map((one) => one.scenario))]
  }

  async playAll(): Promise<void> {
    const jobs = Math.max(1, Math.min(this.#options.jobs, this.#options.cases.length))
    // One listener however many lanes there are: Node takes more than ten for a leak.
    const stop = (): void => {
      for (const worker of this.#workers) void worker.close()
    }
    this.#options.signal?.addEventListener('abort', stop, { once: true })
    const lanes = Array.from({ length: jobs }, () => this.#lane(jobs > 1))
    try {
      await Promise.all(lanes)
    } finally {
      this.#options.signal?.removeEventListener('abort', stop)
      if (this.#options.golden.mode === 'pending') this.#store.save()
    }
  }

  summary(seconds: number): RunSummary {
    const interrupted = this.#options.signal?.aborted ?? false
    const summary: RunSummary = {
      cases: this.#cases,
      verdicts: this.#verdicts,
      seconds,
      notApplicable: this.#notApplicable,
      unconfirmed: this.#unconfirmed,
      normalised: this.#normalised,
      interrupted,
    }
    this.#options.onEvent({
      event: 'run-end',
      cases: this.#cases,
      verdicts: this.#verdicts,
      seconds: Math.round(seconds * 1000) / 1000,
    })
    return summary
  }

  get #stopped(): boolean {
    const most = this.#options.maxFailures
    return this.#options.signal?.aborted === true || (most !== undefined && this.#broken >= most)
  }

  /** One of the players: takes the next case until none is left. */
  async #lane(many: boolean): Promise<void> {
    const { target } = this.#options
    const worker =
      many && target.kind === 'engine'
        ? new PoolWorker({
            target,
            scenarios: this.#scenarios,
            sources: this.#options.sources ?? {},
            seed: this.#options.seed,
            timeoutScale: this.#options.timeoutScale,
            keep: this.#options.keep,
          })
        : undefined
    if (worker !== undefined) this.#workers.push(worker)
    try {
      while (!this.#stopped) {
        const selected = this.#options.cases[this.#next]
        if (selected === undefined) break
        this.#next += 1
        await this.#playOne(selected, worker)
        // Gives signals and reporters their turn: cases on the engine never wait for anything.
        await new Promise((resolve) => setImmediate(resolve))
      }
    } finally {
      await worker?.close()
    }
  }

  async #playOne(selected: Selected, worker: PoolWorker | undefined): Promise<void> {
    const { id } = selected.case
    const target = this.#options.target.text
    this.#options.onEvent({ event: 'case-start', id, target })
    const started = performance.now()
    const entries = entriesFor(
      this.#divergences,
      selected.scenario.id,
      id,
      selected.profile,
      this.#capabilities.kind,
    )
    const reason = this.#notApplicableReason(selected, entries)
    if (reason !== undefined) {
      this.#notApplicable.push({ id, reason })
      this.#end(selected, { verdict: 'n/a', reason, failures: [] }, undefined, started)
      return
    }
    const played = await this.#play(selected, worker)
    // A worker is ended together with the run: what it says of its last case means nothing.
    if (worker !== undefined && this.#options.signal?.aborted === true) return
    const judged = this.#judge(selected, played, entries)
    this.#end(selected, judged, played, started)
  }

  #play(selected: Selected, worker: PoolWorker | undefined): Promise<Played> {
    const { id } = selected.case
    const onStep = (phase: string, text: string): void => {
      this.#options.onEvent({ event: 'step', id, phase, text })
    }
    if (worker === undefined) {
      const { sources = {}, seed, timeoutScale, keep } = this.#options
      return playSelected(selected, this.#target, { sources, seed, timeoutScale, keep }, onStep)
    }
    const job = {
      scenario: this.#scenarios.indexOf(selected.scenario),
      case: selected.scenario.cases.indexOf(selected.case),
      profile: selected.profile,
    }
    return worker.play(job, wholeBudgetOf(selected, this.#options.timeoutScale), onStep)
  }

  #notApplicableReason(selected: Selected, entries: readonly Divergence[]): string | undefined {
    const { profile, case: which } = selected
    const { asks } = this.#options
    if (asks === undefined && !this.#capabilities.profiles.includes(profile)) {
      return `does not play profile ${profile}`
    }
    const declared = entries.find((entry) => entry.notApplicable !== undefined)
    if (declared !== undefined) return declared.notApplicable
    for (const need of which.needs) {
      if (asks?.(need.text) === true) continue
      const missing = this.#byProfile.get(profile)?.missing(need.text)
      // Real time is to be had everywhere: the engine has a real host for it.
      if (missing !== undefined) return missing
    }
    return undefined
  }

  #judge(selected: Selected, played: Played, entries: readonly Divergence[]): Judged {
    const { scenario, profile } = selected
    const { mode } = this.#options.golden
    const wanted = mode !== 'off' && scenario.golden.enabled
    const golden = wanted ? this.#store.transcript(scenario, selected.case.id, profile) : null
    const judged = judge(played, { golden, entries, version: this.#capabilities.version })
    if (wanted && mode === 'pending') this.#record(selected, played, golden ?? undefined, judged)
    return judged
  }

  /** Keeps what was recorded for review, or drops what is settled. */
  #record(selected: Selected, played: Played, golden: string | undefined, judged: Judged): void {
    const { scenario, profile } = selected
    const { id } = selected.case
    const target = provenanceName(this.#capabilities)
    const complete = played.end === 'done' || played.end === 'failed'
    if (!complete) return
    if (golden !== undefined) {
      this.#store.noteIdentical(scenario.id, id, profile, target, golden === played.transcript)
    }
    if (golden === played.transcript) {
      this.#store.dropPending(scenario.id, id, profile)
      return
    }
    // Differences that are known stay the target's own affair.
    if (judged.verdict === 'diverged' || judged.verdict === 'diverged-differently') return
    const pending: PendingCase = {
      id,
      scenario: scenario.id,
      profile,
      from: titleOf(target),
      target,
      transcript: played.transcript,
      failed: played.failures.length > 0,
    }
    this.#store.writePending([pending])
  }

  #end(selected: Selected, judged: Judged, played: Played | undefined, started: number): void {
    const { scenario, profile, case: which } = selected
    this.#cases += 1
    this.#verdicts[judged.verdict] = (this.#verdicts[judged.verdict] ?? 0) + 1
    if (BROKEN.has(judged.verdict)) this.#broken += 1
    for (const [name, times] of Object.entries(played?.normalised ?? {})) {
      this.#normalised[name] = (this.#normalised[name] ?? 0) + times
    }
    const unconfirmed = this.#store.isUnconfirmed(scenario.id, which.id, profile)
    if (unconfirmed && judged.verdict !== 'n/a') this.#unconfirmed += 1
    const end: CaseEnd = {
      event: 'case-end',
      id: which.id,
      scenario: scenario.id,
      title: scenario.title,
      file: scenario.file,
      target: this.#options.target.text,
      profile,
      verdict: judged.verdict,
      milliseconds: Math.round((performance.now() - started) * 100) / 100,
      clauses: [...scenario.spec, ...scenario.refuses].map((clause) => clause.id),
      ...(judged.reason === undefined ? {} : { reason: judged.reason }),
      failures: judged.failures,
      ...(judged.excused === undefined ? {} : { excused: judged.excused }),
      ...(judged.known === undefined ? {} : { known: judged.known.map(describeKnown) }),
      ...(played?.crash === undefined ? {} : { death: played.crash }),
      normalised: played?.normalised ?? {},
      ...(unconfirmed ? { unconfirmed } : {}),
      phases: played?.phases ?? [],
      rerun: this.#rerun(which.id),
      ...(played?.kept === undefined ? {} : { kept: played.kept }),
    }
    this.#options.onEvent(end)
  }

  #rerun(id: string): string {
    const { target, seed } = this.#options
    const words = ['blockspec run', quote(id)]
    if (target.text !== 'engine') words.push('--target', quote(target.text))
    if (seed !== 1) words.push('--seed', String(seed))
    if (target.kind !== 'engine') words.push('--keep')
    return words.join(' ')
  }
}

function describeKnown({ why, owner, link, expect }: Divergence): KnownDifference {
  return {
    why,
    owner,
    ...(link === undefined ? {} : { link }),
    ...(expect === undefined ? {} : { expect }),
  }
}

/** `qsd 7.2.22`; the engine plays a version and is none. */
function provenanceName(capabilities: Capabilities): string {
  return capabilities.kind === 'engine' ? 'engine' : `${capabilities.kind} ${capabilities.version}`
}

function quote(word: string): string {
  return /^[\w./:@%+=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}
