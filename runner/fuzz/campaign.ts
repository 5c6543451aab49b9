/**
 * A whole run: sequences in lanes, each held against the real target, each new difference shrunk.
 * What is kept of a sequence is counts and, where it differs, its shrunk steps.
 */
import { createTarget } from '../targets/index.ts'
import type { TargetSpec } from '../targets/target.ts'
import { type Difference, isDeathOfReal } from './compare.ts'
import { Coverage } from './coverage.ts'
import { EngineSide } from './engine-side.ts'
import { type Exclusion, isNotBuilt, undrawnMembers } from './exclusions.ts'
import { baseCase, makeTemplate } from './images.ts'
import { type Replayed, replay, type Sides } from './replay.ts'
import { FuzzSchema } from './schema.ts'
import { shrink } from './shrink.ts'
import { findSurroundings } from './surroundings.ts'

export interface CampaignOptions {
  readonly target: TargetSpec
  readonly seed: number
  /** Indexes of the sequences to play. */
  readonly indexes: readonly number[]
  readonly steps: number
  readonly jobs: number
  readonly timeoutScale: number
  readonly unreadReplies: ReadonlySet<string>
  readonly exclusions: readonly Exclusion[]
  /** Calls of both sides that shrinking one finding may take. */
  readonly tries: number
  readonly signal: AbortSignal
  readonly onProgress: (progress: Progress) => void
  readonly onFinding: (finding: Finding) => Promise<void>
}

/** How often a sequence is played again before the real target is said to differ from itself. */
const PLAYED_AGAIN = 3

/** Share of the deadlines that is waited for while a hang is made smaller. */
const HASTE = 0.2

export interface Progress {
  readonly played: number
  readonly differing: number
}

export interface Finding {
  readonly index: number
  readonly difference: Difference
  /** The shrunk sequence as it was played last. */
  readonly replayed: Replayed
  /** Whether playing the whole sequence again showed the same. */
  readonly steady: boolean
  readonly sides: Sides
}

export interface CampaignResult {
  readonly coverage: Coverage
  readonly played: number
  /** Sequences with a difference, those whose end was a death or a hang of the real one apart. */
  readonly differing: readonly number[]
  /** Sequences at which the real target died or hung. */
  readonly deaths: readonly number[]
  /** Sequences that differed once and, played again and again, did not: the real target differs from itself. */
  readonly unsteady: readonly number[]
  /** Exclusions from drawing that the engine does not bear out. */
  readonly built: readonly Exclusion[]
  /** How often each shape was seen. */
  readonly shapes: ReadonlyMap<string, number>
}

/** What one sequence may take on the engine, in real time. */
const ENGINE_WITHIN_MS = 30_000

/** @throws {TargetError} when a target cannot be started or its tools do not work. */
export async function runCampaign(options: CampaignOptions): Promise<CampaignResult> {
  const { timeoutScale } = options
  const real = createTarget(options.target, { owned: false, timeoutScale })
  const engine = createTarget({ kind: 'engine', text: 'engine' }, { owned: false, timeoutScale })
  const schema = new FuzzSchema((await engine.probe()).schema)
  const [template, surroundings] = await Promise.all([makeTemplate(real), findSurroundings()])
  const common = {
    real,
    capabilities: await real.probe(),
    selected: baseCase(),
    template,
    timeoutScale,
    unreadReplies: options.unreadReplies,
    isStopped: () => options.signal.aborted,
  }
  const setup = {
    template,
    seed: options.seed,
    steps: options.steps,
    unreadReplies: [...options.unreadReplies],
    undrawn: undrawnMembers(options.exclusions),
    surroundings,
  }
  const campaign = new Campaign(options, new Coverage(schema))
  const count = Math.max(1, Math.min(options.jobs, options.indexes.length))
  const sides = Array.from({ length: count }, () => ({
    ...common,
    engine: new EngineSide(setup, ENGINE_WITHIN_MS * timeoutScale),
  }))
  const built: Exclusion[] = []
  const stop = (): void => {
    for (const each of sides) void each.engine.close()
  }
  options.signal.addEventListener('abort', stop, { once: true })
  try {
    for (const each of options.exclusions) {
      if (sides[0] !== undefined && (await isBuilt(each, sides[0].engine))) built.push(each)
    }
    await Promise.all(sides.map((each) => campaign.lane(each)))
  } finally {
    options.signal.removeEventListener('abort', stop)
    await Promise.all(sides.map((each) => each.engine.close()))
  }
  return { ...campaign.result(), built }
}

