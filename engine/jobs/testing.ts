/** For tests of jobs: disks on storage that takes its time, a guest that writes, and a client. */
import assert from 'node:assert/strict'
import { ALL_PERMISSIONS, CONSISTENT_READ, WRITE } from '../block/permission.ts'
import { imageWorld } from '../drivers/qcow2/testing.ts'
import type { User } from '../graph/graph.ts'
import type { SimHost } from '../host/sim/index.ts'
import type { SimFileOperation } from '../host/sim/files.ts'
import { createPrng } from '../host/sim/prng.ts'
import type { EngineProcess } from '../qmp/engine.ts'
import { testEngine } from '../qmp/testing.ts'
import type { Errno } from '../util/errors.ts'

export interface JobEvent {
  readonly event: string
  readonly data: {
    /** Events of block jobs name it so, those of all jobs as `id`. */
    readonly device?: string
    readonly id?: string
    readonly status?: string
    readonly error?: string
    readonly len?: number
    readonly offset?: number
  }
}

export interface JobWorld {
  readonly host: SimHost
  readonly engine: EngineProcess
  /** A number of the world's own sequence. */
  readonly below: (bound: number) => number
  /** All events so far. */
  readonly events: readonly JobEvent[]
  /** The description of the error if it is refused, undefined if not; as much time as it takes passes. */
  readonly tryTo: (command: string, args?: object) => Promise<string | undefined>
  /** What a command returns, which must not be refused. */
  readonly run: (command: string, args?: object) => Promise<unknown>
  readonly pass: (ns: number) => Promise<void>
  /** Lets time pass until something holds. */
  readonly until: (holds: () => boolean | Promise<boolean>, what: string) => Promise<void>
  /** The status of a job; undefined where there is none. */
  readonly status: (id: string) => Promise<string | undefined>
  /** A user that reads and writes, as a writable export does. */
  readonly guest: (node: string) => User
  /** All that the node shows. */
  readonly read: (node: string) => Promise<Uint8Array>
  /** From now on every request of storage takes some time. */
  readonly slow: () => void
}

interface ImageAbout {
  readonly size: number
  readonly clusterBytes: number
  /** Name of the image below it, which its header names too. */
  readonly backing?: string
  /** Whole clusters that it has itself, each with its byte. */
  readonly clusters?: readonly (readonly [index: number, fill: number])[]
  readonly readOnly?: boolean
}

/** Makes a qcow2 image in a file and opens it as a node, both of that name. */
export async function addImage(
  { host, run }: JobWorld,
  name: string,
  { size, clusterBytes, backing, clusters = [], readOnly = false }: ImageAbout,
): Promise<void> {
  const images = imageWorld()
  const below = backing === undefined ? {} : { 'backing-file': backing, 'backing-fmt': 'qcow2' }
  await images.create(name, { size, 'cluster-size': clusterBytes, ...below })
  const user = await images.open(name)
  for (const [index, fill] of clusters) {
    await user.write(index * clusterBytes, new Uint8Array(clusterBytes).fill(fill))
  }
  await images.close(name, user)
  host.files.put(name, images.world.host.files.content(name))
  await run('blockdev-add', {
    driver: 'qcow2',
    'node-name': name,
    'read-only': readOnly,
    backing: backing ?? null,
    file: { driver: 'file', filename: name },
  })
}

export const CLUSTER = 65536
const CHAIN_CLUSTERS = 20

export interface ChainAbout {
  /** In clusters. */
  readonly baseSize?: number
  /** Nodes that are read-only. */
  readonly readOnly?: readonly string[]
}

export interface ChainWorld extends JobWorld {
  /** Lets time pass until job `j` is no more. */
  readonly over: () => Promise<void>
  /** The first byte of each cluster that a node shows. */
  readonly shown: (node: string) => Promise<readonly number[]>
  /** Edges to backing images, `parent: child`. */
  readonly links: () => readonly string[]
  /** The backing image that a node's header names. */
  readonly headerOf: (node: string) => Promise<string | undefined>
  /** What the job failed with. */
  readonly failure: () => string | undefined
}

