/** What was being done when a request failed. */
import { BlockError } from '../../util/errors.ts'
import type { Routine } from '../../util/routine.ts'

/** Runs a routine, with `what: ` before the words of its failure. */
export function* told<T>(what: string, routine: Routine<T>): Routine<T> {
  try {
    return yield* routine
  } catch (error) {
    if (error instanceof BlockError) throw BlockError.prepend(what, error)
    throw error
  }
}

/** The same with the system's text for the failure in place of its words. */
export function* toldBySystem<T>(what: string, routine: Routine<T>): Routine<T> {
  try {
    return yield* routine
  } catch (error) {
    if (error instanceof BlockError) throw BlockError.system(what, error.errno)
    throw error
  }
}
