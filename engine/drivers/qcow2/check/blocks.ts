/** Counting the refcount blocks themselves. What is wrong with one mostly asks for new ones. */
import { BlockError, errnoText, ioError } from '../../../util/errors.ts'
import { wait, type Routine } from '../../../util/routine.ts'
import { blockOffsetAt } from '../entry.ts'
import { corrupt, fixed, reference, type Checking } from './checking.ts'

const RESERVED = 0x1ff

export function* countBlocks(checking: Checking): Routine<void> {
  const { refcountTable } = checking.image
  for (
    let index = refcountTable.nextSet(0);
    index < refcountTable.length;
    index = refcountTable.nextSet(index + 1)
  ) {
    yield* countBlock(checking, index)
  }
}

function* countBlock(checking: Checking, index: number): Routine<void> {
  const { image, counts } = checking
  const { refcountTable } = image
  const { clusterBytes } = image.geometry
  const offset = blockOffsetAt(refcountTable, index)
  const cluster = offset / clusterBytes
  if ((refcountTable.low(index) & RESERVED) !== 0) {
    corrupt(checking, `ERROR refcount table entry ${String(index)} has reserved bits set`)
    checking.rebuild = true
  } else if (offset % clusterBytes !== 0) {
    corrupt(
      checking,
      `ERROR refcount block ${String(index)} is not cluster aligned; refcount table entry corrupted`,
    )
    checking.rebuild = true
  } else if (cluster >= checking.clusters) {
    yield* countOutside(checking, index, offset)
  } else if (offset !== 0) {
    reference(checking, offset, clusterBytes)
    const found = counts.get(cluster)
    if (found === 1) return
    corrupt(checking, `ERROR refcount block ${String(index)} refcount=${String(found)}`)
    checking.rebuild = true
  }
}

/** The file becomes long enough for the block, which then counts nothing. */
function* countOutside(checking: Checking, index: number, offset: number): Routine<void> {
  const { repair, tell } = checking
  const doing = repair.errors ? 'Repairing' : 'ERROR'
  corrupt(checking, `${doing} refcount block ${String(index)} is outside image`)
  if (!repair.errors) return
  try {
    yield* growFile(checking, offset)
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    checking.rebuild = true
    tell(`ERROR could not resize image: ${errnoText(error.errno)}`)
    return
  }
  fixed(checking)
  reference(checking, offset, checking.image.geometry.clusterBytes)
}

function* growFile(checking: Checking, offset: number): Routine<void> {
  const { image } = checking
  const { clusterBytes } = image.geometry
  const end = offset + clusterBytes
  if (end > 2 ** 63) throw ioError('EINVAL')
  try {
    if (!Number.isSafeInteger(end)) throw BlockError.system('Could not resize file', 'EFBIG')
    yield* wait(image.file.truncate(end))
  } catch (error) {
    if (error instanceof BlockError) image.around.log(error.message)
    throw error
  }
  checking.clusters = Math.max(checking.clusters, Math.ceil(image.file.length() / clusterBytes))
}