/** Images `base` <- `mid` <- `top`, each with clusters of its own, filled with 1, 2 and 3. */
export async function chainWorld(about: ChainAbout = {}): Promise<ChainWorld> {
  const test = await jobWorld(1)
  const { baseSize = CHAIN_CLUSTERS, readOnly = [] } = about
  const add = (name: string, fill: number, indexes: readonly number[], backing?: string) =>
    addImage(test, name, {
      size: (name === 'base' ? baseSize : CHAIN_CLUSTERS) * CLUSTER,
      clusterBytes: CLUSTER,
      clusters: indexes.map((index) => [index, fill]),
      readOnly: readOnly.includes(name),
      ...(backing === undefined ? {} : { backing }),
    })
  await add('base', 1, [0, 1])
  await add('mid', 2, [1, 9, 19], 'base')
  await add('top', 3, [2], 'mid')
  return {
    ...test,
    over: () => test.until(async () => (await test.status('j')) === undefined, 'over'),
    async shown(node) {
      const bytes = await test.read(node)
      return Array.from({ length: bytes.length / CLUSTER }, (_, at) => bytes[at * CLUSTER] ?? -1)
    },
    links() {
      const { nodes, edges } = test.engine.graph.dump()
      const names = new Map(nodes.map(({ id, name }) => [id, name]))
      return edges
        .filter(({ name }) => name === 'backing')
        .map(({ parent, child }) => `${names.get(parent) ?? ''}: ${names.get(child) ?? ''}`)
        .toSorted()
    },
    async headerOf(name) {
      const nodes = (await test.run('query-named-block-nodes', { flat: true })) as readonly {
        readonly 'node-name': string
        readonly image: { readonly 'backing-filename'?: string }
      }[]
      return nodes.find((node) => node['node-name'] === name)?.image['backing-filename']
    },
    failure: () => test.events.find(({ event }) => event === 'BLOCK_JOB_COMPLETED')?.data.error,
  }
}

interface Failing {
  readonly kind: SimFileOperation['kind']
  readonly path: string
  readonly errno: Errno
  readonly times: number
}

/** Behind the header, two clusters of refcounts and two of tables. */
const FIRST_DATA = 5 * CLUSTER

/** Fails requests of a kind for data of a file, so many times. */
export function failing({ host }: JobWorld, { kind, path, errno, times }: Failing): void {
  let left = times
  host.files.hook = (operation) => {
    const isData = operation.offset >= FIRST_DATA && operation.path.endsWith(path)
    if (operation.kind !== kind || !isData) return undefined
    return left-- > 0 ? { errno } : undefined
  }
}

const MAX_TRIES = 5000
const TRY_NS = 10_000_000
const MAX_REQUEST_NS = 2_000_000

type Message = JobEvent & {
  readonly return?: unknown
  readonly error?: { readonly desc: string }
}

export async function jobWorld(seed: number): Promise<JobWorld> {
  const { host, engine, monitor: connect } = testEngine(seed)
  const below = createPrng(seed)
  const events: JobEvent[] = []
  const monitor = await connect()
  let bug: unknown
  engine.finished.catch((error: unknown) => {
    bug = error
  })

  /** @returns The answer, if it was among them. */
  const hear = (lines: readonly string[]): Message | undefined => {
    if (bug !== undefined) throw bug as Error
    let answer: Message | undefined
    for (const line of lines) {
      const message = JSON.parse(line) as Message
      if ('event' in message) events.push(message)
      else answer = message
    }
    return answer
  }
  const pass = async (ns: number): Promise<void> => {
    await host.advance(ns)
    assert.equal(hear(await monitor.send('')), undefined)
  }
  const ask = async (command: string, args?: object): Promise<Message> => {
    let answer = hear(await monitor.run(command, args))
    for (let tries = 0; answer === undefined; tries += 1) {
      assert.ok(tries < MAX_TRIES, `${command} is never answered`)
      await host.advance(TRY_NS / 10)
      answer = hear(await monitor.send(''))
    }
    return answer
  }
  const run = async (command: string, args?: object): Promise<unknown> => {
    const answer = await ask(command, args)
    assert.equal(answer.error?.desc, undefined, `${command} ${JSON.stringify(args)}`)
    return answer.return
  }
  return {
    host,
    engine,
    below,
    events,
    run,
    pass,
    tryTo: async (command, args) => (await ask(command, args)).error?.desc,
    async until(holds, what) {
      for (let tries = 0; !(await holds()); tries += 1) {
        assert.ok(tries < MAX_TRIES, `never ${what}`)
        await pass(TRY_NS)
      }
    },
    async status(id) {
      const jobs = (await run('query-jobs')) as { readonly id: string; readonly status: string }[]
      return jobs.find((job) => job.id === id)?.status
    },
    guest: (node) =>
      engine.graph.attach(engine.graph.find(node), {
        uses: CONSISTENT_READ | WRITE,
        shares: ALL_PERMISSIONS,
      }),
    async read(node) {
      const found = engine.graph.find(node)
      const claims = { uses: CONSISTENT_READ, shares: ALL_PERMISSIONS }
      await using user = engine.graph.attach(found, claims)
      const bytes = new Uint8Array(found.length())
      await host.run(Promise.resolve(user.read(0, bytes)))
      return bytes
    },
    slow() {
      host.files.hook = ({ kind }) =>
        kind === 'read' || kind === 'write' ? { delayNs: below(MAX_REQUEST_NS) } : undefined
    },
  }
}
