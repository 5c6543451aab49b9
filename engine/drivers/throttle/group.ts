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
  /** Whose turn it was last. */
  last: GroupMember | undefined
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

  /** Replaces the limits; the buckets start empty. @throws {BlockError} for a set without sense. */
  setLimits(limits: Limits): void {
    checkLimits(limits)
    this.#limits = limits
    this.#buckets = makeBuckets(limits)
  }

  join(clock: Clock): GroupMember {
    const member = new Member(this, clock)
    this.#members.push(member)
    return member
  }

  leave(member: Member): void {
    const index = this.#members.indexOf(member)
    assert(index >= 0, 'only members leave')
    for (const lane of Object.values(this.#lanes)) {
      assert(member.queues[lane.direction].length === 0, 'a member leaves without requests')
      if (lane.last === member) lane.last = this.#members[index - 1]
    }
    this.#members.splice(index, 1)
  }

  acquire(member: Member, direction: Direction, bytes: number): MaybePromise<void> {
    const lane = this.#lanes[direction]
    const mustWait =
      !member.unlimited &&
      (member.queues[direction].length > 0 || !this.#mayPass(lane, member.clock))
    if (!mustWait) {
      this.#count(lane, member, bytes)
      return
    }
    return new Promise((start) => {
      member.queues[direction].push({ bytes, start })
      this.#arm(lane, member.clock)
    })
  }

  /** Starts all that a member has waiting, whatever the limits say. */
  runDry(member: Member): void {
    for (const lane of Object.values(this.#lanes)) {
      for (;;) {
        const next = member.queues[lane.direction].shift()
        if (next === undefined) break
        this.#count(lane, member, next.bytes)
        next.start()
      }
      if (!this.#members.some(({ queues }) => queues[lane.direction].length > 0)) {
        lane.timer?.cancel()
        lane.timer = undefined
      }
    }
  }

  #mayPass(lane: Lane, clock: Clock): boolean {
    return lane.timer === undefined && this.#waitNs(lane, clock) === 0
  }

  #waitNs(lane: Lane, clock: Clock): number {
    const nowNs = clock.nowNs()
    for (const bucket of Object.values(this.#buckets)) bucket.leak(nowNs - this.#leakedNs)
    this.#leakedNs = nowNs
    return Math.max(...lane.buckets.map((name) => this.#buckets[name].waitNs()))
  }

  #count(lane: Lane, member: Member, bytes: number): void {
    const { opBytes } = this.#limits
    const operations = opBytes !== 0 && bytes > opBytes ? bytes / opBytes : 1
    for (const name of lane.buckets) {
      this.#buckets[name].pour(name.startsWith('bps') ? bytes : operations)
    }
    lane.last = member
  }

  /** Sets the timer for the next request in turn, unless it runs already or nobody waits. */
  #arm(lane: Lane, clock: Clock): void {
    if (lane.timer !== undefined || this.#nextInTurn(lane) === undefined) return
    lane.timer = clock.after(this.#waitNs(lane, clock), () => {
      lane.timer = undefined
      this.#startNext(lane)
    })
  }

  /**
   * Starts the request whose time has come, and those after it that need not wait. It does not ask
   * again: what the other direction used up meanwhile delays the one after it.
   */
  #startNext(lane: Lane): void {
    for (;;) {
      const member = this.#nextInTurn(lane)
      const next = member?.queues[lane.direction].shift()
      if (member === undefined || next === undefined) return
      this.#count(lane, member, next.bytes)
      next.start()
      if (this.#waitNs(lane, member.clock) === 0) continue
      this.#arm(lane, member.clock)
      return
    }
  }

  /** The first member with something waiting, after the one whose turn it was. */
  #nextInTurn(lane: Lane): Member | undefined {
    const start = this.#members.findIndex((member) => member === lane.last) + 1
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
  return { direction, buckets: COUNTED[direction], timer: undefined, last: undefined }
}
