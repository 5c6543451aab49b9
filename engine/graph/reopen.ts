/**
 * `blockdev-reopen`: live nodes get restated options, all of a list or none. Every entry is
 * prepared in turn, links are changed as it goes, permissions are settled on the graph that comes
 * out, and only then anything becomes final.
 */
import type { Reopening } from '../block/driver.ts'
import { BlockError } from '../util/errors.ts'
import { takeOwnOptions } from './coerce.ts'
import { refreshClaims, type PlannedNode } from './claims.ts'
import { beginDrained, childChanged, type Section } from './drain.ts'
import { checkNotBelowItself } from './edge.ts'
import { findNode, type Environment } from './environment.ts'
import { CHANGEABLE, checkDetectZeroes, RESETTABLE } from './flags.ts'
import { copied, flatten, namesInOrder, type FlatOptions } from './flat.ts'
import type { NodeOptions, UndoableChange } from './graph.ts'
import { nodeHandle } from './handle.ts'
import { closeIfUnused } from './lifecycle.ts'
import type { Node } from './node.ts'
import { isChildName, replaceChild, replaceChildren } from './replace-child.ts'
import { enqueue, type Entry, type Queue } from './reopen-queue.ts'
import { Transaction } from './transaction.ts'

/** @throws {BlockError} with all as it was. */
export async function reopenNodes(
  environment: Environment,
  list: readonly NodeOptions[],
): Promise<void> {
  const sections: Section[] = []
  try {
    const queue = await queueOf(environment, list, sections)
    if (queue.size === 0) checkEmptyList(environment)
    else await reopenQueue(environment, queue, sections)
  } finally {
    for (const section of sections.toReversed()) section.end()
  }
}

/**
 * The same, and it can be taken back.
 *
 * @throws {BlockError} with all as it was.
 */
export async function reopenUndoably(
  environment: Environment,
  list: readonly NodeOptions[],
): Promise<UndoableChange> {
  const nodes = list.map((options) => namedNode(environment, options))
  const before = [...subtree(nodes)].filter(({ isOpen }) => isOpen).map(statedOptions)
  // They must be there where the change is taken back.
  for (const { node } of before) node.holds++
  const release = async (): Promise<void> => {
    for (const { node } of before) {
      node.holds--
      await closeIfUnused(environment, node)
    }
  }
  try {
    await reopenNodes(environment, list)
  } catch (error) {
    await release()
    throw error
  }
  return {
    async undo() {
      const queue: Queue = new Map()
      for (const { node, options } of before) {
        if (node.instance.reopen === undefined && !takesAnyChild(environment, node)) continue
        enqueue(queue, { node, options, keep: false })
      }
      await reopenQueue(environment, queue, [])
    },
    release,
  }
}

function subtree(nodes: readonly Node[]): Set<Node> {
  const found = new Set<Node>()
  const visit = (node: Node): void => {
    if (found.has(node)) return
    found.add(node)
    for (const { child } of node.children) visit(child)
  }
  for (const node of nodes) visit(node)
  return found
}

/** What would make the node what it is. */
function statedOptions(node: Node): { readonly node: Node; readonly options: FlatOptions } {
  const options: FlatOptions = new Map(node.explicit)
  for (const [name, { role }] of Object.entries(node.driver.children)) {
    if (role.cow === true) options.set(name, null)
  }
  for (const { name, child } of node.children) options.set(name, child.name)
  return { node, options }
}

/** Changes some options of one node; whatever else was set stays. */
export async function reopenKeeping(
  environment: Environment,
  node: Node,
  options: FlatOptions,
): Promise<void> {
  await using section = await beginDrained(node, { subtree: true })
  const queue: Queue = new Map()
  enqueue(queue, { node, options, keep: true })
  await reopenQueue(environment, queue, [section])
}

/** @param sections - Gets the drained sections that begin. */
async function queueOf(
  environment: Environment,
  list: readonly NodeOptions[],
  sections: Section[],
): Promise<Queue> {
  const queue: Queue = new Map()
  const named: Node[] = []
  for (const options of list) {
    const node = namedNode(environment, options)
    checkListedOnce(environment, named, node)
    named.push(node)
    sections.push(await beginDrained(node, { subtree: true }))
    enqueue(queue, { node, options: flatten(options), keep: false })
  }
  return queue
}

