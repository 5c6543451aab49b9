/** Every kind of meta context, in the order of their numbers on the wire. */
import type { ContextAbout, ContextSource, MetaContext } from './meta-context.ts'
import { baseAllocation } from './meta-context.ts'
import { BlockError } from '../util/errors.ts'

/** Contexts that are numbered 1 and 2 onwards. */
const notBuilt: ContextSource = ({ options, graph }) => {
  for (const bitmap of options.bitmaps ?? []) {
    if (typeof bitmap === 'string') throw new BlockError(`Bitmap '${bitmap}' is not found`)
    if (graph.findOrUndefined(bitmap.node) === undefined) {
      throw new BlockError(`Node '${bitmap.node}' not found`)
    }
    throw new BlockError(`Dirty bitmap '${bitmap.name}' not found`)
  }
  if (options['allocation-depth'] === true) {
    throw new BlockError('allocation-depth of an export: not built yet')
  }
  return []
}

const SOURCES: readonly ContextSource[] = [baseAllocation, notBuilt]

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
