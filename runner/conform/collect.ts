/** Plays what the columns of a target need, and hands back what each case came to. */
import type { Profile } from '../../dsl/plan.ts'
import type { CaseEnd } from '../report/event.ts'
import type { Selected } from '../selected.ts'
import { runSuite, type RunOptions } from '../suite.ts'
import { createTarget } from '../targets/index.ts'
import type { Capabilities, TargetSpec } from '../targets/target.ts'
import { playedIn } from './columns.ts'
import { type Column, outcomeKey } from './judge.ts'
import { outcomeOf } from './outcome.ts'

export interface CollectOptions {
  /** All cases of all profiles that are selected. */
  readonly cases: readonly Selected[]
  readonly spec: TargetSpec
  readonly profiles: readonly Profile[]
  readonly run: Omit<RunOptions, 'cases' | 'target' | 'onEvent' | 'asks'>
  /** Told before something is played. */
  readonly onStart: (label: string, cases: number) => void
}

/**
 * Cases of a profile that a target has not wait in vain most of the time, for what a refused command
 * would have begun: so many times more of them are played at once.
 */
const IDLE = 4

/** Needs that introspection answers: what an interface has, not what a kind of program can do. */
const INTERFACE = /^(driver|fmt|object|export|event|qmp|bitmap)\./

/** @throws {TargetError} when the target cannot be started or asked. */
export async function collect(options: CollectOptions): Promise<readonly Column[]> {
  const { spec, profiles, run } = options
  const settings = { owned: run.owned ?? false, timeoutScale: run.timeoutScale }
  const capabilities = await createTarget(spec, settings).probe()
  const plays = choosePlays(options, capabilities.profiles)
  const isForeign = ({ profile }: Selected): boolean => !capabilities.profiles.includes(profile)
  const label = labelOf(capabilities)
  const ends = new Map<string, CaseEnd>()
  const play = async (cases: readonly Selected[], more: Partial<RunOptions>): Promise<void> => {
    if (cases.length === 0 || run.signal?.aborted === true) return
    options.onStart(label, cases.length)
    await runSuite({
      ...run,
      ...more,
      cases,
      target: spec,
      onEvent(event) {
        if (event.event !== 'case-end') return
        ends.set(`${event.profile} ${event.id}`, event)
      },
    })
  }
  await play(
    plays.filter((one) => !isForeign(one)),
    {},
  )
  const asks = await lackingToday()
  await play(plays.filter(isForeign), {
    golden: { ...run.golden, mode: 'off' },
    jobs: run.jobs * IDLE,
    asks,
  })
  return profiles.map((profile) =>
    column(options, { profile, label, native: capabilities.profiles, ends }),
  )
}

/**
 * Whether a need is one that today's interface does not have at all. Where a target lacks it, that
 * is a difference to be seen by asking, and no trait of its kind.
 */
async function lackingToday(): Promise<(need: string) => boolean> {
  const today = await createTarget({ kind: 'engine', text: 'engine' }).probe('qemu')
  return (need) => INTERFACE.test(need) && today.missing(need) !== undefined
}

/** Every case once for each profile in which it has to be played. */
function choosePlays(options: CollectOptions, native: readonly Profile[]): readonly Selected[] {
  const plays = new Map<string, Selected>()
  for (const one of options.cases) {
    if (!options.profiles.includes(one.profile)) continue
    const profile = playedIn(one.scenario, one.profile, native)
    plays.set(outcomeKey(profile, one.case.id), { ...one, profile })
  }
  return [...plays.values()]
}

interface Played {
  readonly profile: Profile
  readonly label: string
  readonly native: readonly Profile[]
  readonly ends: ReadonlyMap<string, CaseEnd>
}

function column({ cases, run }: CollectOptions, { profile, label, native, ends }: Played): Column {
  const foreign = !native.includes(profile)
  const outcomes = cases
    .filter((one) => one.profile === profile)
    .flatMap(({ scenario, case: which }) => {
      const end = ends.get(outcomeKey(playedIn(scenario, profile, native), which.id))
      const compared = !foreign && run.golden.mode !== 'off' && scenario.golden.enabled
      return end === undefined
        ? []
        : ([[outcomeKey(profile, which.id), outcomeOf(end, compared)]] as const)
    })
  return { name: `${label}@${profile}`, label, profile, foreign, outcomes: new Map(outcomes) }
}

/** What a target is, without where it lies: `engine`, `qsd 7.2.22`, `qsd 7.2.22 (blockspec)`. */
function labelOf({ kind, version, known }: Capabilities): string {
  if (kind === 'engine') return kind
  const whose = known === undefined || known.startsWith('qemu-') ? '' : ` (${known})`
  return `${kind} ${version}${whose}`
}
