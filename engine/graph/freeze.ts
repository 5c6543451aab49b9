/** Frozen chains: links that must stay as they are while somebody relies on them. */
import { BlockError } from '../util/errors.ts'
import { shownThrough } from './info.ts'
import type { Edge, Node } from './node.ts'

/**
 * Freezes the links from a node down to another one; the returned function thaws them. Nothing is
 * returned where the other one is not in the chain.
 *
 * @throws {BlockError} where a link of them is frozen already.
 */
export function freezeChain(top: Node, bottom: string): (() => void) | undefined {
  const links: Edge[] = []
  for (let node = top; node.name !== bottom;) {
    const next = shownThrough(node)
    const link = node.children.find(({ child }) => child === next)
    if (link === undefined) return undefined
    // Even on the way to a node that is not there.
    if (link.frozen) throw refusal('Cannot change', link)
    links.push(link)
    node = link.child
  }
  const passing = links.find(({ child }) => child.neverFreeze)
  if (passing !== undefined) {
    throw new BlockError(`Cannot freeze '${passing.name}' link to '${passing.child.name}'`, {
      errno: 'EPERM',
    })
  }
  for (const link of links) link.frozen = true
  return () => {
    // Once only: somebody else may rely on them afterwards.
    for (const link of links.splice(0)) link.frozen = false
  }
}

/** Called before whoever changes where an edge leads. @throws {BlockError} if it is frozen. */
export function checkThawed(edge: Edge): void {
  if (edge.frozen) throw refusal('Cannot change frozen', edge)
}

function refusal(what: string, { name, parent, child }: Edge): BlockError {
  return new BlockError(`${what} '${name}' link from '${parent.name}' to '${child.name}'`, {
    errno: 'EPERM',
  })
}