function namedNode(environment: Environment, options: NodeOptions): Node {
  const name = options['node-name']
  if (typeof name !== 'string') throw new BlockError('node-name not specified')
  return findNode(environment, name)
}

function checkListedOnce({ profile }: Environment, named: readonly Node[], node: Node): void {
  if (profile['reopen.duplicates'] === 'refused' && named.includes(node)) {
    throw new BlockError(`Node '${node.name}' is listed twice`)
  }
}

function checkEmptyList({ profile }: Environment): void {
  // The real one dies here, so the words are ours.
  if (profile['reopen.emptyList'] === 'error') throw new BlockError('No node is listed')
}

/** Whatever only has children to be changed needs no code of its own for that. */
function takesAnyChild({ profile }: Environment, { driver }: Node): boolean {
  return profile['reopen.children'] === 'any' && Object.keys(driver.children).length > 0
}

/** What was checked when the node was opened, of a list that may be another one. */
async function checkRestated(
  environment: Environment,
  { node, options, keep, kept }: Entry,
  checked: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { profile, services } = environment
  const { driver } = node
  if (profile['reopen.children'] !== 'any' || keep) return
  const lists = Object.entries(driver.children).filter(([, { list }]) => list === true)
  if (lists.length === 0) return
  const counts = Object.fromEntries(
    lists.map(([name]) => [name, countElements(options, kept, name)]),
  )
  await driver.check?.({
    options: checked,
    counts,
    node: nodeHandle(environment, node),
    services,
  })
}

function countElements(options: FlatOptions, kept: ReadonlySet<string>, list: string): number {
  const names = [...[...options.keys()].filter((name) => options.get(name) !== null), ...kept]
  return names.filter((name) => name.startsWith(`${list}.`)).length
}

/** An entry that was prepared, and how its driver ends. */
interface Prepared {
  readonly entry: Entry
  readonly reopening: Reopening
  readonly own: ReturnType<typeof takeOwnOptions>
}

/** @param sections - Those in which it happens. */
async function reopenQueue(
  environment: Environment,
  queue: Queue,
  sections: readonly Section[],
): Promise<void> {
  for (const { node } of queue.values()) await flush(node)
  const oldChildren: Node[] = []
  const prepared: Prepared[] = []
  const isAny = environment.profile['reopen.children'] === 'any'
  const planned = new Map<Node, PlannedNode>(
    [...queue.values()].map(({ node, flags }) => [node, { flags }]),
  )
  const relinking = new Relinking(sections)
  const prepareAll = async (transaction: Transaction): Promise<void> => {
    const refreshed: Node[] = []
    for (const entry of queue.values()) {
      const { reopening, own, old } = await prepare(environment, entry, relinking, transaction)
      prepared.push({ entry, reopening, own })
      if (isAny) planned.set(entry.node, { flags: entry.flags, options: own.checked })
      transaction.add({ abort: () => reopening.abort?.() })
      refreshed.push(entry.node, ...old)
      oldChildren.push(...old)
    }
    if (environment.profile['reopen.cycleCheck'] === 'final-graph') {
      for (const { node } of queue.values()) checkNotBelowItself(node)
    }
    refreshClaims(refreshed, transaction, planned)
    for (const done of prepared.toReversed()) settle(done)
  }
  try {
    await Transaction.runAsync(prepareAll)
  } catch (error) {
    await relinking.putBack()
    throw error
  }
  // Only now files that were opened anew are in place.
  for (const { entry } of prepared.toReversed()) entry.node.refreshLimits()
  for (const { reopening } of prepared.toReversed()) await reopening.after?.()
  for (const child of oldChildren) await closeIfUnused(environment, child)
}

/** Links that are changed while sections last, which what is below them enters and leaves. */
class Relinking {
  readonly #sections: readonly Section[]
  readonly #changed: { readonly node: Node; readonly name: string }[] = []

  constructor(sections: readonly Section[]) {
    this.#sections = sections
  }

  /** @returns What the changes return. */
  async each(node: Node, names: readonly string[], change: (name: string) => Node[]) {
    const old: Node[] = []
    for (const name of names) old.push(...(await this.run(node, () => change(name))))
    return old
  }

