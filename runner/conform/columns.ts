/** Reads `TARGET[@PROFILE]` and finds out what to play for it. */
import type { Profile, Scenario } from '../../dsl/plan.ts'
import { PROFILES } from '../verbs/selection-flags.ts'
import { hint } from '../verbs/suggest.ts'
import { CommandError } from '../verbs/verb.ts'

/** What a column without `@PROFILE` stands for. */
const BOTH: readonly Profile[] = ['qemu', 'note']

export interface WantedTarget {
  /** As `--target` of `run` takes it. */
  readonly target: string
  readonly profiles: readonly Profile[]
}

/**
 * The targets in the order of their first mention, each once, with its profiles.
 *
 * @throws {CommandError} for an unknown profile, or a column that is asked for twice.
 */
export function readColumns(values: readonly string[]): readonly WantedTarget[] {
  const wanted = new Map<string, Set<Profile>>()
  for (const value of values) {
    const { target, profiles } = readColumn(value)
    const known = wanted.get(target) ?? new Set()
    for (const profile of profiles) {
      if (known.has(profile)) throw new CommandError(`'${target}@${profile}' is asked for twice`)
      known.add(profile)
    }
    wanted.set(target, known)
  }
  return [...wanted].map(([target, profiles]) => ({ target, profiles: [...profiles] }))
}

/** An `@` inside a path is the path's own: what follows the last one has no slash in a profile. */
function readColumn(value: string): WantedTarget {
  const [, target, name] = /^(.+)@([^/@]*)$/s.exec(value) ?? []
  if (target === undefined || name === undefined) return { target: value, profiles: BOTH }
  const profile = PROFILES.find((one) => one === name)
  if (profile === undefined) {
    throw new CommandError(
      `flag '--target': unknown profile '${name}' in '${value}': use ${PROFILES.join(', ')}${hint(name, PROFILES)}`,
    )
  }
  return { target, profiles: [profile] }
}

/**
 * The profile in which a case is played for a column. A target without profiles plays as it is, so
 * one playing serves all profiles of a scenario.
 */
export function playedIn(
  scenario: Pick<Scenario, 'profiles'>,
  wanted: Profile,
  native: readonly Profile[],
): Profile {
  if (native.includes(wanted)) return wanted
  return scenario.profiles.find((profile) => native.includes(profile)) ?? wanted
}
