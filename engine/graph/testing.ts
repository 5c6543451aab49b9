/** A graph over a simulated host, for tests. They bring drivers and request paths themselves. */
import type { Driver } from '../block/driver.ts'
import { ALL_PERMISSIONS, CONSISTENT_READ, RESIZE, WRITE } from '../block/permission.ts'
import { createSimHost, type SimHost } from '../host/sim/index.ts'
import { PROFILES } from '../profiles/index.ts'
import { parseJsonText } from '../qmp/json/text.ts'
import { assert } from '../util/assert.ts'
import { BlockError } from '../util/errors.ts'
import type { RequestPaths } from './environment.ts'
import { createGraph, type Graph, type User } from './graph.ts'

interface TestWorld {
  readonly host: SimHost
  readonly graph: Graph
  /** Events as they were emitted. */
  readonly events: (readonly [name: string, data: Readonly<Record<string, unknown>>])[]
  readonly log: string[]
  readonly exits: number[]
  /** Adds nodes, given their options in order. */
  readonly add: (...options: Readonly<Record<string, unknown>>[]) => Promise<void>
  /** Attaches a user that reads and writes, as a writable export does. */
  readonly writer: (node: string) => User
  /** All that queries tell: the dump, and every node's information. */
  readonly snapshot: () => unknown
}

export function testWorld(
  drivers: readonly Driver[],
  paths: RequestPaths,
  host: SimHost = createSimHost(),
): TestWorld {
  const events: [string, Readonly<Record<string, unknown>>][] = []
  const log: string[] = []
  const exits: number[] = []
  const graph: Graph = createGraph({
    drivers,
    paths,
    parseJson: parseJsonText,
    profile: PROFILES.qemu,
    random: host.random,
    services: {
      clock: host.clock,
      files: host.files,
      sockets: host.sockets,
      emit: (name, data) => events.push([name, data]),
      object: () => undefined,
      log: (line) => log.push(line),
      exit: (status) => exits.push(status),
      listBitmap: () => () => undefined,
      node(name) {
        const node = graph.findOrUndefined(name)
        return node && { isFilter: node.driver.kind === 'filter' }
      },
      dirtyBitmap(node, name) {
        throw new BlockError(`Bitmap '${name}' of '${node}' could not be found`)
      },
    },
  })
  return {
    host,
    graph,
    events,
    log,
    exits,
    async add(...options) {
      for (const option of options) await graph.add(option)
    },
    writer: (node) =>
      graph.attach(graph.find(node), {
        uses: CONSISTENT_READ | WRITE,
        shares: ALL_PERMISSIONS & ~RESIZE,
      }),
    snapshot: () => ({
      dump: graph.dump(),
      nodes: graph.nodes().map((node) => graph.info(node)),
    }),
  }
}

/** The description with which a command is refused. */
export async function refusal(command: () => unknown): Promise<string> {
  try {
    await command()
  } catch (error) {
    assert(error instanceof BlockError, `not a refusal: ${String(error)}`)
    return error.message
  }
  throw new Error('the command was not refused')
}
