/** The `throttle-group` object: how clients make a group, read its limits and change them. */
import type { Members, Schema } from '../../block/option.ts'
import { opt, shape } from '../../block/option.ts'
import { BlockError } from '../../util/errors.ts'
import { inKeyOrder } from '../../util/key-order.ts'
import { ThrottleGroup } from './group.ts'
import type { Limits, LimitValues } from './limits.ts'
import { checkLimits, LIMIT_NAMES, limitValues, NO_LIMITS, withValues } from './limits.ts'

const LIMIT_MEMBERS: Members = Object.fromEntries(
  LIMIT_NAMES.map((name) => [name, opt.int({ optional: true, doc: docOf(name) })]),
)
const LIMITS: Schema = shape.struct('ThrottleLimits', LIMIT_MEMBERS)
const ACCESS: Members = Object.fromEntries(
  LIMIT_NAMES.map((name) => [
    `x-${name}`,
    opt.int({ optional: true, doc: docOf(name), features: ['unstable'] }),
  ]),
)

/** What the object registry needs to know; it declares the shape. */
export const throttleGroupType = {
  name: 'throttle-group',
  doc: 'Limits that throttle nodes share.',
  properties: {
    limits: opt.of<LimitValues | undefined>(LIMITS)({ optional: true, doc: 'The limits.' }),
    ...ACCESS,
  },
  create(_id: string, given: Readonly<Record<string, unknown>>) {
    const group = new ThrottleGroup()
    const limits = initialLimits(given)
    return {
      instance: group,
      properties: propertiesOf(group),
      isInUse: () => group.inUse,
      complete: () => {
        group.setLimits(limits)
      },
    }
  },
} as const

/**
 * Properties are set one by one in the order of the wire, so that of a short form and its twin in
 * `limits` the later one wins. `limits` is checked when it is set, the short forms all together.
 */
function initialLimits(given: Readonly<Record<string, unknown>>): Limits {
  let limits = NO_LIMITS
  for (const [name, value] of inKeyOrder(Object.entries(given))) {
    if (name === 'limits') {
      // Checked against the declaration above.
      limits = withValues(limits, value as LimitValues)
      checkLimits(limits)
    } else if (name.startsWith('x-') && typeof value === 'number') {
      if (value < 0) throw new BlockError('Property values cannot be negative')
      limits = withValues(limits, { [name.slice(2)]: value }, 'x-')
    }
  }
  return limits
}

interface Property {
  readonly type: string
  readonly schema: Schema
  readonly settled?: string
  readonly get: () => unknown
  readonly set: (value: unknown) => void
}

function propertiesOf(group: ThrottleGroup): ReadonlyMap<string, Property> {
  const short = LIMIT_NAMES.map((name): [string, Property] => [
    `x-${name}`,
    {
      type: 'int',
      schema: shape.int,
      get: () => limitValues(group.limits)[name],
      settled: 'Property cannot be set after initialization',
      set: () => undefined,
    },
  ])
  const limits: Property = {
    type: 'ThrottleLimits',
    schema: LIMITS,
    get: () => limitValues(group.limits),
    set: (value) => {
      // Checked against the schema beside it.
      group.setLimits(withValues(group.limits, value as LimitValues))
    },
  }
  return new Map([...short, ['limits', limits]])
}

function docOf(name: string): string {
  if (name === 'iops-size') return 'Bytes of a request that count as one operation.'
  if (name.endsWith('-max-length')) return 'Seconds that a burst may last.'
  const what = name.startsWith('bps') ? 'Bytes' : 'Operations'
  return `${what} per second${name.endsWith('-max') ? ' in a burst' : ''}.`
}
