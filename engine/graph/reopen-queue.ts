/**
 * What a list of restated options means, node by node: every node that is named, and below it the
 * children whose options are its own business, each with all of its future options.
 */
import type { ChildRole, NodeFlags } from '../block/driver.ts'
import { mustOnlyRead } from '../block/white-lists.ts'
import { flagsOf, inheritOptions } from './flags.ts'
import {
  copied,
  putMissing,
  stringOption,
  takeNested,
  takeRestated,
  type FlatOptions,
} from './flat.ts'
import type { Node } from './node.ts'

/** What one node is to become. */
export interface Entry {
  readonly node: Node
  /** All options, references to children included. */
  options: FlatOptions
  explicit: FlatOptions
  flags: NodeFlags
  /** Nothing was said of a backing image, and nothing is kept. */
  backingMissing: boolean
  /** Whatever is not restated stays as it is. */
  readonly keep: boolean
  /** Children whose own options were restated in their place. */
  readonly kept: Set<string>
}

/** In the order in which entries are carried out. */
export type Queue = Map<Node, Entry>

interface Restated {
  readonly node: Node
  readonly options: FlatOptions
  /** The parent that the options are nested in. */
  readonly parent?: { readonly options: FlatOptions; readonly role: ChildRole } | undefined
  /** What is not restated stays as it is. */
  readonly keep: boolean
}

export function enqueue(queue: Queue, restated: Restated): void {
  const { node, options, parent, keep } = restated
  const known = queue.get(node)
  // A node that is listed twice has what its later entry leaves open from the earlier one.
  if (known !== undefined || keep) putMissing(options, known?.explicit ?? node.explicit)
  const explicit = copied(options)
  if (parent !== undefined) inheritOptions(options, parent.options, parent.role)
  if (keep) putMissing(options, node.options)
  const entry: Entry = known ?? {
    node,
    options,
    explicit,
    flags: node.flags,
    backingMissing: false,
    keep,
    kept: new Set(),
  }
  queue.set(node, entry)
  const flags = flagsOf(options)
  if (mustOnlyRead(node.driver, flags)) flags.readOnly = true
  // 7.2 restates all other flags from scratch, and leaves this one where nothing is said of it.
  if (!options.has('discard')) flags.discard = node.flags.discard
  Object.assign(entry, { options, explicit, flags: { ...flags, forceShare: false } })
  if (!keep) entry.backingMissing = !options.has('backing') && !options.has('backing.driver')
  enqueueChildren(queue, entry, keep)
}

function enqueueChildren(queue: Queue, entry: Entry, keep: boolean): void {
  const { node, options, explicit } = entry
  for (const { name, child, role } of node.children) {
    // Only what was opened for this node follows its options.
    if (child.inheritsFrom !== node) continue
    const parent = { options, role }
    if (options.has(name)) {
      if (stringOption(options, name) !== child.name) continue
      enqueue(queue, { node: child, options: new Map(), parent, keep: true })
      continue
    }
    takeNested(explicit, name)
    const restated = takeRestated(options, name)
    if (restated.size > 0) entry.kept.add(name)
    enqueue(queue, { node: child, options: restated, parent, keep })
  }
}
