/** What jobs change of a chain when they end: links, and the names in the headers of images. */
import type { BackingHint } from '../block/driver.ts'
import { BlockError, ioError } from '../util/errors.ts'
import { chainContains, skipFilters } from './chain.ts'
import { refreshClaims } from './claims.ts'
import { beginDrained } from './drain.ts'
import type { Environment } from './environment.ts'
import { filenameOf } from './describe.ts'
import type { IntermediateAbout } from './graph.ts'
import { closeIfUnused } from './lifecycle.ts'
import { moveEdge } from './edge.ts'
import type { Edge, Node } from './node.ts'
import { innerNode } from './public-node.ts'
import { reopenKeeping } from './reopen.ts'
import { movableParents, moveEdges } from './replace-node.ts'
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
      // What is let go keeps its claims until somebody else looks at it.
      refreshClaims([node], transaction)
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
 * Where a header cannot be written all is as before; the real one is left with half of it, or dies.
 *
 * @throws {BlockError} `EIO`, after the reason went to standard error.
 */
export async function dropIntermediate(
  environment: Environment,
  about: IntermediateAbout,
): Promise<void> {
  const top = innerNode(about.top)
  const base = innerNode(about.base)
  await using _drained = await beginDrained(base)
  if (top.corrupted || base.corrupted || !chainContains(top, base)) throw ioError('EIO')
  try {
    checkAllMove(top)
    await moveUsers(environment, { tops: [top], base, backingFile: about.backingFile })
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    environment.services.log(error.message)
    throw ioError('EIO')
  }
}

/**
 * Parents of `top` get `base`, and the headers of those whose backing image it was name it. So do
 * parents that `beside` has got beside `top`.
 *
 * @throws {BlockError} with all as before.
 */
export async function takePlace(environment: Environment, about: IntermediateAbout): Promise<void> {
  const top = innerNode(about.top)
  const base = innerNode(about.base)
  const tops = about.beside === undefined ? [top] : [top, innerNode(about.beside)]
  await using _drained = await beginDrained(base)
  await moveUsers(environment, { tops, base, backingFile: about.backingFile })
}

interface UsersAbout {
  /** From the highest down, each above the next one. */
  readonly tops: readonly Node[]
  readonly base: Node
  readonly backingFile?: string | undefined
}

async function moveUsers(environment: Environment, about: UsersAbout): Promise<void> {
  const { tops, base } = about
  const named = environment.profile['commit.header'] === 'filename' ? skipFilters(base) : base
  const hint = { filename: about.backingFile ?? filenameOf(named), format: named.driver.name }
  const moving = tops.map((top) => ({ top, edges: usersOf(top, about) }))
  const back = (): void => {
    for (const { top, edges } of moving) moveBack(edges.toReversed(), top)
  }
  Transaction.run((transaction) => {
    for (const { edges } of moving) moveEdges(edges, base, transaction)
    refreshClaims([base, ...tops], transaction)
  })
  await writeOverlays(
    environment,
    moving.flatMap(({ edges }) => edges.toReversed()),
    hint,
    back,
  )
}

/** What holds the nodes together that are left behind stays. */
function usersOf(node: Node, { tops, base }: UsersAbout): readonly Edge[] {
  const isLeft = ({ parent }: Edge) => parent.asNode !== undefined && tops.includes(parent.asNode)
  return movableParents(node, base).filter((edge) => !isLeft(edge))
}

/** @param undo - Called before headers are restored. @throws {BlockError} the first refusal. */
async function writeOverlays(
  environment: Environment,
  edges: readonly Edge[],
  hint: BackingHint,
  undo: () => void,
): Promise<void> {
  const written: (() => Promise<void>)[] = []
  try {
    for (const { parent, role } of edges) {
      const overlay = parent.asNode
      if (overlay === undefined || role.cow !== true) continue
      const before = { hint: overlay.instance.backing?.(), name: overlay.autoBacking }
      await writeOverlay(environment, overlay, hint)
      written.push(async () => {
        await writeOverlay(environment, overlay, before.hint)
        overlay.autoBacking = before.name
      })
    }
  } catch (error) {
    undo()
    for (const restore of written.toReversed()) await restore()
    throw error
  }
}

function moveBack(edges: readonly Edge[], to: Node): void {
  Transaction.run((transaction) => {
    const left = edges.map(({ child }) => child)
    for (const edge of edges) moveEdge(edge, to, transaction)
    refreshClaims([to, ...left], transaction)
  })
}

/** Nobody may be left behind above what is taken out. */
function checkAllMove(top: Node): void {
  const stays = top.parents.find(({ parent }) => parent.kind === 'job')
  if (stays === undefined) return
  throw new BlockError(`Should not change '${stays.name}' link to '${top.name}'`)
}

async function writeOverlay(
  environment: Environment,
  overlay: Node,
  hint: BackingHint | undefined,
) {
  const { readOnly } = overlay.flags
  if (readOnly) await setReadOnly(environment, overlay, false)
  try {
    await writeBacking(overlay, hint)
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    throw BlockError.system('Could not update backing file link', error.errno)
  } finally {
    if (readOnly) await setReadOnly(environment, overlay, true)
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
