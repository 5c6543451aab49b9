/** Finds the image of a chain that a client means by a file name instead of a node's name. */
import { fullBackingNameOrUndefined } from './backing.ts'
import { skipFilters } from './chain.ts'
import { backingOverridden, filenameOf } from './describe.ts'
import type { Environment } from './environment.ts'
import { hasProtocol } from './filename.ts'
import type { Node } from './node.ts'

/** The image below a node whose name this is: as headers store it, or leading to the same file. */
export function findBackingImage(
  { services }: Environment,
  top: Node,
  filename: string,
): Node | undefined {
  const isFile = (path: string | undefined): path is string =>
    path !== undefined && services.files.exists(path)
  for (let overlay = skipFilters(top); ;) {
    const { cowChild } = overlay
    if (cowChild === undefined) return undefined
    const below = skipFilters(cowChild)
    const stored = overlay.instance.backing?.()?.filename ?? ''
    const full = stored === '' ? undefined : fullBackingNameOrUndefined(overlay, stored)
    if (backingOverridden(overlay)) {
      if (filename === filenameOf(below)) return below
    } else if (hasProtocol(filename) || hasProtocol(stored)) {
      if (filename === stored || filename === full) return below
    } else {
      const wanted = fullBackingNameOrUndefined(overlay, filename)
      if (isFile(wanted) && isFile(full) && normal(wanted) === normal(full)) return below
    }
    overlay = below
  }
}

/** A path without `.`, `..` and empty steps. */
function normal(path: string): string {
  const steps: string[] = []
  for (const step of path.split('/')) {
    if (step === '' || step === '.') continue
    if (step === '..' && steps.length > 0 && steps.at(-1) !== '..') steps.pop()
    else steps.push(step)
  }
  return (path.startsWith('/') ? '/' : '') + steps.join('/')
}
