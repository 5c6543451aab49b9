/**
 * The file name that is told of a node opens it again: the same drivers below each other, with the same
 * strong options, names and bytes, for random graphs of all drivers in every profile.
 */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { filenameOf } from '../../graph/describe.ts'
import type { GraphNode, NodeOptions } from '../../graph/graph.ts'
import type { Node } from '../../graph/node.ts'
import { innerNode } from '../../graph/public-node.ts'
import { PROFILES, type ProfileName } from '../../profiles/index.ts'
import { BlockError } from '../../util/errors.ts'
import {
  bytesAt,
  driversDrawn,
  end,
  graphs,
  hostWithImages,
  world,
  worldWith,
  type World,
} from './testing.ts'

interface TellsNames {
  readonly return: readonly { readonly 'node-name': string; readonly file: string }[]
}

/** What a name is about: nothing of it depends on how a node is called, cached or used. */
function shapeOf(node: Node): unknown {
  const below = alikeBelow(node)
  if (below !== undefined) return shapeOf(below)
  const { driver, given, children } = node
  return {
    driver: driver.name,
    strong: driver.strongOptions.map((name) => [name, given.checked[name]]),
    length: node.length(),
    children: children.map(({ name, child }) => [name, shapeOf(child)]),
  }
}

/**
 * The child that a node may have the name of without being it: a raw node without a window is the file
 * below, and that file found by looking is a raw node; others of QEMU's just bear such a name.
 */
function alikeBelow(node: Node): Node | undefined {
  const { driver, given } = node
  const isWhole = given.checked['offset'] === undefined && given.checked['size'] === undefined
  return node.edge(driver.name === 'raw' && isWhole ? 'file' : (driver.namedAs ?? ''))?.child
}

/** The node that a name was made for: those above bear it too. */
function namedBy(name: string, node: Node): Node {
  const below = alikeBelow(node)
  return below !== undefined && filenameOf(below) === name ? namedBy(name, below) : node
}

/** Below it stands a node that bears the name of another, which need not show the same. */
function hasBorrowedName(node: Node): boolean {
  return node.children.some(
    ({ child }) => child.driver.namedAs !== undefined || hasBorrowedName(child),
  )
}

/** Members of `json:` names have no order. */
function parsed(name: string): unknown {
  return name.startsWith('json:') ? JSON.parse(name.slice('json:'.length)) : name
}

/** No node is below it in two ways: a name would tell of two nodes. */
function isTree(node: Node, seen = new Set<Node>()): boolean {
  if (seen.has(node)) return false
  seen.add(node)
  return node.children.every(({ child }) => isTree(child, seen))
}

async function namesIn(there: World): Promise<ReadonlyMap<string, string>> {
  const answer = (await there.run('query-named-block-nodes', { flat: true })) as TellsNames
  return new Map(answer.return.map(({ 'node-name': name, file }) => [name, file]))
}

/**
 * Opens a node by its name, or cannot, for one of two reasons. What is part of it twice cannot be written
 * twice, and so is opened read-only. And something may have to write where nobody else does: names do not
 * say who is read-only, as backing images are then.
 */
async function open({ test: { engine, host } }: World, name: string, like: Node) {
  // A plain name and a format stand in headers as well; what follows `json:` says all.
  const about = name.startsWith('json:') ? {} : { format: namedBy(name, like).driver.name }
  const work = (options: NodeOptions): Promise<GraphNode> =>
    host.run(engine.graph.addFilename(name, { ...about, options }))
  const isTwice = namesTwice(name)
  try {
    return innerNode(await work({}))
  } catch (error) {
    if (name.includes('"backing": {') && isRefused(error, READ_ONLY)) return undefined
    if (!isRefused(error, / lock$/u) || !isTwice) throw error
  }
  try {
    return innerNode(await work({ 'read-only': true }))
  } catch (error) {
    if (isRefused(error, READ_ONLY)) return undefined
    throw error
  }
}

const READ_ONLY = /Block node is read-only$/u

function isRefused(error: unknown, text: RegExp): boolean {
  return error instanceof BlockError && text.test(error.message)
}

/** Some file is part of it more than once. */
function namesTwice(name: string): boolean {
  const files = [...name.matchAll(/"filename": "([^"]*)"/gu)].map(([, file]) => file)
  return new Set(files).size < files.length
}

/** Longer names are cut off, as they are in QEMU. */
function isWhole(name: string): boolean {
  return !name.endsWith('...')
}

describe('the file name that is told of a node', () => {
  for (const profile of Object.keys(PROFILES) as ProfileName[]) {
    it(`opens the same again in profile ${profile}`, async () => {
      await fc.assert(
        fc.asyncProperty(graphs(await driversDrawn(profile)), async (nodes) => {
          const first = await worldWith(nodes, profile)
          for (const [node, name] of await namesIn(first)) {
            if (!isWhole(name)) continue
            const like = innerNode(first.test.engine.graph.find(node))
            const second = await world(await hostWithImages(), profile)
            const again = await open(second, name, like)
            if (again === undefined) continue
            const { graph } = second.test.engine
            assert.deepEqual(shapeOf(again), shapeOf(like), name)
            assert.deepEqual(parsed(filenameOf(again)), parsed(name))
            if (isTree(like)) {
              // Some nodes write when they are read, so that nobody has read before.
              const unread = await worldWith(nodes, profile)
              const others = unread.test.engine.graph
              const original = namedBy(name, innerNode(others.find(node)))
              const bytes = await bytesAt(unread, others.find(original.name))
              // What else is in the graph may keep readers out.
              const isReadable = !/ lock$|^Permission conflict/u.test(bytes)
              if (isReadable && !hasBorrowedName(original)) {
                assert.equal(await bytesAt(second, graph.find(again.name)), bytes, name)
              }
              await end(unread)
            }
            await end(second)
          }
          await end(first)
        }),
        { numRuns: 6 },
      )
    })
  }

  for (const profile of ['note', 'note-transition'] as const) {
    it(`is, without its prefix, what a client adds, in profile ${profile}`, async () => {
      await fc.assert(
        fc.asyncProperty(graphs(await driversDrawn(profile)), async (nodes) => {
          const first = await worldWith(nodes, profile)
          for (const [node, name] of await namesIn(first)) {
            if (!name.startsWith('json:') || !isWhole(name)) continue
            const options = JSON.parse(name.slice('json:'.length)) as object
            const second = await world(await hostWithImages(), profile)
            const answer = await second.run('blockdev-add', { ...options, 'node-name': 'again' })
            // The same two reasons as above.
            const { desc = '' } = answer.error ?? {}
            if (
              desc.endsWith('Block node is read-only') ||
              (desc.endsWith(' lock') && namesTwice(name))
            )
              continue
            assert.deepEqual(answer, { return: {} }, name)
            const { graph } = second.test.engine
            const like = innerNode(first.test.engine.graph.find(node))
            assert.deepEqual(shapeOf(innerNode(graph.find('again'))), shapeOf(like), name)
            assert.deepEqual(parsed(filenameOf(innerNode(graph.find('again')))), parsed(name))
            await end(second)
          }
          await end(first)
        }),
        { numRuns: 12 },
      )
    })
  }
})
