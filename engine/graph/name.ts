/** Node names: which ones clients may choose, and the ones that the engine makes up. */
import type { Random } from '../host/host.ts'
import { BlockError } from '../util/errors.ts'
import type { Environment } from './environment.ts'

const WELL_FORMED = /^[A-Za-z][A-Za-z0-9\-._]*$/
const MAX_BYTES = 31

/** The name that a client wants, or one that is made up. @throws {BlockError} */
export function chooseName(
  { nodes, nextName }: Pick<Environment, 'nodes' | 'nextName'>,
  given: string | undefined,
): string {
  if (given === undefined) return nextName()
  checkNodeName(given)
  if (nodes.has(given)) {
    throw new BlockError(`Duplicate nodes with node-name='${given}'`, { errno: 'EEXIST' })
  }
  checkNodeNameLength(given)
  return given
}

/** @throws {BlockError} unless a client may give a node this name. */
export function checkNodeName(name: string): void {
  if (!WELL_FORMED.test(name)) throw new BlockError(`Invalid node-name: '${name}'`)
}

/** @throws {BlockError} if the name is longer than a name can be. */
export function checkNodeNameLength(name: string): void {
  if (name.length > MAX_BYTES) throw new BlockError('Node name too long')
}

/** Makes up names that no client can choose: `#block`, a counter, two random digits. */
export function nameGenerator(random: Random): () => string {
  let counter = 0
  return () => {
    const digits = String(random.below(100)).padStart(2, '0')
    return `#block${String(counter++)}${digits}`
  }
}
