/**
 * The node that a mirror puts above its source: all writes of others go through it, so that the job
 * knows what changed or has it written to the target too. No client can name its driver.
 */
import { defineFilter, type Child, type Driver } from '../../block/driver.ts'
import { ALL_PERMISSIONS, CONSISTENT_READ, NO_PERMISSIONS, WRITE } from '../../block/permission.ts'
import { assert } from '../../util/assert.ts'
import type { MaybePromise } from '../../util/async.ts'
import { BlockError } from '../../util/errors.ts'

/** One change of the source. */
export interface SourceChange {
  readonly offset: number
  readonly bytes: number
  readonly as: 'data' | 'zero' | 'discard'
  /** As long as the range. */
  readonly data?: Uint8Array
}

/** Carries a change out at the source, and does what the job wants besides. */
export type OnChange = (change: SourceChange, apply: () => MaybePromise<void>) => MaybePromise<void>

export class MirrorTop {
  readonly driver: Driver
  /** Set while the job is interested in changes. */
  onChange: OnChange | undefined
  /** Nothing is to be forwarded any more: it claims nothing of the source. */
  stopped = false
  #source: Child | undefined

  /** @param isCommit - The target is in the chain below the source. */
  constructor(isCommit: boolean) {
    this.driver = defineFilter({
      name: 'mirror_top',
      doc: 'Watches what is written to the source of a mirror.',
      options: {},
      filtered: 'backing',
      claims: ({ above }) => {
        if (this.stopped) return { uses: NO_PERMISSIONS, shares: ALL_PERMISSIONS }
        // Nobody reads consistently between source and base, and the job itself writes to the base.
        return isCommit
          ? { uses: above.uses & ~CONSISTENT_READ, shares: above.shares | WRITE }
          : above
      },
      namedAs: 'backing',
      open: (next) => {
        this.#source = next
        return {
          write: (offset, data, flags) =>
            this.#change({ offset, bytes: data.length, as: 'data', data }, () =>
              next.write(offset, data, flags),
            ),
          zero: (offset, bytes, flags) =>
            this.#change({ offset, bytes, as: 'zero' }, () => next.zero(offset, bytes, flags)),
          discard: (offset, bytes) =>
            this.#change({ offset, bytes, as: 'discard' }, () => next.discard(offset, bytes)),
          // As in 7.2, also where it has been taken out before.
          close: () => flushed(next),
        }
      },
    })
  }

  /** The source, for requests that no drained section holds back. */
  get source(): Child {
    assert(this.#source !== undefined, 'the filter is in place')
    return this.#source
  }

  #change(change: SourceChange, apply: () => MaybePromise<void>): MaybePromise<void> {
    return this.onChange === undefined ? apply() : this.onChange(change, apply)
  }
}

/** Nobody hears of a failure. */
async function flushed(source: Child): Promise<void> {
  try {
    await source.flush()
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
  }
}
