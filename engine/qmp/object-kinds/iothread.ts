/**
 * `iothread`: a thread for the requests of exports. All work of this engine is done by one thread,
 * so that the numbers steer nothing; they are kept and checked as QEMU does.
 */
import type { Members } from '../../block/option.ts'
import { opt, shape } from '../../block/option.ts'
import { BlockError } from '../../util/errors.ts'
import { inKeyOrder } from '../../util/key-order.ts'
import type { ObjectProperty, ObjectType } from '../objects.ts'

/** Those that event loops of all kinds have come first. */
const LOOP_PROPERTIES = {
  'aio-max-batch': [0, 'Requests that are submitted at once; 0: the default.'],
  'thread-pool-min': [0, 'Helper threads that are kept.'],
  'thread-pool-max': [64, 'Helper threads at most.'],
} as const
const POLL_PROPERTIES = {
  'poll-max-ns': [32768, 'Longest time of busy waiting.'],
  'poll-grow': [0, 'By what the time of busy waiting grows.'],
  'poll-shrink': [0, 'By what it shrinks.'],
} as const
const PROPERTIES: Readonly<Record<string, readonly [initial: number, doc: string]>> = {
  ...LOOP_PROPERTIES,
  ...POLL_PROPERTIES,
}

const MAX_THREADS = 2 ** 31 - 1

export const iothreadType: ObjectType = {
  name: 'iothread',
  doc: 'A thread for the requests of exports.',
  parent: { name: 'event-loop-base', properties: Object.keys(LOOP_PROPERTIES) },
  properties: Object.fromEntries(
    Object.entries(PROPERTIES).map(([name, [, doc]]) => [name, opt.int({ optional: true, doc })]),
  ) satisfies Members,
  create(_id, given) {
    const values = new Map(Object.entries(PROPERTIES).map(([name, [initial]]) => [name, initial]))
    for (const [name, value] of inKeyOrder(Object.entries(given))) setValue(values, name, value)
    return {
      instance: values,
      properties: new Map(Object.keys(PROPERTIES).map((name) => [name, property(values, name)])),
      isInUse: () => false,
      complete: () => {
        checkThreads(values)
      },
    }
  },
}

type NumberValues = Map<string, number>

function property(values: NumberValues, name: string): ObjectProperty {
  return {
    type: 'int',
    schema: shape.int,
    get: () => values.get(name),
    set(value) {
      setValue(values, name, value)
      // A value that does not fit the others stays all the same.
      if (name in LOOP_PROPERTIES) checkThreads(values)
    },
  }
}

function setValue(values: NumberValues, name: string, value: unknown): void {
  // Checked against the declaration: a whole number.
  const number = value as number
  if (number < 0) {
    throw new BlockError(`${name} value must be in range [0, 9223372036854775807]`)
  }
  values.set(name, number)
}

function checkThreads(values: NumberValues): void {
  const least = values.get('thread-pool-min') ?? 0
  const most = values.get('thread-pool-max') ?? 0
  if (most > 0 && least <= most && most <= MAX_THREADS) return
  throw new BlockError('bad thread-pool-min/thread-pool-max values')
}
