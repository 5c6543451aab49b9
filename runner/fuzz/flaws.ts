/** Puts something wrong into arguments: a wrong type, a member too many or one too few. */
import type { Value } from '../../dsl/plan.ts'
import { isList, isMap, sameValue } from '../json.ts'
import type { Random } from './random.ts'
import type { Members } from './step.ts'

const WRONG: readonly Value[] = [
  null,
  true,
  5,
  -1,
  1.5,
  'x',
  '',
  {},
  [],
  2n ** 63n,
  ['x'],
  { a: 1 },
]

export function withFlaw(random: Random, args: Members | undefined): Members {
  if (args === undefined || Object.keys(args).length === 0)
    return { bogus: random.pick(WRONG) ?? 1 }
  const change = random.pick([addMember, dropMember, changeType, changeType])
  return change(random, args)
}

function addMember(random: Random, args: Members): Members {
  const inner = innerMap(random, args)
  if (inner === undefined || random.chance(0.6)) return { ...args, bogus: 1 }
  return { ...args, [inner.name]: addMember(random, inner.value) }
}

function dropMember(random: Random, args: Members): Members {
  const inner = innerMap(random, args)
  if (inner !== undefined && random.chance(0.3)) {
    return { ...args, [inner.name]: dropMember(random, inner.value) }
  }
  const name = random.pick(Object.keys(args)) ?? ''
  return Object.fromEntries(Object.entries(args).filter(([each]) => each !== name))
}

function changeType(random: Random, args: Members): Members {
  const name = random.pick(Object.keys(args)) ?? ''
  return { ...args, [name]: wrongInside(random, args[name] ?? null) }
}

function wrongInside(random: Random, value: Value): Value {
  if (isMap(value) && Object.keys(value).length > 0 && random.chance(0.6)) {
    return changeType(random, value)
  }
  if (isList(value) && value.length > 0 && random.chance(0.6)) {
    const at = random.below(value.length)
    return value.map((item, index) => (index === at ? wrongInside(random, item) : item))
  }
  const other = WRONG.filter((wrong) => !sameValue(wrong, value))
  return random.pick(other) ?? null
}

function innerMap(
  random: Random,
  args: Members,
): { readonly name: string; readonly value: Members } | undefined {
  const maps = Object.entries(args).flatMap(([name, value]) =>
    isMap(value) && Object.keys(value).length > 0 ? [{ name, value }] : [],
  )
  return random.pick(maps)
}
