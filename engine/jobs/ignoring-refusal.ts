/** What a job tries at its end, and does without where it is refused. */
import { BlockError } from '../util/errors.ts'

export async function ignoringRefusal(change: () => Promise<void>): Promise<void> {
  try {
    await change()
  } catch (error) {
    // Nobody can be told any more; the node stays writable.
    if (!(error instanceof BlockError)) throw error
  }
}
