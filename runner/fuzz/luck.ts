/**
 * What the real target shows by luck, so that nobody can compare it: when it does, and which lines of
 * what was shown that concerns.
 */
import type { Value } from '../../dsl/plan.ts'
import { isList, member, text } from '../json.ts'
import type { QmpEvent } from '../session.ts'

/** At most one of these a second is told of: of several pieces that are read at once, the first. */
const OF_BAD_COPIES = new Set(['event QUORUM_REPORT_BAD', 'event QUORUM_FAILURE'])
const PLACE_OF_BAD_COPY = /^\.sectors?-(?:num|count) = /

export class Luck {
  /** Nodes whose bad copies were told of, and jobs that failed. */
  readonly #toldOf = new Set<string>()
  #severalAtOnce = false
  #isAll = false

  /** A command was played, accepted or not. */
  note(command: string, args: Value | undefined): void {
    this.#isAll ||= command === 'blockdev-reopen' && givesOtherFile(args)
  }

  /**
   * Whether all is luck from now on. Once a qcow2 node is given another file, even where that fails,
   * 7.2 may go on with an edge in memory that it has given back.
   */
  get isAll(): boolean {
    return this.#isAll
  }

  /** A job has several requests under way. */
  severalAtOnce(): void {
    this.#severalAtOnce = true
  }

  /**
   * Whether it is time that decides if this one comes: of bad copies one a second does, of each node,
   * of votes without a winner one a second in all, and of requests that fail those that are under way when the first one does.
   */
  isLimited({ name, data }: QmpEvent): boolean {
    if (name === 'QUORUM_REPORT_BAD') return this.#isFurther(`node ${nameIn(data, 'node-name')}`)
    if (name === 'QUORUM_FAILURE') return this.#isFurther('votes')
    const job = `job ${nameIn(data, 'device')}`
    if (name === 'BLOCK_JOB_COMPLETED') this.#toldOf.delete(job)
    const endsIt = name === 'BLOCK_JOB_ERROR' && nameIn(data, 'action') === 'report'
    return endsIt && this.#severalAtOnce && this.#isFurther(job)
  }

  #isFurther(what: string): boolean {
    if (this.#toldOf.has(what)) return true
    this.#toldOf.add(what)
    return false
  }

  /** @param of - What the lines show: the name of a query, or `event` and its name. */
  withoutLuck(lines: readonly string[], of: string): readonly string[] {
    if (!this.#severalAtOnce) return lines
    if (OF_BAD_COPIES.has(of)) {
      return lines.filter((line) => !PLACE_OF_BAD_COPY.test(line))
    }
    return of === 'jobs' || of === 'event BLOCK_JOB_COMPLETED'
      ? withoutProgressOfFailed(lines)
      : lines
  }
}

/** How far a job had come that failed depends on what was under way beside the request that did. */
function withoutProgressOfFailed(lines: readonly string[]): readonly string[] {
  // The older query of jobs does not say which of them failed.
  const failed = lines.some((line) => OLDER.test(line)) ? ENDED : FAILED
  const ended = lines.flatMap((line) => failed.exec(line)?.[1] ?? [])
  return lines.filter((line) => {
    const [, job] = PROGRESS.exec(line) ?? []
    return job === undefined || !ended.includes(job)
  })
}

const OLDER = /^\[\d+\]\.len = /
const ENDED = /^(\[\d+\])\.status = concluded$/
const FAILED = /^((?:\[\d+\])?)\.error = /
const PROGRESS = /^((?:\[\d+\])?)\.(?:current-progress|total-progress|len|offset) = /

function nameIn(data: Value, name: string): string {
  return text(member(data, name)) ?? ''
}

/** Whether a qcow2 node gets another node as its file. */
function givesOtherFile(args: Value | undefined): boolean {
  const nodes = member(args, 'options')
  return (isList(nodes) ? nodes : []).some(
    (node) => member(node, 'driver') === 'qcow2' && text(member(node, 'file')) !== undefined,
  )
}
