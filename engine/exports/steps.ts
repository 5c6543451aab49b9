/** Requests without data may be longer than the request path takes at once. */
import type { MaybePromise } from '../util/async.ts'

/** The most that one step takes. */
export const MAX_STEP_BYTES = 2 ** 30

/** One step after the other over a length; a length of nothing is one step too. */
export async function inSteps(
  bytes: number,
  step: (at: number, bytes: number) => MaybePromise<void>,
): Promise<void> {
  if (bytes <= MAX_STEP_BYTES) return step(0, bytes)
  for (let at = 0; at < bytes; at += MAX_STEP_BYTES) {
    await step(at, Math.min(MAX_STEP_BYTES, bytes - at))
  }
}
