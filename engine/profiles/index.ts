/** The profiles by name. */
import { noteTransition } from './note-transition.ts'
import { note } from './note.ts'
import type { Profile } from './profile.ts'
import { qemu } from './qemu.ts'

export { presenceOf } from './presence.ts'
export type { Conditional, PresenceSwitch } from './presence.ts'
export type { Profile } from './profile.ts'

export const PROFILES = {
  qemu,
  note,
  'note-transition': noteTransition,
} as const satisfies Record<string, Profile>

export type ProfileName = keyof typeof PROFILES

/** Names of the switches on which two profiles differ, in the order of the table. */
export function switchesBetween(one: Profile, other: Profile): readonly (keyof Profile)[] {
  const names = Object.keys(one) as (keyof Profile)[]
  return names.filter((name) => JSON.stringify(one[name]) !== JSON.stringify(other[name]))
}
