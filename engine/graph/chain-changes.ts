/** What jobs change of a chain when they end: links, and the names in the headers of images. */
import type { BackingHint } from '../block/driver.ts'
import { BlockError, ioError } from '../util/errors.ts'
import { chainContains } from './chain.ts'
import { refreshClaims } from './claims.ts'
import { beginDrained } from './drain.ts'
import type { Environment } from './environment.ts'
import { filenameOf } from './describe.ts'
import type { IntermediateAbout } from './graph.ts'
import { closeIfUnused } from './lifecycle.ts'
import type { Node } from './node.ts'
import { innerNode } from './public-node.ts'
import { reopenKeeping } from './reopen.ts'
import { replaceNode } from './replace-node.ts'
import { setChild } from './replace-child.ts'
import { Transaction } from './transaction.ts'

/** Gives a node another backing image, or none. The header stays as it is. */
export async function setBacking(
  environment: Environment,
  node: Node,
  backing: Node | undefined,
): Promise<void> {
  const old = node.edge('backing')?.child
  {
    await using _drained = await beginDrained(node)
    Transaction.run((transaction) => {
      setChild(node, 'backing', backing, transaction)
      refreshClaims(old === undefined ? [node] : [node, old], transaction)
    })
  }
  if (old !== undefined) await closeIfUnused(environment, old)
}

/** Writes into an image's header which backing image it has. @throws {BlockError} */
export async function writeBacking(image: Node, hint: BackingHint | undefined): Promise<void> {
  if (image.corrupted) throw ioError('ENOMEDIUM')
  if (image.instance.changeBacking === undefined) throw ioError('ENOTSUP')
  await image.instance.changeBacking(hint)
  image.autoBacking = hint?.filename ?? ''
}

/**
 * Takes all nodes from `top` down to above `base` out of the chain: parents of `top` get `base`, and
 * the headers of those that had it as their backing image name `base`, or what `backingFile` says.
 *
 * @throws {BlockError} `EIO`, after the reason went to standard error; headers may be written in part.
 */
export async function dropIntermediate(
  environment: Environment,
  about: IntermediateAbout,
): Promise<void> {
  const top = innerNode(about.top)
  const base = innerNode(about.base)
  await using _drained = await beginDrained(base)
  if (top.corrupted || base.corrupted || !chainContains(top, base)) throw ioError('EIO')
  const backingFile = about.backingFile ?? filenameOf(base)
  const moving = top.parents.toReversed()
  try {
    checkAllMove(top)
    const overlays = moving.flatMap(({ parent, role }) =>
      parent.asNode === undefined || role.cow !== true ? [] : [parent.asNode],
    )
    await using _writable = await makeWritable(environment, overlays)
    replaceNode(top, base)
    const hint = { filename: backingFile, format: base.driver.name }
    for (const overlay of overlays) await writeOverlay(overlay, hint)
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    environment.services.log(error.message)
    throw ioError('EIO')
  }
}

/** Nobody may be left behind above what is taken out. */
function checkAllMove(top: Node): void {
  const stays = top.parents.find(({ parent }) => parent.kind === 'job')
  if (stays === undefined) return
  throw new BlockError(`Should not change '${stays.name}' link to '${top.name}'`)
}

/**
 * Reopens those that are read-only, until disposed. All of them first: where one cannot be written,
 * nothing has changed yet. The real 7.2 finds out later, and dies when it undoes what it did.
 */
async function makeWritable(
  environment: Environment,
  overlays: readonly Node[],
): Promise<AsyncDisposable> {
  const reopened: Node[] = []
  const restore = async (): Promise<void> => {
    for (const overlay of reopened.toReversed()) await setReadOnly(environment, overlay, true)
  }
  try {
    for (const overlay of overlays.filter(({ flags }) => flags.readOnly)) {
      await setReadOnly(environment, overlay, false)
      reopened.push(overlay)
    }
  } catch (error) {
    await restore()
    throw error
  }
  return { [Symbol.asyncDispose]: restore }
}

async function writeOverlay(overlay: Node, hint: BackingHint): Promise<void> {
  try {
    await writeBacking(overlay, hint)
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    throw BlockError.system('Could not update backing file link', error.errno)
  }
}

/** Reopens a node, and below it what was opened for it, read-only or writable. */
export function setReadOnly(
  environment: Environment,
  node: Node,
  readOnly: boolean,
): Promise<void> {
  return reopenKeeping(environment, node, new Map([['read-only', readOnly]]))
}
