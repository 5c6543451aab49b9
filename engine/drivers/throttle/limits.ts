/** What a throttle group allows: its numbers, their names on the wire, and which sets make sense. */
import { BlockError } from '../../util/errors.ts'

/** In the order in which their values are checked. */
export const BUCKETS = [
  'bps-total',
  'bps-read',
  'bps-write',
  'iops-total',
  'iops-read',
  'iops-write',
] as const

export type BucketName = (typeof BUCKETS)[number]

/** One rate: per second, and the burst that may exceed it for a while. */
export interface Rate {
  readonly average: number
  readonly maximum: number
  /** Seconds for which `maximum` may last. */
  readonly burstSeconds: number
}

export interface Limits {
  readonly rates: Readonly<Record<BucketName, Rate>>
  /** Longer requests count as several operations; 0 counts each as one. */
  readonly opBytes: number
}

/** Members of `ThrottleLimits`: `iops-total`, `iops-total-max`, `iops-total-max-length`, … */
export type LimitValues = Readonly<Record<string, number | undefined>>

const UNLIMITED: Rate = { average: 0, maximum: 0, burstSeconds: 1 }
const MAX_VALUE = 1e15
const MAX_BURST_SECONDS = 2 ** 32 - 1

export const NO_LIMITS: Limits = {
  rates: {
    'bps-total': UNLIMITED,
    'bps-read': UNLIMITED,
    'bps-write': UNLIMITED,
    'iops-total': UNLIMITED,
    'iops-read': UNLIMITED,
    'iops-write': UNLIMITED,
  },
  opBytes: 0,
}

/** Every member's name, as introspection knows it. */
export const LIMIT_NAMES: readonly string[] = [
  ...['iops', 'bps'].flatMap((unit) =>
    ['total', 'read', 'write'].flatMap((direction) =>
      ['', '-max', '-max-length'].map((suffix) => `${unit}-${direction}${suffix}`),
    ),
  ),
  'iops-size',
]

/** The limits with some values replaced; nothing is checked but what cannot be represented. */
export function withValues(limits: Limits, values: LimitValues, prefix: '' | 'x-' = ''): Limits {
  const rates: Record<BucketName, Rate> = { ...limits.rates }
  for (const name of BUCKETS) {
    const old = rates[name]
    rates[name] = {
      average: values[name] ?? old.average,
      maximum: values[`${name}-max`] ?? old.maximum,
      burstSeconds: burstSeconds(`${name}-max-length`, values, prefix) ?? old.burstSeconds,
    }
  }
  return { rates, opBytes: values['iops-size'] ?? limits.opBytes }
}

/** A negative length is taken for a huge one, as in the real program. */
function burstSeconds(name: string, values: LimitValues, prefix: string): number | undefined {
  const value = values[name]
  if (value === undefined || value <= MAX_BURST_SECONDS) {
    return value !== undefined && value < 0 ? Infinity : value
  }
  // The missing blank is the real program's.
  const range = prefix === '' ? 'the range' : 'therange'
  throw new BlockError(
    `${prefix}${name} value must be in ${range} [0, ${String(MAX_BURST_SECONDS)}]`,
  )
}

/** @throws {BlockError} for the first thing that does not make sense. */
export function checkLimits({ rates, opBytes }: Limits): void {
  for (const value of ['average', 'maximum'] as const) {
    for (const unit of ['bps', 'iops'] as const) {
      const total = rates[`${unit}-total`][value]
      if (
        total !== 0 &&
        (rates[`${unit}-read`][value] !== 0 || rates[`${unit}-write`][value] !== 0)
      ) {
        throw new BlockError(
          'bps/iops/max total values and read/write values cannot be used at the same time',
        )
      }
    }
  }
  const iops = ['iops-total', 'iops-read', 'iops-write'] as const
  if (opBytes !== 0 && iops.every((name) => rates[name].average === 0)) {
    throw new BlockError('iops size requires an iops value to be set')
  }
  for (const name of BUCKETS) checkRate(rates[name])
}

function checkRate({ average, maximum, burstSeconds }: Rate): void {
  const inRange = (value: number): boolean => value >= 0 && value <= MAX_VALUE
  if (!inRange(average) || !inRange(maximum)) {
    throw new BlockError(`bps/iops/max values must be within [0, ${String(MAX_VALUE)}]`)
  }
  if (burstSeconds === 0) throw new BlockError('the burst length cannot be 0')
  if (burstSeconds > 1 && maximum === 0) {
    throw new BlockError('burst length set without burst rate')
  }
  if (maximum !== 0 && burstSeconds > Math.floor(MAX_VALUE / maximum)) {
    throw new BlockError('burst length too high for this burst rate')
  }
  if (maximum !== 0 && average === 0) {
    throw new BlockError('bps_max/iops_max require corresponding bps/iops values')
  }
  if (maximum !== 0 && maximum < average) {
    throw new BlockError('bps_max/iops_max cannot be lower than bps/iops')
  }
}

/** All values by name, as `qom-get` returns them. */
export function limitValues({ rates, opBytes }: Limits): Record<string, number> {
  const values: Record<string, number> = { 'iops-size': opBytes }
  for (const name of BUCKETS) {
    values[name] = rates[name].average
    values[`${name}-max`] = rates[name].maximum
    values[`${name}-max-length`] = rates[name].burstSeconds
  }
  return values
}
