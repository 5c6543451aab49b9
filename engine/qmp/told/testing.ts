/** Random graphs of all drivers on a host of their own, for tests of what is told of nodes. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Driver } from '../../block/driver.ts'
import type { Schema } from '../../block/option.ts'
import { ALL_PERMISSIONS, CONSISTENT_READ } from '../../block/permission.ts'
import type { GraphNode } from '../../graph/graph.ts'
import { createSimHost, type SimHost } from '../../host/sim/index.ts'
import type { ProfileName } from '../../profiles/index.ts'
import { BlockError } from '../../util/errors.ts'
import { testEngine, type TestEngine } from '../testing.ts'

export type Options = Readonly<Record<string, unknown>>

const KIB = 1024
const SECOND = 1e9

/** Drivers of which no node can be had here. */
const NOT_DRAWN: Readonly<Record<string, string>> = {
  host_device: 'the simulated host has no devices',
  bochs: 'nothing here makes images of it',
  rbd: 'it opens nothing',
  ssh: 'there is no server to log in to',
}

/** Members whose values say where something is, which the graph below them decides. */
const CHOSEN: readonly string[] = ['filename', 'throttle-group', 'server', 'export']

/** What names things that are not there in this test. */
const LEFT_OUT: readonly string[] = ['bitmap', 'encrypt', 'config', 'tls-creds', 'tls-hostname']

/** A node as it is drawn: what its children are is decided by those that are there by then. */
export interface Drawn {
  readonly driver: string
  readonly own: Options
  readonly generic: Options
  /** One for each choice among files or nodes. */
  readonly picks: readonly number[]
  readonly inline: boolean
}

export interface World {
  readonly test: TestEngine
  readonly run: (command: string, args?: unknown) => Promise<Answer>
}

export interface Answer {
  readonly return?: unknown
  readonly error?: { readonly desc: string }
}

export async function world(host: SimHost, profile: ProfileName = 'note'): Promise<World> {
  const test = testEngine(1, host, profile)
  const monitor = await test.monitor()
  const run = async (command: string, args?: unknown): Promise<Answer> => {
    const lines = await monitor.run(command, args)
    return JSON.parse(lines.findLast((line) => !line.startsWith('{"timestamp"')) ?? '{}') as Answer
  }
  await run('object-add', { 'qom-type': 'throttle-group', id: 'group' })
  return { test, run }
}

/** Files and images, and a server that shows a disk to whoever connects. */
export async function hostWithImages(): Promise<SimHost> {
  const host = createSimHost({ seed: 1 })
  for (let index = 0; index < 4; index++) {
    host.files.put(`raw${index}`, new Uint8Array(64 * KIB).fill(index + 1))
    host.files.put(`same${index}`, new Uint8Array(64 * KIB).fill(9))
  }
  const { run } = await world(host)
  for (let index = 0; index < 4; index++) {
    const [filename, node] = [`qcow2-${index}`, `f${index}`]
    await run('blockdev-create', { 'job-id': 'f', options: { driver: 'file', filename, size: 0 } })
    await run('job-dismiss', { id: 'f' })
    await run('blockdev-add', { driver: 'file', 'node-name': node, filename })
    const options = { driver: 'qcow2', file: node, size: 64 * KIB, 'cluster-size': 4 * KIB }
    await run('blockdev-create', { 'job-id': 'q', options })
    await run('job-dismiss', { id: 'q' })
    await run('blockdev-del', { 'node-name': node })
  }
  await run('blockdev-add', { driver: 'null-co', 'node-name': 'disk', size: 64 * KIB })
  await run('nbd-server-start', { addr: { type: 'unix', data: { path: 'socket' } } })
  await run('block-export-add', { type: 'nbd', id: 'disk', 'node-name': 'disk', writable: true })
  return host
}

/** Values that a member may be given; nothing for what this test leaves alone. */
function valuesOf(schema: Schema): fc.Arbitrary<unknown> | undefined {
  switch (schema.kind) {
    case 'bool':
      return fc.boolean()
    case 'int':
      return fc.constantFrom(0, 1, 7, 512, 4 * KIB, 16 * KIB, 64 * KIB)
    case 'enum':
      return fc.constantFrom(...schema.values.map(({ name }) => name))
    case 'list': {
      const of = valuesOf(schema.of)
      return of && fc.array(of, { minLength: 1, maxLength: 2 })
    }
    case 'struct': {
      const members = Object.entries(schema.members).flatMap(([name, member]) => {
        const values = valuesOf(member.schema)
        return values === undefined ? [] : ([[name, values, member.optional]] as const)
      })
      const needed = members.filter(([, , optional]) => !optional).map(([name]) => name)
      const entries = members.map(([name, of]) => [name, of] as const)
      const values: Record<string, fc.Arbitrary<unknown>> = Object.fromEntries(entries)
      return fc.record(values, { requiredKeys: needed })
    }
    case 'alternate': {
      const branches = schema.branches.flatMap((branch) => valuesOf(branch) ?? [])
      return branches.length === 0 ? undefined : fc.oneof(...branches)
    }
    default:
      return undefined
  }
}

/** Up to two own members at once: with more of them hardly anything is taken. */
function ownOf(driver: Driver): fc.Arbitrary<Options> {
  const members = Object.entries(driver.options).flatMap(([name, { schema }]) => {
    if (CHOSEN.includes(name) || LEFT_OUT.includes(name)) return []
    // Nobody lets time pass here.
    const values = name === 'latency-ns' ? fc.constant(0) : valuesOf(schema)
    return values === undefined ? [] : [values.map((value) => [name, value] as const)]
  })
  if (members.length === 0) return fc.constant({})
  return fc
    .array(fc.oneof(...members), { maxLength: 2 })
    .map((entries) => Object.fromEntries(entries))
}

