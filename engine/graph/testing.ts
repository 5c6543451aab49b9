/** A graph over a simulated host, for tests. They bring drivers and request paths themselves. */
import {
  defineDriver,
  type CheckReport,
  type Child,
  type Driver,
  type Services,
} from '../block/driver.ts'
import { FileQueue } from '../block/file-queue.ts'
import { opt } from '../block/option.ts'
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
  services: Partial<Services> = {},
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
      profile: PROFILES.qemu,
      clock: host.clock,
      files: host.files,
      fileQueue: new FileQueue(host.clock),
      sockets: host.sockets,
      compression: host.compression,
      account: host.account,
      emit: (name, data) => events.push([name, data]),
      object: () => undefined,
      log: (line) => log.push(line),
      exit: (status) => exits.push(status),
      bitmaps: () => undefined,
      listBitmap: () => () => undefined,
      node(name) {
        const node = graph.findOrUndefined(name)
        return node && { isFilter: node.driver.kind === 'filter', outOfUse: node.outOfUse }
      },
      dirtyBitmap(node, name) {
        throw new BlockError(`Bitmap '${name}' of '${node}' could not be found`)
      },
      ...services,
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

const HEADER_BYTES = 512
const OVERLAY_BYTES = 65536
/** What an overlay of the model format takes for damage when it is written at its start. */
export const POISON = 0xcc

/** A file with an image of the model format, which names a backing image. */
export function overlayImage(backing = '', format = ''): Uint8Array {
  const image = new Uint8Array(HEADER_BYTES + OVERLAY_BYTES)
  image.set(new TextEncoder().encode(['OVERLAY', backing, format, ''].join('\n')))
  return image
}

/** A model of an image format: a header of one sector that names a backing image, then the data. */
export const overlay = defineDriver({
  name: 'overlay',
  kind: 'format',
  doc: 'A model.',
  options: {
    shade: opt.str({ optional: true, doc: 'Stays as it is.' }),
    tint: opt.size({ optional: true, doc: 'May change.' }),
  },
  children: {
    file: { doc: '', role: { data: true, metadata: true, primary: true } },
    backing: { doc: '', role: { cow: true }, optional: true, nullable: true },
  },
  reopenable: ['tint'],
  claims: ({ above, role, readOnly }) =>
    role.cow === true
      ? { uses: above.uses & CONSISTENT_READ, shares: ALL_PERMISSIONS }
      : {
          uses: above.uses | CONSISTENT_READ | (readOnly ? 0 : WRITE),
          shares: ALL_PERMISSIONS & ~WRITE & ~RESIZE,
        },
  probe: (head) => (new TextDecoder().decode(head.subarray(0, 8)) === 'OVERLAY\n' ? 100 : 0),
  async open({ children, node }) {
    const file = (): Child => {
      const child = children.get('file')
      assert(child !== undefined, 'an overlay has a file')
      return child
    }
    const header = new Uint8Array(HEADER_BYTES)
    await file().read(0, header)
    const [magic, ...names] = new TextDecoder().decode(header).split('\n')
    if (magic !== 'OVERLAY') throw new BlockError('Image is not in overlay format')
    let [backing = '', format = ''] = names
    return {
      length: () => OVERLAY_BYTES,
      read: (offset, into) => file().read(HEADER_BYTES + offset, into),
      write(offset, data) {
        if (data[0] !== POISON) return file().write(HEADER_BYTES + offset, data)
        node.corrupted({ message: 'poison', offset, bytes: data.length, fatal: true })
        throw new BlockError('poison', { errno: 'EIO' })
      },
      backing: () =>
        backing === '' ? undefined : { filename: backing, ...(format === '' ? {} : { format }) },
      changeBacking(hint) {
        backing = hint?.filename ?? ''
        format = hint?.format ?? ''
        return file().write(0, overlayImage(backing, format).subarray(0, HEADER_BYTES))
      },
      reopen: () => ({}),
    }
  },
})

/** What a check of the node's image finds, with the lines that it tells. */
export async function checked(
  graph: Graph,
  name: string,
): Promise<CheckReport & { readonly lines: readonly string[] }> {
  const lines: string[] = []
  const report = await graph.check(graph.find(name), { tell: (line) => lines.push(line) })
  assert(report !== undefined, 'images of this format can be checked')
  return { ...report, lines }
}
