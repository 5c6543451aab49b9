/** For tests: one node over a byte array, a server that exports it, and clients of that. */
import type { BlockStatus, RequestFlags } from '../block/driver.ts'
import type { Graph, GraphNode, User } from '../graph/graph.ts'
import type { Host } from '../host/host.ts'
import type { NbdConnectOptions } from '../nbd/client.ts'
import { NbdClient } from '../nbd/client.ts'
import type { MaybePromise } from '../util/async.ts'
import { BlockError } from '../util/errors.ts'
import type { ExportServices, Exports, NbdExportOptions } from './exports.ts'
import { createExports } from './exports.ts'

/** The storage of a test's node. `before` runs before each request and may fail or delay it. */
export interface TestDisk {
  readonly bytes: Uint8Array
  before: (kind: 'read' | 'write' | 'flush' | 'status' | 'discard') => MaybePromise<void>
  /** Sees the flags of each write and zeroing. */
  wrote: (flags: RequestFlags) => void
  /** Runs of this length are looked at for the answer to a status request. */
  readonly statusBytes: number
  readonly requestAlignment: number
}

export function testDisk(bytes: number, options: Partial<TestDisk> = {}): TestDisk {
  return {
    bytes: new Uint8Array(bytes),
    before: () => undefined,
    wrote: () => undefined,
    statusBytes: 512,
    requestAlignment: 1,
    ...options,
  }
}

export interface TestServer {
  readonly exports: Exports
  readonly disk: TestDisk
  readonly events: string[]
  readonly log: string[]
  connect(options?: NbdConnectOptions): Promise<NbdClient>
}

export const TEST_ADDRESS = { type: 'unix', path: '/run/test.sock' } as const

/** A server with the node `disk` exported as `e`, writable unless said otherwise. */
export async function startTestServer(
  host: Host,
  disk: TestDisk,
  options: Partial<NbdExportOptions> & { readonly maxConnections?: number } = {},
): Promise<TestServer> {
  const events: string[] = []
  const log: string[] = []
  const services: ExportServices = {
    graph: graphOf(disk),
    sockets: host.sockets,
    emit: (event, data) => events.push(`${event} ${String(data['id'])}`),
    log: (line) => log.push(line),
  }
  const exports = createExports(services)
  const { maxConnections, ...rest } = options
  await exports.startServer({ addr: TEST_ADDRESS, 'max-connections': maxConnections })
  await exports.add({ type: 'nbd', id: 'e', 'node-name': 'disk', writable: true, ...rest })
  const connect = async (about: NbdConnectOptions = {}): Promise<NbdClient> =>
    NbdClient.connect(await host.sockets.connect(TEST_ADDRESS), { export: 'disk', ...about })
  return { exports, disk, events, log, connect }
}

function graphOf(disk: TestDisk): Graph {
  const node = { name: 'disk', flags: { readOnly: false } } as GraphNode
  const graph: Partial<Graph> = {
    find: () => node,
    drainLingers: () => false,
    bitmapNode: (disk) => disk,
    findOrUndefined: (name) => (name === 'disk' ? node : undefined),
    findNamed(name) {
      if (name === 'disk') return node
      throw new BlockError('there is one disk')
    },
    attach: () => userOf(node, disk),
    shownThrough: () => undefined,
    dump: () => ({ nodes: [], edges: [] }),
  }
  // Exports use no more of it than this.
  return graph as Graph
}

function userOf(node: GraphNode, disk: TestDisk): User {
  const { bytes } = disk
  const after = (ready: MaybePromise<void>, work: () => void): MaybePromise<void> => {
    if (ready instanceof Promise) return ready.then(work)
    work()
  }
  const user: Partial<User> = {
    node,
    setClaims: () => undefined,
    length: () => bytes.length,
    limits: () => ({
      requestAlignment: disk.requestAlignment,
      maxTransfer: 0,
      optimalTransfer: 0,
      zeroAlignment: 0,
      maxZero: 0,
      discardAlignment: 0,
      maxDiscard: 0,
    }),
    read: (offset, into) =>
      after(disk.before('read'), () => {
        into.set(bytes.subarray(offset, offset + into.length))
      }),
    write: (offset, data, flags = {}) =>
      after(disk.before('write'), () => {
        disk.wrote(flags)
        bytes.set(data, offset)
      }),
    zero: (offset, count, flags = {}) =>
      after(disk.before('write'), () => {
        disk.wrote(flags)
        bytes.fill(0, offset, offset + count)
      }),
    discard: () => after(disk.before('discard'), () => undefined),
    flush: () => after(disk.before('flush'), () => undefined),
    statusAbove: (offset, count) => {
      const ready = disk.before('status')
      return ready instanceof Promise
        ? ready.then(() => statusOf(disk, offset, count))
        : statusOf(disk, offset, count)
    },
    drained: () =>
      Promise.resolve({
        end: () => undefined,
        childChanged: () => Promise.resolve(),
        [Symbol.asyncDispose]: () => Promise.resolve(),
      }),
    close: () => Promise.resolve(),
  }
  return user as User
}

/** A step that is all zeroes is a hole. */
function statusOf({ bytes, statusBytes }: TestDisk, offset: number, count: number): BlockStatus {
  const step = Math.min(count, statusBytes - (offset % statusBytes))
  const zero = bytes.subarray(offset, offset + step).every((byte) => byte === 0)
  return { bytes: step, allocated: true, data: !zero, zero }
}
