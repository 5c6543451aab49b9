/** Requests of a quorum: to all children at once, or to the first that answers. */
import type {
  BlockStatus,
  Child,
  NodeHandle,
  RequestFlags,
  StatusQuery,
  Services,
} from '../../block/driver.ts'
import { firstDifference, isSame } from '../../util/bytes.ts'
import { BlockError, type Errno, ioError } from '../../util/errors.ts'
import type { Operation, Report } from './report.ts'
import { vote } from './vote.ts'

/** What the options say, which reopening changes. */
export interface Settings {
  readonly threshold: number
  /** All children are compared, instead of asking one after the other. */
  readonly voting: boolean
  readonly blkverify: boolean
  readonly rewriteCorrupted: boolean
}

export interface Quorum {
  settings: Settings
  /** In the order of the list. */
  children: readonly Child[]
  readonly report: Report
  readonly node: NodeHandle
  readonly services: Services
}

/** What became of one child's part of a request. */
type Answer<T> = { readonly value: T } | { readonly errno: Errno }

/** Runs one request on every child, all at once. */
async function ask<T>(
  quorum: Quorum,
  request: (child: Child) => T | Promise<T>,
): Promise<Answer<T>[]> {
  return Promise.all(quorum.children.map((child) => answerOf(() => request(child))))
}

async function answerOf<T>(request: () => T | Promise<T>): Promise<Answer<T>> {
  try {
    return { value: await request() }
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    return { errno: error.errno }
  }
}

interface Place {
  readonly operation: Operation
  readonly offset: number
  readonly bytes: number
}

/** Reports every child that failed, and the request itself if too few are left. */
function judge(quorum: Quorum, answers: readonly Answer<unknown>[], place: Place): void {
  const { operation, offset, bytes } = place
  const failures: [voter: number, errno: Errno][] = []
  answers.forEach((answer, index) => {
    if (!('errno' in answer)) return
    failures.push([index, answer.errno])
    const child = quorum.children[index]
    if (child !== undefined) quorum.report.bad(child, operation, offset, bytes, answer.errno)
  })
  if (answers.length - failures.length >= quorum.settings.threshold) return
  quorum.report.failure(offset, bytes)
  throw ioError(vote(failures, (left, right) => left === right)?.winner ?? 'EIO')
}

/** Reads from all children and returns what at least `threshold` of them agree on. */
export async function readByVote(quorum: Quorum, offset: number, into: Uint8Array): Promise<void> {
  const bytes = into.length
  const answers = await ask(quorum, async (child) => {
    const data = new Uint8Array(bytes)
    await child.read(offset, data)
    return data
  })
  judge(quorum, answers, { operation: 'read', offset, bytes })
  const ballots: [voter: number, data: Uint8Array][] = []
  answers.forEach((answer, index) => {
    if ('value' in answer) ballots.push([index, answer.value])
  })
  if (quorum.settings.blkverify) checkIdentical(quorum, ballots, offset)
  const outcome = vote(ballots, isSame)
  if (outcome === undefined || outcome.votes < quorum.settings.threshold) {
    quorum.report.failure(offset, bytes)
    throw ioError('EIO')
  }
  const losers = outcome.losers.flatMap((index) => quorum.children[index] ?? [])
  for (const child of losers) quorum.report.bad(child, 'read', offset, bytes)
  if (quorum.settings.rewriteCorrupted) await repair(losers, offset, outcome.winner)
  into.set(outcome.winner)
}

/** A debugging mode for two children: any difference stops the program. */
function checkIdentical(
  quorum: Quorum,
  ballots: readonly (readonly [voter: number, data: Uint8Array])[],
  offset: number,
): void {
  const [first, second] = ballots
  if (first === undefined || second === undefined) return
  const index = firstDifference(first[1], second[1])
  if (index === undefined) return
  quorum.services.log(
    `quorum: offset=${String(offset)} bytes=${String(first[1].length)} ` +
      `contents mismatch at offset ${String(offset + index)}`,
    'bare',
  )
  quorum.services.exit(1)
  throw ioError('EIO')
}

async function repair(children: readonly Child[], offset: number, data: Uint8Array): Promise<void> {
  // A child that cannot be repaired stays as it is; the read has its answer already.
  await Promise.all(children.map((child) => answerOf(() => child.write(offset, data))))
}

/** Reads from the first child that can. */
export async function readInOrder(quorum: Quorum, offset: number, into: Uint8Array): Promise<void> {
  let last: Errno = 'EIO'
  for (const child of quorum.children) {
    const answer = await answerOf(() => child.read(offset, into))
    if (!('errno' in answer)) return
    last = answer.errno
    quorum.report.bad(child, 'read', offset, into.length, last)
  }
  throw ioError(last)
}

export async function write(
  quorum: Quorum,
  offset: number,
  data: Uint8Array,
  flags: RequestFlags,
): Promise<void> {
  const answers = await ask(quorum, (child) => child.write(offset, data, flags))
  judge(quorum, answers, { operation: 'write', offset, bytes: data.length })
}

export async function zero(
  quorum: Quorum,
  offset: number,
  bytes: number,
  flags: RequestFlags,
): Promise<void> {
  const answers = await ask(quorum, (child) => child.zero(offset, bytes, flags))
  judge(quorum, answers, { operation: 'write', offset, bytes })
}

export async function flush(quorum: Quorum): Promise<void> {
  const answers = await ask(quorum, (child) => child.flush())
  const failures: [voter: number, errno: Errno][] = []
  answers.forEach((answer, index) => {
    if (!('errno' in answer)) return
    failures.push([index, answer.errno])
    const child = quorum.children[index]
    if (child !== undefined) quorum.report.bad(child, 'flush', 0, 0, answer.errno)
  })
  if (answers.length - failures.length >= quorum.settings.threshold) return
  throw ioError(vote(failures, (left, right) => left === right)?.winner ?? 'EIO')
}

/** Zeroes where every child has zeroes, else data, also where a child cannot tell. */
export async function status(
  quorum: Quorum,
  { offset, bytes }: { readonly offset: number; readonly bytes: number },
  query?: StatusQuery,
): Promise<BlockStatus> {
  let zeroBytes = bytes
  let dataBytes = 0
  for (const child of quorum.children) {
    const answer = await answerOf(() => child.statusAbove(offset, bytes, undefined, query))
    if ('errno' in answer) {
      quorum.report.bad(child, 'read', offset, bytes, answer.errno)
      dataBytes = bytes
      break
    }
    const run = answer.value
    if (run.zero) zeroBytes = Math.min(zeroBytes, run.bytes)
    else dataBytes = Math.max(dataBytes, run.bytes)
  }
  if (dataBytes === 0) return { bytes: zeroBytes, allocated: true, data: false, zero: true }
  return { bytes: dataBytes, allocated: true, data: true, zero: false }
}
