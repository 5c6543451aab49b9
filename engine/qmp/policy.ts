/**
 * What a client lets happen with what is on its way out, or not stable yet: it may be refused where
 * it is sent, and left out of what is answered.
 */
import { checkMembers } from '../block/check.ts'
import { opt, type Feature, type Members } from '../block/option.ts'
import { BlockError } from '../util/errors.ts'

export interface Compat {
  readonly 'deprecated-input': InputPolicy
  readonly 'deprecated-output': OutputPolicy
  readonly 'unstable-input': InputPolicy
  readonly 'unstable-output': OutputPolicy
}

type InputPolicy = 'accept' | 'reject' | 'crash'
type OutputPolicy = 'accept' | 'hide'

export const ACCEPT_ALL: Compat = {
  'deprecated-input': 'accept',
  'deprecated-output': 'accept',
  'unstable-input': 'accept',
  'unstable-output': 'accept',
}

const POLICY_VALUES = {
  'deprecated-input': ['accept', 'reject', 'crash'],
  'deprecated-output': ['accept', 'hide'],
  'unstable-input': ['accept', 'reject', 'crash'],
  'unstable-output': ['accept', 'hide'],
} as const satisfies { readonly [Name in keyof Compat]: readonly Compat[Name][] }

/** A client sent what it wants to die of. */
export class PolicyCrash extends Error {
  override readonly name = 'PolicyCrash'
}

export type Input = 'command' | 'parameter' | 'value'

const KINDS = [
  ['deprecated', 'Deprecated'],
  ['unstable', 'Unstable'],
] as const

/** @throws {BlockError} for what is to be refused. @throws {PolicyCrash} */
export function checkInput(
  compat: Compat,
  features: readonly Feature[] | undefined,
  what: Input,
  name: string,
): void {
  if (features === undefined) return
  for (const [feature, word] of KINDS) {
    const policy = compat[`${feature}-input`]
    if (policy === 'accept' || !features.includes(feature)) continue
    const text = `${word} ${what} ${name} disabled by policy`
    if (policy === 'crash') throw new PolicyCrash(text)
    throw new BlockError(text, what === 'command' ? { class: 'CommandNotFound' } : {})
  }
}

/** Whether clients hear of it. */
export function isShown(compat: Compat, features: readonly Feature[] | undefined): boolean {
  if (features === undefined) return true
  return !KINDS.some(
    ([feature]) => compat[`${feature}-output`] === 'hide' && features.includes(feature),
  )
}

/** The same of introspection, which tells of what is to come whatever a client wants. */
export function isShownInSchema(compat: Compat, features: readonly Feature[] | undefined): boolean {
  return isShown({ ...compat, 'unstable-output': 'accept' }, features)
}

/** Policies as a client gives them. */
export const COMPAT_MEMBERS: Members = Object.fromEntries(
  Object.entries(POLICY_VALUES).map(([name, values]) => [
    name,
    opt.enum(`${name}-policy`, values)({ optional: true, doc: 'What becomes of it.' }),
  ]),
)

/** Policies as words. @throws {BlockError} for what is none. */
export function checkCompat(words: Readonly<Record<string, string>>): Partial<Compat> {
  const value = new Map(Object.entries(words))
  // They were checked against the values of each policy.
  return checkMembers(COMPAT_MEMBERS, value, 'keyval')
}
