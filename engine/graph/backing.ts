/** Which backing image an overlay wants: what its options say, completed by its header. */
import { BlockError } from '../util/errors.ts'
import { plainName } from './describe.ts'
import { directoryOf, hasProtocol, isAbsolute } from './filename.ts'
import { stringOption, takeNested, type FlatOptions } from './flat.ts'
import type { Node } from './node.ts'

export interface BackingQuery {
  readonly filename: string | undefined
  readonly reference: string | undefined
  readonly options: FlatOptions
  /** Only the header says so. */
  readonly implicit: boolean
}

/** Takes the option `backing` out; nothing where there is to be no backing image. */
export function backingQuery(node: Node, rest: FlatOptions): BackingQuery | undefined {
  const options = takeNested(rest, 'backing')
  const reference = stringOption(rest, 'backing')
  if (reference !== undefined) rest.delete('backing')
  const hint = node.instance.backing?.()
  const asksHeader = reference === undefined && !options.has('file.filename')
  if (asksHeader && hint === undefined && options.size === 0) return undefined
  const implicit = asksHeader && options.size === 0
  const filename =
    asksHeader && hint !== undefined ? fullBackingName(node, hint.filename) : undefined
  if (reference === undefined && hint?.format !== undefined && !options.has('driver')) {
    options.set('driver', hint.format)
  }
  return { filename, reference, options, implicit }
}

/** A name in an image's header, as seen from where the engine runs. */
export function fullBackingName(node: Node, filename: string): string {
  if (hasProtocol(filename) || isAbsolute(filename)) return filename
  return directoryOfNode(node) + filename
}

/** The same, or nothing where it cannot be told. */
export function fullBackingNameOrUndefined(node: Node, filename: string): string | undefined {
  try {
    return fullBackingName(node, filename)
  } catch (error) {
    if (error instanceof BlockError) return undefined
    throw error
  }
}

/** Where relative names in an image start from: the directory of its file. */
function directoryOfNode(node: Node): string {
  const { primaryChild } = node
  if (primaryChild !== undefined) return directoryOfNode(primaryChild)
  const name = plainName(node)
  if (name !== undefined) return directoryOf(name)
  throw new BlockError(`Cannot generate a base directory for ${node.driver.name} nodes`, {
    errno: 'ENOTSUP',
  })
}