const GENERIC = fc.record(
  {
    'read-only': fc.boolean(),
    'auto-read-only': fc.boolean(),
    'force-share': fc.boolean(),
    discard: fc.constantFrom('ignore', 'unmap'),
    'detect-zeroes': fc.constantFrom('off', 'on', 'unmap'),
    cache: fc.record({ direct: fc.boolean(), 'no-flush': fc.boolean() }),
  },
  { requiredKeys: [] },
)

export function drawn(driver: Driver): fc.Arbitrary<Drawn> {
  return fc.record({
    driver: fc.constant(driver.name),
    own: ownOf(driver),
    generic: fc.oneof({ weight: 2, arbitrary: fc.constant({}) }, GENERIC),
    picks: fc.array(fc.nat(), { minLength: 6, maxLength: 6 }),
    inline: fc.boolean(),
  })
}

/** What some drivers need below them. */
const WANTED: Readonly<Record<string, string>> = {
  compress: 'qcow2',
  'snapshot-access': 'copy-before-write',
}

/** The options of a node, of which `names` are there. */
function optionsOf(node: Drawn, driver: Driver, index: number, names: readonly string[]): Options {
  const picks = [...node.picks]
  const pick = (count: number): number => (picks.shift() ?? 0) % count
  const file = (kind: string): Options => ({ driver: 'file', filename: `${kind}${pick(4)}` })
  const child = (): unknown => {
    const fitting = names.filter((name) => name.endsWith(WANTED[node.driver] ?? ''))
    if (node.driver === 'qcow2' && pick(4) > 0) return file('qcow2-')
    // Where they differ the program ends.
    if (node.driver === 'blkverify') return file('same')
    if (fitting.length > 0 && !node.inline) return fitting[pick(fitting.length)]
    return node.driver === 'compress' ? { driver: 'qcow2', file: file('qcow2-') } : file('raw')
  }
  const children = Object.entries(driver.children).flatMap(([name, about]) => {
    if (about.list === true) {
      const list = Array.from({ length: 1 + pick(3) }, () => (pick(5) === 0 ? null : child()))
      return [[name, list] as const]
    }
    if (about.role.cow === true) {
      const ways = [[], [[name, null] as const], [[name, names[pick(names.length || 1)]] as const]]
      return ways[pick(3)] ?? []
    }
    return about.optional === true && pick(2) === 0 ? [] : [[name, child()] as const]
  })
  return {
    driver: node.driver,
    'node-name': `n${index}-${node.driver}`,
    ...node.generic,
    ...('filename' in driver.options ? { filename: `raw${pick(4)}` } : {}),
    ...('throttle-group' in driver.options ? { 'throttle-group': 'group' } : {}),
    ...('server' in driver.options
      ? { server: { type: 'unix', path: 'socket' }, export: 'disk' }
      : {}),
    ...node.own,
    ...Object.fromEntries(children),
    ...('vote-threshold' in driver.options ? { 'vote-threshold': 1 } : {}),
  }
}

/** The first bytes that each node shows, or how reading them fails. */
export async function bytesOf(there: World): Promise<readonly string[]> {
  const seen: string[] = []
  for (const node of there.test.engine.graph.nodes()) seen.push(await bytesAt(there, node))
  return seen
}

/** The first bytes that a node shows, or how reading them fails. */
export async function bytesAt({ test: { engine, host } }: World, node: GraphNode): Promise<string> {
  const into = new Uint8Array(512)
  const read = async (): Promise<string> => {
    const user = engine.graph.attach(node, { uses: CONSISTENT_READ, shares: ALL_PERMISSIONS })
    try {
      await user.read(0, into)
      return Buffer.from(into).toString('hex')
    } finally {
      await user.close()
    }
  }
  const done = read().catch((error: unknown) => {
    // Generated names are others each time.
    if (error instanceof BlockError) return error.message.replaceAll(/#block\d+/g, '#')
    throw error
  })
  await host.advance(SECOND)
  return done
}

/** A world of its own with the graph that is drawn. */
export async function worldWith(
  nodes: readonly Drawn[],
  profile: ProfileName = 'note',
): Promise<World> {
  const there = await world(await hostWithImages(), profile)
  await makeGraph(nodes, there)
  return there
}

/** @returns the names of the nodes that could be made. */
export async function makeGraph(nodes: readonly Drawn[], there: World): Promise<readonly string[]> {
  const names: string[] = []
  for (const [index, node] of nodes.entries()) {
    const driver = there.test.engine.drivers.find(({ name }) => name === node.driver)
    assert.ok(driver !== undefined)
    const options = optionsOf(node, driver, index, names)
    const { error } = await there.run('blockdev-add', options)
    if (error === undefined) names.push(String(options['node-name']))
  }
  return names
}

export async function end({ test: { engine, host } }: World): Promise<void> {
  const ended = engine.shutdown()
  await host.idle()
  await ended
}

export async function driversDrawn(profile: ProfileName = 'note'): Promise<readonly Driver[]> {
  const { test } = await world(createSimHost(), profile)
  return test.engine.drivers.filter(({ name }) => !Object.hasOwn(NOT_DRAWN, name))
}

export function graphs(drivers: readonly Driver[]): fc.Arbitrary<readonly Drawn[]> {
  return fc.array(fc.oneof(...drivers.map((driver) => drawn(driver))), {
    minLength: 2,
    maxLength: 12,
  })
}