/** Whether the engine does not refuse what is excluded from being drawn for not being built. */
async function isBuilt({ refused }: Exclusion, engine: EngineSide): Promise<boolean> {
  if (refused === undefined) return false
  const { records } = await engine.play({ directory: '/blockspec', play: { steps: refused } })
  return !isNotBuilt(records[refused.length - 1])
}

class Campaign {
  readonly #options: CampaignOptions
  readonly #coverage: Coverage
  #next = 0
  #played = 0
  readonly #differing: number[] = []
  readonly #deaths: number[] = []
  readonly #unsteady: number[] = []
  readonly #shapes = new Map<string, number>()

  constructor(options: CampaignOptions, coverage: Coverage) {
    this.#options = options
    this.#coverage = coverage
  }

  result(): Omit<CampaignResult, 'built'> {
    return {
      coverage: this.#coverage,
      played: this.#played,
      differing: this.#differing.toSorted((a, b) => a - b),
      deaths: this.#deaths.toSorted((a, b) => a - b),
      unsteady: this.#unsteady.toSorted((a, b) => a - b),
      shapes: this.#shapes,
    }
  }

  /** One of the players: takes the next sequence until none is left. */
  async lane(sides: Sides): Promise<void> {
    while (!sides.isStopped()) {
      const index = this.#options.indexes[this.#next]
      if (index === undefined) return
      this.#next += 1
      await this.#sequence(index, sides)
    }
  }

  async #sequence(index: number, sides: Sides): Promise<void> {
    const first = await replay(sides, { index })
    if (sides.isStopped()) return
    this.#played += 1
    this.#coverage.add(first.steps, first.ours.records)
    const { difference } = first
    if (difference !== undefined) await this.#different(index, first, difference, sides)
    this.#options.onProgress({ played: this.#played, differing: this.#differing.length })
  }

  async #different(
    index: number,
    first: Replayed,
    difference: Difference,
    sides: Sides,
  ): Promise<void> {
    const isDeath = isDeathOfReal(difference)
    const again = isDeath ? undefined : await this.#again(first, sides)
    if (sides.isStopped()) return
    const isSteady = isDeath || again !== undefined
    const kind = isDeath ? this.#deaths : isSteady ? this.#differing : this.#unsteady
    kind.push(index)
    const seen = this.#shapes.get(difference.shape) ?? 0
    this.#shapes.set(difference.shape, seen + 1)
    if (seen > 0) return
    const found = isSteady
      ? await this.#shrunk(first, difference, sides)
      : { difference, replayed: first, steady: false }
    if (sides.isStopped()) return
    await this.#options.onFinding({ index, sides, ...found })
  }

  /** The engine does the same each time: what is gone when it is played again came from the real one. */
  async #again(first: Replayed, sides: Sides): Promise<Replayed | undefined> {
    for (let tries = 0; tries < PLAYED_AGAIN && !sides.isStopped(); tries += 1) {
      const again = await replay(sides, { steps: first.steps })
      if (again.difference !== undefined) return again
    }
    return undefined
  }

  async #shrunk(
    first: Replayed,
    difference: Difference,
    sides: Sides,
  ): Promise<Pick<Finding, 'difference' | 'replayed' | 'steady'>> {
    const again = await replay(sides, { steps: first.steps })
    if (again.difference?.shape !== difference.shape) {
      return { difference, replayed: first, steady: false }
    }
    const best =
      (difference.part === 'hung'
        ? await this.#smallerHang(again, difference, sides)
        : undefined) ?? (await this.#smaller(again, difference, sides))
    return { difference: best.difference ?? difference, replayed: best, steady: true }
  }

  async #smaller(again: Replayed, { shape, step }: Difference, sides: Sides): Promise<Replayed> {
    let best = again
    await shrink(again.steps.slice(0, step + 1), {
      tries: this.#options.tries,
      shows: async (steps) => {
        if (sides.isStopped()) return false
        const tried = await replay(sides, { steps })
        if (tried.difference?.shape !== shape) return false
        best = tried
        return true
      },
    })
    return best
  }

  /**
   * A hang takes a deadline each time it shows. What a shorter one suggests is only believed when
   * the full one bears it out.
   */
  async #smallerHang(
    again: Replayed,
    difference: Difference,
    sides: Sides,
  ): Promise<Replayed | undefined> {
    const hasty = { ...sides, timeoutScale: sides.timeoutScale * HASTE }
    const { steps } = await this.#smaller(again, difference, hasty)
    const sure = await replay(sides, { steps })
    return sure.difference?.shape === difference.shape ? sure : undefined
  }
}
