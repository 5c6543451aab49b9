/** Forgetting tables that were not used for a while. */
import type { Image } from './image.ts'

const NS_PER_SECOND = 1e9

/**
 * Looked at when requests come instead of by a timer: an idle image keeps its few tables, and
 * nothing wakes up for them.
 */
export function trimIfDue(image: Image): void {
  const { cleanIntervalSeconds } = image.options
  if (cleanIntervalSeconds === 0 || image.lock.held) return
  const now = image.around.nowNs()
  if (now - image.trimmedNs < cleanIntervalSeconds * NS_PER_SECOND) return
  image.trimmedNs = now
  image.l2Cache.trim()
  image.refcountCache.trim()
}
