/** Plays one sequence on the engine and on the real target and compares step by step. */
import type { Selected } from '../selected.ts'
import type { Capabilities, Target } from '../targets/target.ts'
import { type Difference, firstDifference } from './compare.ts'
import type { EnginePlayed, EngineSide } from './engine-side.ts'
import { playSide } from './side.ts'
import type { Template } from './images.ts'
import type { EngineJob } from './messages.ts'
import type { Ending, StepRecord } from './record.ts'
import type { FuzzStep } from './step.ts'

export interface Sides {
  readonly real: Target
  readonly capabilities: Capabilities
  readonly engine: EngineSide
  readonly selected: Selected
  readonly template: Template
  readonly timeoutScale: number
  readonly unreadReplies: ReadonlySet<string>
  readonly isStopped: () => boolean
}

export interface Replayed {
  readonly steps: readonly FuzzStep[]
  readonly ours: EnginePlayed
  readonly real: { readonly records: readonly StepRecord[]; readonly ending: Ending }
  readonly difference: Difference | undefined
}

/** @throws {TargetError} when the real target does not even start. */
export async function replay(sides: Sides, play: EngineJob['play']): Promise<Replayed> {
  const station = await sides.real.open({ profile: 'qemu', time: 'real', seed: 1 })
  let ours: EnginePlayed
  try {
    ours = await sides.engine.play({ directory: station.directory, play })
  } catch (error) {
    await station.close(false)
    throw error
  }
  const records: StepRecord[] = []
  let different = false
  let at = 0
  const ending = await playSide(
    {
      next: () => {
        at += 1
        // What only the engine could not answer is not asked of the real one either.
        return ours.steps[at - 1]
      },
    },
    {
      station,
      selected: sides.selected,
      capabilities: sides.capabilities,
      template: sides.template,
      timeoutScale: sides.timeoutScale,
      unreadReplies: sides.unreadReplies,
      onRecord: (_step, record) => {
        const other = ours.records[records.length]
        records.push(record)
        different ||= other === undefined || !sameParts(record, other)
      },
      isStopped: () => different || sides.isStopped(),
    },
  )
  const real = { records, ending }
  return { steps: ours.steps, ours, real, difference: cut(ours, real) }
}

function sameParts(a: StepRecord, b: StepRecord): boolean {
  const names = new Set([...Object.keys(a.parts), ...Object.keys(b.parts)])
  return [...names].every((name) => partOf(a, name) === partOf(b, name))
}

function partOf(record: StepRecord, name: string): string | undefined {
  return (record.parts as Readonly<Record<string, string | undefined>>)[name]
}

/** The real side stops at the first difference; what the engine showed after it is no difference. */
function cut(ours: EnginePlayed, real: Replayed['real']): Difference | undefined {
  const { ending } = real
  const count = real.records.length
  const reached =
    ending.kind === 'done' && ours.records.length > count
      ? { records: ours.records.slice(0, count), ending: { kind: 'done' as const } }
      : ours
  return firstDifference(ours.steps, real, reached)
}
