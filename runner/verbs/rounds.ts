/**
 * Plays a selection once or several times and presents all of it as one run: one `run-start`, one
 * `run-end`. Rounds of one seed must give one transcript; retries tell flaky from broken.
 */
import { createTwoFilesPatch } from 'diff'
import type { CaseEnd, RunEvent, Verdict } from '../report/event.ts'
import { isBroken } from '../report/reporter.ts'
import type { Selected } from '../selected.ts'
import type { RunOptions, RunSummary } from '../suite.ts'

export interface RoundsOptions {
  /** `runSuite`; tests hand in their own. */
  readonly play: (options: RunOptions) => Promise<Pick<RunSummary, 'interrupted'>>
  readonly run: Omit<RunOptions, 'onEvent'>
  readonly rounds: number
  /** Stop after the first round with a broken case. */
  readonly untilFail: boolean
  /** How often a broken case is played again. */
  readonly retries: number
  readonly emit: (event: RunEvent) => void
  readonly now: () => number
}

export interface RoundsResult {
  /** Finished cases, all rounds together. */
  readonly cases: number
  /** Cases that should have been played. */
  readonly wanted: number
  readonly verdicts: Readonly<Partial<Record<Verdict, number>>>
}

/** @throws whatever `runSuite` throws; the run's end has been reported by then. */
export async function playRounds(options: RoundsOptions): Promise<RoundsResult> {
  const book = new Book(options)
  book.start()
  try {
    for (let round = 1; round <= options.rounds && !book.done; round += 1) {
      await playRound(options, book)
    }
  } finally {
    book.end()
  }
  return book.result()
}

async function playRound(options: RoundsOptions, book: Book): Promise<void> {
  const held = await playOnce(options, options.run.cases, book, options.retries > 0)
  let open = held
  for (let attempt = 2; attempt <= options.retries + 1 && open.length > 0; attempt += 1) {
    if (options.run.signal?.aborted === true) break
    const wanted = new Set(open.map(caseKey))
    const again = options.run.cases.filter((one) => wanted.has(`${one.profile} ${one.case.id}`))
    const first = new Map(open.map((end) => [caseKey(end), end]))
    const seen: CaseEnd[] = []
    await options.play({ ...options.run, cases: again, onEvent: collect(seen) })
    for (const end of seen) {
      const before = first.get(caseKey(end))
      if (before === undefined || isBroken(end)) continue
      book.finish(flaky(before, end, attempt))
      first.delete(caseKey(end))
    }
    open = [...first.values()]
  }
  for (const end of open) book.finish(end)
}

function collect(into: CaseEnd[]): (event: RunEvent) => void {
  return (event) => {
    if (event.event === 'case-end') into.push(event)
  }
}

/** Plays cases once; broken ones are returned instead of reported when they are to be retried. */
async function playOnce(
  options: RoundsOptions,
  cases: readonly Selected[],
  book: Book,
  hold: boolean,
): Promise<readonly CaseEnd[]> {
  const held: CaseEnd[] = []
  await options.play({
    ...options.run,
    cases,
    onEvent(event) {
      if (event.event === 'case-end') {
        if (hold && isBroken(event)) held.push(event)
        else book.finish(event)
      } else if (event.event === 'case-start' || event.event === 'step') options.emit(event)
    },
  })
  return held
}

function caseKey(end: CaseEnd): string {
  return `${end.profile} ${end.id}`
}

function transcriptOf(end: CaseEnd): string {
  return end.phases.map(({ text }) => text).join('\n\n')
}

/** Both attempts in one verdict, with what kind of difference it was. */
function flaky(before: CaseEnd, after: CaseEnd, attempt: number): CaseEnd {
  const one = transcriptOf(before).split('\n')
  const two = transcriptOf(after).split('\n')
  const sorted = (lines: readonly string[]): string => lines.toSorted().join('\n')
  const kind =
    one.join('\n') === two.join('\n')
      ? 'timing'
      : sorted(one) === sorted(two)
        ? 'order of lines'
        : one.length === two.length
          ? 'values in lines'
          : 'lines missing or added'
  return {
    ...after,
    verdict: 'flaky',
    reason: `passed at attempt ${attempt}; the attempts differ in: ${kind}`,
    failures: before.failures,
  }
}

/** Counts what was reported and sees to it that the stream is one run. */
class Book {
  readonly #options: RoundsOptions
  readonly #began: number
  readonly #transcripts = new Map<string, string>()
  readonly #verdicts: Partial<Record<Verdict, number>> = {}
  #cases = 0
  #broken = 0

  constructor(options: RoundsOptions) {
    this.#options = options
    this.#began = options.now()
  }

  get done(): boolean {
    const { run, untilFail } = this.#options
    const most = untilFail ? 1 : (run.maxFailures ?? Number.POSITIVE_INFINITY)
    return run.signal?.aborted === true || this.#broken >= most
  }

  start(): void {
    const { target, seed, jobs, version } = this.#options.run
    this.#options.emit({
      event: 'run-start',
      format: 1,
      blockspec: version ?? '',
      target: target.text,
      cases: this.#wanted(),
      seed,
      jobs,
    })
  }

  finish(event: CaseEnd): void {
    const end = this.#options.rounds > 1 ? this.#steady(event) : event
    this.#cases += 1
    this.#verdicts[end.verdict] = (this.#verdicts[end.verdict] ?? 0) + 1
    if (isBroken(end)) this.#broken += 1
    this.#options.emit(end)
  }

  /** Compares a case with its first round. */
  #steady(end: CaseEnd): CaseEnd {
    const text = transcriptOf(end)
    const before = this.#transcripts.get(caseKey(end))
    if (before === undefined) this.#transcripts.set(caseKey(end), text)
    if (before === undefined || before === text || isBroken(end)) return end
    const diff = createTwoFilesPatch('first round', 'this round', before, text)
    return {
      ...end,
      verdict: 'fail',
      failures: [
        {
          code: 'unsteady',
          message: 'the transcript differs from the first round: a defect of target or normaliser',
          phase: '',
          diff,
        },
      ],
    }
  }

  end(): void {
    const { cases, verdicts } = this.result()
    const seconds = Math.round(this.#options.now() - this.#began) / 1000
    this.#options.emit({ event: 'run-end', cases, verdicts, seconds })
  }

  #wanted(): number {
    const { run, rounds, untilFail } = this.#options
    return untilFail && rounds === Number.POSITIVE_INFINITY
      ? run.cases.length
      : run.cases.length * rounds
  }

  result(): RoundsResult {
    return { cases: this.#cases, wanted: this.#wanted(), verdicts: this.#verdicts }
  }
}
