/** Which entries of the schema a profile has. */
import type { Presence, Profile } from './profile.ts'

/** Switches that an entry may depend on. */
export type PresenceSwitch = {
  [Name in keyof Profile]: Profile[Name] extends Presence | boolean ? Name : never
}[keyof Profile]

/** An entry of the schema that not all profiles have. */
export interface Conditional {
  /** It is there, and flagged, as this switch says, or all of these. */
  readonly when?: PresenceSwitch | readonly PresenceSwitch[]
  /** It is there where that switch is off: something else of the same name takes its place. */
  readonly unless?: PresenceSwitch
}

export function presenceOf(profile: Profile, { when, unless }: Conditional): Presence {
  if (unless !== undefined && presence(profile[unless]) !== 'absent') return 'absent'
  const presences = (typeof when === 'string' ? [when] : (when ?? [])).map((name) =>
    presence(profile[name]),
  )
  return STRONGEST_FIRST.find((one) => presences.includes(one)) ?? 'present'
}

const STRONGEST_FIRST = ['absent', 'deprecated'] as const

function presence(value: Presence | boolean): Presence {
  if (typeof value === 'boolean') return value ? 'present' : 'absent'
  return value
}
