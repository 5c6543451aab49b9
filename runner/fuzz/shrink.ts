/**
 * Makes a sequence that shows a finding as small as it gets while it still shows it: first whole
 * steps, then members of arguments and single requests, then numbers. Knows nothing of targets.
 */
import type { Value } from '../../dsl/plan.ts'
import { isList, isMap, isNumber } from '../json.ts'
import type { FuzzStep, IoOp, Members } from './step.ts'

export interface ShrinkOptions {
  /** Whether these steps still show the finding. */
  readonly shows: (steps: readonly FuzzStep[]) => Promise<boolean>
  /** Most calls of `shows`. */
  readonly tries: number
}

export async function shrink(
  steps: readonly FuzzStep[],
  options: ShrinkOptions,
): Promise<readonly FuzzStep[]> {
  const shrinker = new Shrinker(options)
  let best = steps
  for (;;) {
    const before = best
    best = await shrinker.dropSteps(best)
    best = await shrinker.simplify(best)
    if (best === before || shrinker.isSpent) return best
  }
}

class Shrinker {
  readonly #options: ShrinkOptions
  #tries = 0

  constructor(options: ShrinkOptions) {
    this.#options = options
  }

  get isSpent(): boolean {
    return this.#tries >= this.#options.tries
  }

  /** Takes out ever smaller runs of steps, from the end. */
  async dropSteps(steps: readonly FuzzStep[]): Promise<readonly FuzzStep[]> {
    let best = steps
    for (let size = Math.ceil(steps.length / 2); size >= 1; size = Math.floor(size / 2)) {
      for (let end = best.length; end > 0 && !this.isSpent; end -= size) {
        const from = Math.max(0, end - size)
        const fewer = [...best.slice(0, from), ...best.slice(end)]
        if (await this.#shows(fewer)) best = fewer
      }
    }
    return best
  }

  /** Tries simpler forms of each step until none shows the finding any more. */
  async simplify(steps: readonly FuzzStep[]): Promise<readonly FuzzStep[]> {
    let best = steps
    for (let at = best.length - 1; at >= 0; at -= 1) {
      let step = best[at]
      while (step !== undefined && !this.isSpent) {
        const simpler = await this.#firstSimpler(best, at, step)
        if (simpler === undefined) break
        best = best.map((each, index) => (index === at ? simpler : each))
        step = simpler
      }
    }
    return best
  }

  async #firstSimpler(
    steps: readonly FuzzStep[],
    at: number,
    step: FuzzStep,
  ): Promise<FuzzStep | undefined> {
    for (const simpler of simplerSteps(step)) {
      if (this.isSpent) return undefined
      const tried = steps.map((each, index) => (index === at ? simpler : each))
      if (await this.#shows(tried)) return simpler
    }
    return undefined
  }

  #shows(steps: readonly FuzzStep[]): Promise<boolean> {
    this.#tries += 1
    return this.#options.shows(steps)
  }
}

/** Steps a little simpler than this one, the boldest first. */
export function simplerSteps(step: FuzzStep): FuzzStep[] {
  switch (step.kind) {
    case 'qmp': {
      if (step.args === undefined) return []
      return simplerMembers(step.args).map((args) => ({ ...step, args }))
    }
    case 'io':
      return [
        ...withoutEach(step.ops).flatMap((ops) => (ops.length === 0 ? [] : [{ ...step, ops }])),
        ...step.ops.flatMap((op, at) =>
          simplerOps(op).map((simpler) => ({
            ...step,
            ops: step.ops.map((each, index) => (index === at ? simpler : each)),
          })),
        ),
      ]
    case 'raw':
    case 'content':
      return []
  }
}

function simplerMembers(args: Members): Members[] {
  const names = Object.keys(args)
  const fewer = names.map((name) => without(args, name))
  const simpler = names.flatMap((name) =>
    simplerValues(args[name] ?? null).map((value) => ({ ...args, [name]: value })),
  )
  return [...fewer, ...simpler]
}

function without(args: Members, name: string): Members {
  return Object.fromEntries(Object.entries(args).filter(([each]) => each !== name))
}

function simplerValues(value: Value): Value[] {
  if (isMap(value)) return simplerMembers(value)
  if (isList(value)) {
    const inside = value.flatMap((item, at) =>
      simplerValues(item).map((simpler) =>
        value.map((each, index) => (index === at ? simpler : each)),
      ),
    )
    return [...withoutEach(value), ...inside]
  }
  return isNumber(value) ? smaller(Number(value)) : []
}

/** Numbers that people write, smaller than this one. */
function smaller(number: number): number[] {
  return [0, 1, 512, 4096, 65_536, 1 << 20].filter((each) => each < number)
}

function withoutEach<T>(list: readonly T[]): T[][] {
  return list.map((_item, at) => list.filter((_other, index) => index !== at))
}

function simplerOps(op: IoOp): IoOp[] {
  if (op.verb === 'flush') return []
  const moved = smaller(op.offset).map((offset) => ({ ...op, offset }))
  const shorter = smaller(op.bytes)
    .filter((bytes) => bytes > 0)
    .map((bytes) => ({ ...op, bytes }))
  const plain: IoOp[] = []
  if (op.verb === 'write' && op.fua) plain.push({ ...op, fua: false })
  if (op.verb === 'write' && op.byte !== 1) plain.push({ ...op, byte: 1 })
  if (op.verb === 'zero' && op.unmap) plain.push({ ...op, unmap: false })
  return [...plain, ...moved, ...shorter]
}
