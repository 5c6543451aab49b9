/** Puts findings on disk: a scenario each, with its golden recorded from the real target. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { renderProblem } from '../../dsl/index.ts'
import type { Scenario } from '../../dsl/plan.ts'
import { compileScenario } from '../language.ts'
import type { Played } from '../execute.ts'
import { PoolWorker } from '../pool.ts'
import type { CaseEnd } from '../report/event.ts'
import { GoldenStore } from '../store.ts'
import { selectAll } from '../selected.ts'
import { runSuite } from '../suite.ts'
import type { TargetSpec } from '../targets/target.ts'
import type { Finding } from './campaign.ts'
import { nameOf, scenarioText } from './scenario-text.ts'

export interface Written {
  readonly path: string
  /** Why the scenario alone does not show the finding, where it does not. */
  readonly doubt?: string
}

export interface FoundOptions {
  readonly folder: string
  readonly target: TargetSpec
  readonly timeoutScale: number
  /** How the sequence is drawn again. */
  readonly again: string
}

export class FoundFolder {
  readonly #options: Omit<FoundOptions, 'again'>
  #next: number | undefined

  constructor(options: Omit<FoundOptions, 'again'>) {
    this.#options = options
  }

  async write(finding: Finding, again: string): Promise<Written> {
    const { folder } = this.#options
    const found = {
      steps: finding.replayed.steps,
      real: finding.replayed.real.records,
      ours: finding.replayed.ours.records,
      difference: finding.difference,
      again,
    }
    mkdirSync(folder, { recursive: true })
    this.#next ??= nextNumber(folder)
    const id = `${String(this.#next).padStart(3, '0')}-${nameOf(found)}`
    this.#next += 1
    const path = join(folder, `${id}.yaml`)
    const text = scenarioText(found)
    writeFileSync(path, text)
    const doubt = finding.steady ? await this.#record(path, text) : 'it did not show again'
    return doubt === undefined ? { path } : { path, doubt }
  }

  /** Records the golden; says why the scenario does not tell the two targets apart. */
  async #record(path: string, text: string): Promise<string | undefined> {
    const { folder, target } = this.#options
    const { scenario, problems } = compileScenario({ path, text }, { root: folder })
    const error = problems.find((problem) => problem.level === 'error')
    if (scenario === undefined || error !== undefined) {
      return error === undefined ? 'no scenario' : renderProblem(error)
    }
    const root = join(folder, 'golden')
    const real = await this.#playReal(scenario, target, root)
    if (real?.verdict === 'crash' || real?.verdict === 'timeout') return undefined
    const [failure] = real?.failures ?? []
    if (failure !== undefined) return `the real target fails it: ${failure.message}`
    const store = new GoldenStore(root)
    store.accept([scenario], store.pending([scenario]), { unconfirmed: true, shrink: true })
    const ours = await this.#playEngine(scenario)
    const isSame = ours.end === 'done' && textOf(ours.phases) === textOf(real?.phases ?? [])
    return isSame ? 'the engine passes it' : undefined
  }

  /** In a thread of its own: the engine may die of it. */
  async #playEngine(scenario: Scenario): Promise<Played> {
    const { timeoutScale } = this.#options
    const worker = new PoolWorker({
      target: { kind: 'engine', text: 'engine' },
      scenarios: [scenario],
      sources: {},
      seed: 1,
      timeoutScale,
      keep: 'none',
    })
    try {
      const job = { scenario: 0, case: 0, profile: 'qemu' } as const
      return await worker.play(job, scenario.budgetMs * timeoutScale, () => undefined)
    } finally {
      await worker.close()
    }
  }

  async #playReal(
    scenario: Scenario,
    target: TargetSpec,
    root: string,
  ): Promise<CaseEnd | undefined> {
    let end: CaseEnd | undefined
    await runSuite({
      cases: selectAll({ scenarios: [scenario], sources: {} }),
      target,
      jobs: 1,
      seed: 1,
      timeoutScale: this.#options.timeoutScale,
      golden: { mode: 'pending', root },
      keep: 'none',
      onEvent: (event) => {
        if (event.event === 'case-end') end = event
      },
    })
    return end
  }
}

function textOf(phases: Played['phases']): string {
  return phases.map(({ text }) => text).join('\n\n')
}

/** Behind what earlier runs have written. */
function nextNumber(folder: string): number {
  const numbers = readdirSync(folder).flatMap((name) => {
    const [, digits] = /^(\d{3,})-.*\.yaml$/.exec(name) ?? []
    return digits === undefined ? [] : [Number(digits)]
  })
  return Math.max(0, ...numbers) + 1
}
