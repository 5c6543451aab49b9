/** Making the disk that a job writes to as long as the one that it reads. */
import type { User } from '../graph/graph.ts'
import { BlockError, ioError } from '../util/errors.ts'
import type { JobControl } from './kind.ts'
import type { JobRoutine } from './strand.ts'

/** @throws {BlockError} without what exactly could not be done, which clients of 7.2 are not told. */
export function* grow(job: JobControl, user: User, bytes: number): JobRoutine<void> {
  try {
    yield* job.request(() => user.truncate(bytes, { exact: false }))
  } catch (error) {
    throw error instanceof BlockError ? ioError(error.errno) : error
  }
}
