/** `throttle`: a filter whose requests wait until its throttle group lets them pass. */
import { defineFilter, type Services } from '../../block/driver.ts'
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
  takesCompressed: true,
  reopenable: ['throttle-group'],
  open(next, { options, services }) {
    const { clock } = services
    let group = findGroup(options, services)
    let member = group.join(clock)
    let drained = false
    const when = (
      direction: Direction,
      bytes: number,
      work: () => MaybePromise<void>,
    ): MaybePromise<void> => {
      const turn = member.acquire(direction, bytes)
      return isPromise(turn) ? turn.then(work) : work()
    }
    const change = (to: ThrottleGroup): void => {
      if (to === group) return
      // Nobody waits: nodes are drained while they are reopened.
      member.leave()
      group = to
      member = group.join(clock)
      if (drained) member.ignoreLimits()
    }
    return {
      read: (offset, into, flags) =>
        when('read', into.length, () => next.read(offset, into, flags)),
      write: (offset, data, flags) =>
        when('write', data.length, () => next.write(offset, data, flags)),
      zero: (offset, bytes, flags) => when('write', bytes, () => next.zero(offset, bytes, flags)),
      discard: (offset, bytes) => when('write', bytes, () => next.discard(offset, bytes)),
      drainedBegin() {
        drained = true
        member.ignoreLimits()
      },
      drainedEnd() {
        drained = false
        member.limitAgain()
      },
      reopen({ options: restated }) {
        // The options were checked against this very declaration.
        const to = findGroup(restated as unknown as GroupOption, services)
        return { commit: () => change(to) }
      },
      close() {
        member.leave()
      },
    }
  },
})

interface GroupOption {
  /** Absent only in options that come from a file name. */
  readonly 'throttle-group': string | undefined
}

function findGroup({ 'throttle-group': id }: GroupOption, services: Services): ThrottleGroup {
  if (id === undefined) throw new BlockError('Please specify a throttle group')
  const group = services.object('throttle-group', id)
  if (group instanceof ThrottleGroup) return group
  throw new BlockError(`Throttle group '${id}' does not exist`)
}
