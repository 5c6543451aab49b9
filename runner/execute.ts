/**
 * Plays one case from its sandbox to its end: setup, steps, hygiene, checks of images at rest,
 * `finally`. Whatever happens on the way, the target is ended and the sandbox removed.
 */
import { AssertionError, SimStalled } from '../engine/index.ts'
import type { Step } from '../dsl/plan.ts'
import type { Play } from './play.ts'
import { StepError } from './step-error.ts'
import type { Failure } from './report/event.ts'
import { DeadlineError, GoneError } from './session.ts'
import { playSetup } from './setup.ts'
import { showExit } from './steps/exit.ts'
import { definitionOf } from './steps/index.ts'
import { isPlayed } from './steps/step.ts'
import { type Exit, type Station, TargetError } from './targets/target.ts'
import { tidy } from './tidy.ts'
import { joinPhases, type PhaseText } from './transcript.ts'
import { UnsetVariable } from './variables.ts'
import { walk } from './walk.ts'

/** How playing ended, before any golden is looked at. */
export interface Played {
  readonly end: 'done' | 'failed' | 'timeout' | 'crash' | 'error'
  readonly transcript: string
  readonly phases: readonly PhaseText[]
  readonly failures: readonly Failure[]
  /** Ids of steps whose claims failed. */
  readonly failedSteps: readonly string[]
  readonly normalised: Readonly<Record<string, number>>
  /** `SIGABRT at qmp blockdev-reopen`, when the target died. */
  readonly crash?: string
  /** The scratch folder, where it was left. */
  readonly kept?: string
}

/** How a failure begins that tells how and where the target ended or fell silent. */
export const DEATH = 'the target is lost: '

/** What stopped the steps, in the runner's words. */
interface Stop {
  readonly end: Played['end']
  readonly code: string
  readonly message: string
}

export async function playCase(
  play: Play,
  station: Station,
  budgetMs: number,
  keep: (failed: boolean) => boolean,
): Promise<Played> {
  let end: Played['end'] = 'done'
  let crash: string | undefined
  const budget = { spent: false }
  const timer = setTimeout(() => {
    budget.spent = true
    play.machine?.kill()
  }, budgetMs)
  try {
    await station.play(async () => {
      const stop = await attempt(play, budget, budgetMs, () => playSteps(play))
      if (stop !== undefined) {
        // A target that is not ours to end is left as it was found, as far as it still answers.
        if (play.capabilities.kind === 'qmp' && play.isRunning) {
          await attempt(play, budget, budgetMs, async () => {
            await tidy(play)
          })
        }
        const exit = await play.abandon()
        end = stop.end
        if (stop.end === 'crash') crash = describeCrash(play, exit)
        else if (stop.code === 'deadline') crash = `no answer at ${play.doing}`
        report(play, stop, exit, crash)
      }
      const last = await attempt(play, budget, budgetMs, () => playFinally(play))
      if (last !== undefined) {
        if (end === 'done') end = last.end
        report(play, last, undefined, undefined)
      }
      await play.abandon()
    }, play.selected.case.id)
  } catch (error) {
    const stop = stopFor(error, play, budget, budgetMs)
    if (stop === undefined) throw error
    end = stop.end
    report(play, stop, undefined, undefined)
  } finally {
    clearTimeout(timer)
  }
  const failed = play.claims.failures.length > 0
  const left = await station.close(keep(failed))
  for (const path of left) play.fail('sandbox', `could not be removed: ${path}`, undefined)
  const phases = play.transcript.phases()
  return {
    end: end === 'done' && failed ? 'failed' : end,
    transcript: joinPhases(phases),
    phases,
    failures: play.claims.failures,
    failedSteps: play.claims.failedSteps,
    normalised: play.normaliser.counts,
    ...(crash === undefined ? {} : { crash }),
    ...(keep(failed) && station.host.kind === 'real' ? { kept: station.directory } : {}),
  }
}

async function playSteps(play: Play): Promise<void> {
  const { setup, steps, after } = play.selected.case
  const atRest = setup.filter(isBeforeStart)
  const live = setup.filter((step) => !isBeforeStart(step))
  play.transcript.begin('setup')
  play.atRest = true
  await playSetup(atRest, play)
  play.atRest = false
  await play.start()
  showOptions(play)
  await walk(live, play)
  if (steps[0]?.kind !== 'phase') play.transcript.begin('steps')
  await walk(steps, play)
  const line = await tidy(play)
  play.transcript.begin('after')
  play.atRest = true
  await walk(after, play)
  await play.images.settle()
  play.transcript.add(line)
}