  async run(node: Node, change: () => Node[]): Promise<Node[]> {
    const before = new Map(node.children.map(({ name, child }) => [name, child]))
    const old = change()
    const names = new Set([...before.keys(), ...node.children.map(({ name }) => name)])
    for (const name of names) {
      if (before.get(name) === node.edge(name)?.child) continue
      this.#changed.push({ node, name })
      await childChanged(this.#sections, node, name)
    }
    return old
  }

  /** The links are again what they were. */
  async putBack(): Promise<void> {
    for (const { node, name } of this.#changed.toReversed())
      await childChanged(this.#sections, node, name)
  }
}

async function flush(node: Node): Promise<void> {
  if (node.flags.readOnly || node.corrupted) return
  try {
    await node.io.flush()
  } catch (error) {
    if (error instanceof BlockError) throw BlockError.system('Error flushing drive', error.errno)
    throw error
  }
}

/** Readies one entry in QEMU's order of checks. */
async function prepare(
  environment: Environment,
  entry: Entry,
  relinking: Relinking,
  transaction: Transaction,
): Promise<Omit<Prepared, 'entry'> & { readonly old: readonly Node[] }> {
  const { node, options, flags } = entry
  const { driver, instance } = node
  checkNotCorrupted(node)
  checkDetectZeroes(flags)
  if (instance.reopen === undefined && !takesAnyChild(environment, node)) {
    throw new BlockError(
      `Block format '${driver.name}' used by node '${node.name}' does not support reopening files`,
    )
  }
  checkResets(node, options)
  const own = takeOwnOptions(driver.options, new Map(options))
  await checkRestated(environment, entry, own.checked)
  const reopening = (await instance.reopen?.({ options: own.checked, flags })) ?? {}
  try {
    if (driver.children['backing']?.role.cow === true && entry.backingMissing) {
      const named = node.edge('backing') !== undefined || instance.backing?.() !== undefined
      if (named) throw new BlockError(`backing is missing for '${node.name}'`)
    }
    const isAny = environment.profile['reopen.children'] === 'any'
    const old = isAny
      ? await relinking.run(node, () => replaceChildren(environment, entry, transaction))
      : await relinking.each(node, ['backing', 'file'], (name) =>
          replaceChild(environment, { entry, name }, transaction),
        )
    checkOthersUnchanged(entry, isAny)
    return { reopening, own, old }
  } catch (error) {
    reopening.abort?.()
    throw error
  }
}

function checkNotCorrupted(node: Node): void {
  // The real one dies here, so the words are ours.
  // The words of 11.1: 7.2 dies of it.
  if (node.corrupted) {
    throw new BlockError(`Block node '${node.name}' has no driver left to reopen`, {
      errno: 'ENOMEDIUM',
    })
  }
}

/** What is left out goes back to its default; not every option can. */
function checkResets({ driver, options: before }: Node, options: FlatOptions): void {
  const optional = driver.resettable.filter((name) => driver.options[name]?.optional === true)
  for (const name of namesInOrder(before)) {
    if (RESETTABLE.has(name) || isOneOf(optional, name) || options.has(name)) continue
    throw new BlockError(`Option '${name}' cannot be reset to its default value`)
  }
}

/** Whether it is one of these options, or nested in one. */
function isOneOf(names: readonly string[], option: string): boolean {
  return names.some((name) => option === name || option.startsWith(`${name}.`))
}

/** Whatever neither the node nor its driver can change must be what it is. */
function checkOthersUnchanged({ node, options }: Entry, anyChild: boolean): void {
  for (const name of namesInOrder(options)) {
    if (CHANGEABLE.has(name) || isOneOf(node.driver.reopenable, name)) continue
    if (name === 'backing' || name === 'file') continue
    if (anyChild && isChildName(node.driver, name)) continue
    const value = options.get(name)
    if (typeof value === 'string' && node.edge(name)?.child.name === value) continue
    // 7.2 compares words with booleans or numbers here: no value of these options is what it was.
    const restatable = name !== 'force-share' && !node.driver.unrestatable.includes(name)
    if (!restatable || value !== node.options.get(name))
      throw new BlockError(`Cannot change the option '${name}'`)
  }
}

/** All entries have succeeded. */
function settle({ entry: { node, options, explicit, flags }, reopening, own }: Prepared): void {
  const { forceShare } = node.flags
  reopening.commit?.()
  node.instance.childrenChanged?.({})
  Object.assign(node.flags, flags, { forceShare })
  node.given = own
  node.wasReopened = true
  // One copy more than when the node was opened, which turns names of one bucket around.
  node.options = copied(options)
  node.explicit = explicit
  node.dropChildOptions()
  node.options.delete('backing')
  node.explicit.delete('backing')
}
