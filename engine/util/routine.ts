/**
 * Straight-line code over values that may come at once or later. A routine is a generator that
 * yields only promises; `run` drives it without ever leaving the stack as long as none turns up.
 */
import { isPromise, type MaybePromise } from './async.ts'

export type Routine<T> = Generator<Promise<unknown>, T, unknown>

/** `yield* wait(x)` is the value of `x`, whether it is there or still to come. */
export function* wait<T>(value: MaybePromise<T>): Routine<T> {
  if (!isPromise(value)) return value
  // The driver of the routine hands in what the promise resolved to.
  return (yield value) as T
}

/** Runs a routine to its end: at once if nothing has to be waited for. */
export function run<T>(routine: Routine<T>): MaybePromise<T> {
  const step = routine.next()
  return step.done === true ? step.value : resume(routine, step.value)
}

async function resume<T>(routine: Routine<T>, pending: Promise<unknown>): Promise<T> {
  let waited = pending
  for (;;) {
    const step = await waited.then(
      (value) => routine.next(value),
      (error: unknown) => routine.throw(error),
    )
    if (step.done === true) return step.value
    waited = step.value
  }
}