function isBeforeStart(step: Step): boolean {
  return isPlayed(step) && definitionOf(step).beforeStart === true
}

/** Options of the target that change what it does; those of one kind of target stay its own. */
function showOptions(play: Play): void {
  const { compat, drivers } = play.selected.case.target
  const words = [
    ...option('-compat', Object.entries(compat)),
    ...option(
      '--drivers',
      Object.entries(drivers ?? {}).flatMap(([name, names]) =>
        names.length === 0 ? [] : [[name, names.join(':')] as const],
      ),
    ),
  ]
  if (words.length === 0) return
  play.transcript.add({ kind: 'line', label: 'tgt', text: ['start', ...words].join(' ') })
}

function option(name: string, members: readonly (readonly [string, string])[]): readonly string[] {
  return members.length === 0 ? [] : [name, members.map((pair) => pair.join('=')).join(',')]
}

async function playFinally(play: Play): Promise<void> {
  const steps = play.selected.case.finally
  if (steps.length === 0) return
  play.transcript.begin('finally')
  play.atRest = !play.isRunning
  await walk(steps, play)
  await play.images.settle()
}

async function attempt(
  play: Play,
  budget: { readonly spent: boolean },
  budgetMs: number,
  work: () => Promise<void>,
): Promise<Stop | undefined> {
  try {
    await work()
    return undefined
  } catch (error) {
    const stop = stopFor(error, play, budget, budgetMs)
    if (stop === undefined) throw error
    return stop
  }
}

/** What an error means for the case; `undefined` for a bug of the runner's own. */
function stopFor(
  error: unknown,
  play: Play,
  budget: { readonly spent: boolean },
  budgetMs: number,
): Stop | undefined {
  if (budget.spent) {
    return { end: 'timeout', code: 'budget', message: `the case took over ${String(budgetMs)} ms` }
  }
  if (error instanceof DeadlineError)
    return { end: 'timeout', code: 'deadline', message: error.message }
  if (error instanceof SimStalled)
    return { end: 'timeout', code: 'stalled', message: error.message }
  if (error instanceof GoneError) {
    if (error.reason === 'closed')
      return { end: 'crash', code: 'target', message: 'the target died' }
    return { end: 'failed', code: 'target', message: error.message }
  }
  if (error instanceof StepError) {
    play.fail('step', error.message, error.span)
    return { end: 'failed', code: '', message: '' }
  }
  if (error instanceof UnsetVariable) {
    play.fail('variable', error.message, error.variable.span)
    return { end: 'failed', code: '', message: '' }
  }
  if (error instanceof TargetError) return { end: 'error', code: 'target', message: error.message }
  if (error instanceof AssertionError) {
    return {
      end: 'crash',
      code: 'assertion',
      message: `assertion failed: ${error.message}\n${error.stack ?? ''}`,
    }
  }
  if (error instanceof Error) {
    return { end: 'error', code: 'runner', message: `${error.message}\n${error.stack ?? ''}` }
  }
  return undefined
}

function describeCrash(play: Play, exit: Exit | undefined): string {
  const how = exit === undefined ? 'gone' : (exit.signal ?? showExit(exit))
  return `${how} at ${play.doing}`
}

/** Adds the failure with what helps to find its cause: pending commands, last messages, the log. */
function report(play: Play, stop: Stop, exit: Exit | undefined, crash: string | undefined): void {
  if (stop.code === '') return
  const parts = [crash === undefined ? stop.message : `${DEATH}${crash}`]
  if (stop.code === 'deadline') parts.push(stop.message)
  const dump = stop.end === 'timeout' || stop.end === 'crash' ? play.dump() : ''
  if (dump !== '') parts.push(`last messages:\n${dump}`)
  const log = play.log().trim()
  if (log !== '') parts.push(`the target wrote:\n${play.normaliser.prose(log.slice(0, 4000))}`)
  if (exit?.status !== undefined && exit.status !== 0) parts.push(showExit(exit))
  play.fail(stop.code, parts.join('\n'), play.stepSpan)
}
