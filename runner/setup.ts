/**
 * The steps before a target starts. What they came to may be known from another case that began with
 * the same ones; then files, images and transcript are as those left them, and the rest is played.
 */
import { dirname } from 'node:path'
import type { Step } from '../dsl/plan.ts'
import type { Play } from './play.ts'
import type { SetupRecord } from './targets/target.ts'
import { walk } from './walk.ts'

export async function playSetup(steps: readonly Step[], play: Play): Promise<void> {
  const { setups } = play.station
  if (setups === undefined || steps.some(dependsOnMore)) {
    await walk(steps, play)
    await play.images.settle()
    return
  }
  const keys = keysOf(steps, dirname(play.scenario.file))
  let done = keys.length
  let known: SetupRecord | undefined
  while (done > 0 && known === undefined) {
    known = setups.restore(keys[done - 1] ?? '')
    if (known === undefined) done -= 1
    else recall(known, play)
  }
  for (const [index, step] of steps.entries()) {
    if (index < done) continue
    await walk([step], play)
    // The same from here on, whether what follows finds it done or not.
    await play.images.settle()
    if (play.claims.failures.length === 0) await setups.keep(keys[index] ?? '', recordOf(play))
  }
}

/** Whether more than the steps before it decides what the step does. */
function dependsOnMore(step: Step): boolean {
  return step.when !== undefined || step.save !== undefined
}

/**
 * For each step, what tells it and those before it from others.
 *
 * @param folder - Where files lie whose content a step may write.
 */
function keysOf(steps: readonly Step[], folder: string): readonly string[] {
  let key = folder
  return steps.map((step) => {
    key += `\n${JSON.stringify(step, withoutPlaces)}`
    return key
  })
}

function withoutPlaces(name: string, value: unknown): unknown {
  if (name === 'span') return undefined
  return typeof value === 'bigint' ? `${String(value)}n` : value
}

function recordOf(play: Play): SetupRecord {
  return {
    facts: play.transcript.facts(),
    images: play.images.list(),
    counts: { ...play.normaliser.counts },
  }
}

function recall({ facts, images, counts }: SetupRecord, play: Play): void {
  for (const fact of facts) play.transcript.add(fact)
  for (const { name, format } of images) play.images.note(name, format)
  for (const [name, times] of Object.entries(counts)) play.normaliser.count(name, times)
}
