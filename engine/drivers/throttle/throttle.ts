/** `throttle`: a filter whose requests wait until its throttle group lets them pass. */
import { defineFilter } from '../../block/driver.ts'
import { opt } from '../../block/option.ts'
import type { MaybePromise } from '../../util/async.ts'
import { isPromise } from '../../util/async.ts'
import { BlockError } from '../../util/errors.ts'
import type { Direction } from './group.ts'
import { ThrottleGroup } from './group.ts'

export const throttle = defineFilter({
  name: 'throttle',
  doc: 'Delays requests as the limits of a throttle group demand. Flushes pass freely.',
  options: {
    'throttle-group': opt.str({ doc: 'Id of the throttle-group object.' }),
  },
  memberOrder: ['throttle-group', 'file'],
  strongOptions: ['throttle-group'],
  open(next, { options, services }) {
    const id = options['throttle-group']
    const group = services.object('throttle-group', id)
    if (!(group instanceof ThrottleGroup)) {
      throw new BlockError(`Throttle group '${id}' does not exist`)
    }
    const member = group.join(services.clock)
    const when = (
      direction: Direction,
      bytes: number,
      work: () => MaybePromise<void>,
    ): MaybePromise<void> => {
      const turn = member.acquire(direction, bytes)
      return isPromise(turn) ? turn.then(work) : work()
    }
    return {
      read: (offset, into, flags) =>
        when('read', into.length, () => next.read(offset, into, flags)),
      write: (offset, data, flags) =>
        when('write', data.length, () => next.write(offset, data, flags)),
      zero: (offset, bytes, flags) => when('write', bytes, () => next.zero(offset, bytes, flags)),
      discard: (offset, bytes) => when('write', bytes, () => next.discard(offset, bytes)),
      drainedBegin: () => {
        member.ignoreLimits()
      },
      drainedEnd: () => {
        member.limitAgain()
      },
      close: () => {
        member.leave()
      },
    }
  },
})
