/** Every kind of meta context, in the order of their numbers on the wire. */
import type { ContextAbout, ContextSource, MetaContext } from './meta-context.ts'
import { baseAllocation } from './meta-context.ts'
import { allocationDepth } from './depth-context.ts'
import { dirtyBitmaps } from './bitmap-contexts.ts'

const SOURCES: readonly ContextSource[] = [baseAllocation, allocationDepth, dirtyBitmaps]

/** @throws {BlockError} for what cannot be offered; nothing stays behind. */
export function contextsOf(about: ContextAbout): readonly MetaContext[] {
  const made: MetaContext[] = []
  try {
    for (const source of SOURCES) made.push(...source(about))
  } catch (error) {
    for (const context of made) context.close?.()
    throw error
  }
  return made
}
