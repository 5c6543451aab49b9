/**
 * A throttle group: limits that several nodes share. Members take turns; each direction has its own
 * queue and its own timer, while the total limits count both.
 */
import type { Clock, Timer } from '../../host/host.ts'
import { assert } from '../../util/assert.ts'
import type { MaybePromise } from '../../util/async.ts'
import { LeakyBucket } from './bucket.ts'
import type { BucketName, Limits } from './limits.ts'
import { BUCKETS, checkLimits, NO_LIMITS } from './limits.ts'

export type Direction = 'read' | 'write'

interface Waiting {
  readonly bytes: number
  readonly start: () => void
}

/** One direction of the whole group. */
interface Lane {
  readonly direction: Direction
  readonly buckets: readonly BucketName[]
  /** Runs while a request waits for its time. */
  timer: Timer | undefined
  /** Whose turn it is, or was last: chosen when the timer is set, not when it fires. */
  token: Member | undefined
}

/** A node's share of a group. */
export interface GroupMember {
  /** Resolves when the request may start; it is counted then. */
  acquire(direction: Direction, bytes: number): MaybePromise<void>
  /** Lets every waiting request go, and all to come, until the matching `limitAgain`. */
  ignoreLimits(): void
  limitAgain(): void
  leave(): void
}

const COUNTED: Readonly<Record<Direction, readonly BucketName[]>> = {
  read: ['bps-total', 'bps-read', 'iops-total', 'iops-read'],
  write: ['bps-total', 'bps-write', 'iops-total', 'iops-write'],
}

export class ThrottleGroup {
  #limits: Limits = NO_LIMITS
  #buckets = makeBuckets(NO_LIMITS)
  #leakedNs = 0
  /** Newest first, which is also the order of turns. */
  readonly #members: Member[] = []
  readonly #lanes: Readonly<Record<Direction, Lane>> = {
    read: makeLane('read'),
    write: makeLane('write'),
  }

  get limits(): Limits {
    return this.#limits
  }

  /** Whether nodes are in the group. */
  get inUse(): boolean {
    return this.#members.length > 0
  }

  /**
   * Replaces the limits; the buckets start empty, and leak from now on. Timers run on.
   *
   * @throws {BlockError} for a set without sense.
   */
  setLimits(limits: Limits): void {
    checkLimits(limits)
    this.#limits = limits
    this.#buckets = makeBuckets(limits)
    this.#leakedNs = this.#members[0]?.clock.nowNs() ?? this.#leakedNs
  }

  join(clock: Clock): GroupMember {
    const member = new Member(this, clock)
    this.#members.unshift(member)
    for (const lane of Object.values(this.#lanes)) lane.token ??= member
    return member
  }

  leave(member: Member): void {
    const index = this.#members.indexOf(member)
    assert(index >= 0, 'only members leave')
    this.#members.splice(index, 1)
    for (const lane of Object.values(this.#lanes)) {
      assert(member.queues[lane.direction].length === 0, 'a member leaves without requests')
      if (lane.token === member) lane.token = this.#members[index - 1] ?? this.#members.at(-1)
    }
  }

  acquire(member: Member, direction: Direction, bytes: number): MaybePromise<void> {
    const lane = this.#lanes[direction]
    const mustWait =
      !member.unlimited &&
      (this.#mustWait(lane, this.#nextInTurn(lane) ?? member) ||
        member.queues[direction].length > 0)
    if (!mustWait) {
      this.#count(lane, bytes)
      return
    }
    return new Promise((start) => {
      member.queues[direction].push({ bytes, start })
    })
  }

  /** Starts all that a member has waiting, whatever the limits say. */
  runDry(member: Member): void {
    for (const lane of Object.values(this.#lanes)) {
      for (;;) {
        const next = member.queues[lane.direction].shift()
        if (next === undefined) break
        this.#count(lane, next.bytes)
        next.start()
      }
      if (!this.#members.some(({ queues }) => queues[lane.direction].length > 0)) {
        lane.timer?.cancel()
        lane.timer = undefined
      }
    }
  }

  /** Whether a request of this member has to wait; if nobody waits yet, its timer is set. */
  #mustWait(lane: Lane, member: Member): boolean {
    if (lane.timer !== undefined) return true
    const waitNs = this.#waitNs(lane, member.clock)
    if (waitNs === 0) return false
    this.#arm(lane, member, waitNs)
    return true
  }

  #waitNs(lane: Lane, clock: Clock): number {
    const nowNs = clock.nowNs()
    for (const bucket of Object.values(this.#buckets)) bucket.leak(nowNs - this.#leakedNs)
    this.#leakedNs = nowNs
    return Math.max(...lane.buckets.map((name) => this.#buckets[name].waitNs()))
  }

  #count(lane: Lane, bytes: number): void {
    const { opBytes } = this.#limits
    const operations = opBytes !== 0 && bytes > opBytes ? bytes / opBytes : 1
    for (const name of lane.buckets) {
      this.#buckets[name].pour(name.startsWith('bps') ? bytes : operations)
    }
  }

  #arm(lane: Lane, member: Member, delayNs: number): void {
    lane.token = member
    lane.timer = member.clock.after(delayNs, () => {
      lane.timer = undefined
      this.#startNext(lane, member)
    })
  }

  /**
   * Starts the request whose time has come, and those after it that need not wait. It does not ask
   * again: what the other direction used up meanwhile delays the one after it.
   */
  #startNext(lane: Lane, chosen: Member): void {
    let member = chosen
    for (;;) {
      const started = member.queues[lane.direction].shift()
      if (started !== undefined) {
        this.#count(lane, started.bytes)
        started.start()
      }
      const next = this.#nextInTurn(lane)
      if (next === undefined || this.#mustWait(lane, next)) return
      // Its own next request comes first, where there is one.
      if (started === undefined || member.queues[lane.direction].length === 0) member = next
      lane.token = member
    }
  }

  /** The first member with something waiting, after the one whose turn it is. */
  #nextInTurn(lane: Lane): Member | undefined {
    const start = this.#members.findIndex((member) => member === lane.token) + 1
    const order = [...this.#members.slice(start), ...this.#members.slice(0, start)]
    return order.find(({ queues }) => queues[lane.direction].length > 0)
  }
}

class Member implements GroupMember {
  readonly clock: Clock
  readonly queues: Readonly<Record<Direction, Waiting[]>> = { read: [], write: [] }
  readonly #group: ThrottleGroup
  #ignored = 0

  constructor(group: ThrottleGroup, clock: Clock) {
    this.#group = group
    this.clock = clock
  }

  get unlimited(): boolean {
    return this.#ignored > 0
  }

  acquire(direction: Direction, bytes: number): MaybePromise<void> {
    return this.#group.acquire(this, direction, bytes)
  }

  ignoreLimits(): void {
    this.#ignored += 1
    this.#group.runDry(this)
  }

  limitAgain(): void {
    assert(this.#ignored > 0, 'limits are ignored before they hold again')
    this.#ignored -= 1
  }

  leave(): void {
    this.#group.leave(this)
  }
}

function makeBuckets({ rates }: Limits): Readonly<Record<BucketName, LeakyBucket>> {
  const entries = BUCKETS.map((name) => [name, new LeakyBucket(rates[name])])
  // Made of the list of all names.
  return Object.fromEntries(entries) as Record<BucketName, LeakyBucket>
}

function makeLane(direction: Direction): Lane {
  return { direction, buckets: COUNTED[direction], timer: undefined, token: undefined }
}
