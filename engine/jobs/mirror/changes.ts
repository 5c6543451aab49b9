/** Writing to the target too, before the writer is answered, what others write to the source. */
import { attempt } from '../../copy/transfer.ts'
import type { User } from '../../graph/graph.ts'
import { alignDown, alignUp, isAligned } from '../../util/align.ts'
import type { MaybePromise } from '../../util/async.ts'
import type { JobControl } from '../kind.ts'
import type { Copying } from './copying.ts'
import type { OnChange, SourceChange } from './top.ts'

/** Everything goes to both sides, unless the job is about to fail. */
export function writingBoth(copying: Copying, target: User, job: JobControl): OnChange {
  return async (change, apply) => {
    if (copying.failure !== undefined || job.isCancelled) return apply()
    const { offset, bytes } = change
    const { granularity } = copying.bitmap
    const from = alignDown(offset, granularity)
    const to = alignUp(offset + bytes, granularity)
    // What is being copied there now is older than this.
    const range = await copying.inFlight.claim(from, to - from)
    try {
      await apply()
      await writeTarget(copying, target, job, change)
    } finally {
      copying.inFlight.end(range)
    }
  }
}

async function writeTarget(
  copying: Copying,
  target: User,
  job: JobControl,
  change: SourceChange,
): Promise<void> {
  const { bitmap } = copying
  const part = withoutDirtyEnds(copying, change)
  if (part === undefined) return
  const { offset, bytes } = part
  const inner = alignUp(offset, bitmap.granularity)
  bitmap.unmark(inner, alignDown(offset + bytes, bitmap.granularity) - inner)
  job.addRemaining(bytes)
  copying.activeBytes += bytes
  const failed = await attempt('write', () => apply(target, part))
  copying.activeBytes -= bytes
  if (failed === undefined) {
    job.advance(bytes)
    return
  }
  bitmap.mark(offset, bytes)
  copying.failed('write', failed.error)
}

/** A piece that is dirty anyway will be copied whole: a part of it need not be written now. */
function withoutDirtyEnds({ bitmap }: Copying, change: SourceChange): SourceChange | undefined {
  const isDirty = (at: number): boolean => bitmap.covers(at, 1)
  let from = change.offset
  let to = change.offset + change.bytes
  if (!isAligned(from, bitmap.granularity) && isDirty(from))
    from = alignUp(from, bitmap.granularity)
  if (to > from && !isAligned(to, bitmap.granularity) && isDirty(to - 1)) {
    to = alignDown(to, bitmap.granularity)
  }
  if (to <= from) return undefined
  const data = change.data?.subarray(from - change.offset, to - change.offset)
  return { offset: from, bytes: to - from, as: change.as, ...(data === undefined ? {} : { data }) }
}

function apply(target: User, { offset, bytes, data, as }: SourceChange): MaybePromise<void> {
  if (data !== undefined) return target.write(offset, data)
  return as === 'zero' ? target.zero(offset, bytes) : target.discard(offset, bytes)
}
