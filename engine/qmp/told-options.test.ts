/**
 * What `query-block-graph` tells of nodes in profile `note` makes the same nodes again, for random
 * graphs of all drivers.
 */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Driver } from '../block/driver.ts'
import type { Schema } from '../block/option.ts'
import { ALL_PERMISSIONS, CONSISTENT_READ } from '../block/permission.ts'
import { innerNode } from '../graph/public-node.ts'
import { createSimHost, type SimHost } from '../host/sim/index.ts'
import { BlockError } from '../util/errors.ts'
import { testEngine, type TestEngine } from './testing.ts'

type Options = Readonly<Record<string, unknown>>

const KIB = 1024
const SECOND = 1e9

/** Drivers of which no node can be had here. */
const NOT_DRAWN: Readonly<Record<string, string>> = {
  host_device: 'the simulated host has no devices',
  rbd: 'it opens nothing',
  ssh: 'there is no server to log in to',
}

/** Members whose values say where something is, which the graph below them decides. */
const CHOSEN: readonly string[] = ['filename', 'throttle-group', 'server', 'export']

/** What names things that are not there in this test. */
const LEFT_OUT: readonly string[] = ['bitmap', 'encrypt', 'config', 'tls-creds', 'tls-hostname']

/** A node as it is drawn: what its children are is decided by those that are there by then. */
interface Drawn {
  readonly driver: string
  readonly own: Options
  readonly generic: Options
  /** One for each choice among files or nodes. */
  readonly picks: readonly number[]
  readonly inline: boolean
}

interface World {
  readonly test: TestEngine
  readonly run: (command: string, args?: unknown) => Promise<Answer>
}

interface Answer {
  readonly return?: unknown
  readonly error?: { readonly desc: string }
}

interface Told {
  readonly nodes: readonly (Options & { readonly 'node-name': string; readonly options: Options })[]
  readonly edges: readonly Options[]
}

async function world(host: SimHost): Promise<World> {
  const test = testEngine(1, host, 'note')
  const monitor = await test.monitor()
  const run = async (command: string, args?: unknown): Promise<Answer> => {
    const lines = await monitor.run(command, args)
    return JSON.parse(lines.findLast((line) => !line.startsWith('{"timestamp"')) ?? '{}') as Answer
  }
  await run('object-add', { 'qom-type': 'throttle-group', id: 'group' })
  return { test, run }
}

/** Files and images, and a server that shows a disk to whoever connects. */
async function hostWithImages(): Promise<SimHost> {
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
      const values: Record<string, fc.Arbitrary<unknown>> = Object.fromEntries(members)
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

function drawn(driver: Driver): fc.Arbitrary<Drawn> {
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

async function told({ run }: World): Promise<Told> {
  return (await run('query-block-graph')).return as Told
}

/** Generated names by their first appearance. */
function comparable(graph: Told): unknown {
  const names = new Map<string, string>()
  const text = JSON.stringify(graph).replaceAll(/#block\d+/g, (name) => {
    const known = names.get(name) ?? `#${names.size}`
    names.set(name, known)
    return known
  })
  return JSON.parse(text)
}

/** What a client makes of it: a node without a name of its own stands inside its parent's options. */
function addable({ nodes }: Told): readonly Options[] {
  const inner = new Map(nodes.map(({ 'node-name': name, options }) => [name, options]))
  const inlined = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(inlined)
    if (typeof value !== 'string' || !value.startsWith('#')) return value
    const { 'node-name': _name, ...options } = inner.get(value) ?? {}
    return withInlined(options)
  }
  const withInlined = (options: Options): Options =>
    Object.fromEntries(Object.entries(options).map(([name, value]) => [name, inlined(value)]))
  return nodes
    .filter(({ 'node-name': name }) => !name.startsWith('#'))
    .map(({ options }) => withInlined(options))
}

/** The first bytes that each node shows, or how reading them fails. */
async function bytesOf({ test: { engine, host } }: World): Promise<readonly string[]> {
  const seen: string[] = []
  for (const node of engine.graph.nodes()) {
    const into = new Uint8Array(512)
    const read = async (): Promise<string> => {
      const user = engine.graph.attach(node, {
        uses: CONSISTENT_READ,
        shares: ALL_PERMISSIONS,
      })
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
    seen.push(await done)
  }
  return seen
}

async function makeGraph(nodes: readonly Drawn[], there: World): Promise<readonly string[]> {
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

async function end({ test: { engine, host } }: World): Promise<void> {
  const ended = engine.shutdown()
  await host.idle()
  await ended
}

async function driversDrawn(): Promise<readonly Driver[]> {
  const { test } = await world(createSimHost())
  return test.engine.drivers.filter(({ name }) => !Object.hasOwn(NOT_DRAWN, name))
}

describe('the options that are told of a node', () => {
  let drivers: readonly Driver[] = []
  before(async () => {
    drivers = await driversDrawn()
  })

  const graphs = (): fc.Arbitrary<readonly Drawn[]> =>
    fc.array(fc.oneof(...drivers.map((driver) => drawn(driver))), { minLength: 2, maxLength: 12 })

  it('make the same graph again, with the same bytes', async () => {
    await fc.assert(
      fc.asyncProperty(graphs(), async (nodes) => {
        const first = await world(await hostWithImages())
        await makeGraph(nodes, first)
        const before = await told(first)
        const bytes = await bytesOf(first)
        // Elsewhere, as some nodes write when they are read.
        const second = await world(await hostWithImages())
        for (const options of addable(before)) {
          assert.deepEqual(await second.run('blockdev-add', options), { return: {} })
        }
        assert.deepEqual(comparable(await told(second)), comparable(before))
        assert.deepEqual(await bytesOf(second), bytes)
      }),
      { numRuns: 30 },
    )
  })

  it('every option that a driver consumed is part of what it reflects', async () => {
    await fc.assert(
      fc.asyncProperty(graphs(), async (nodes) => {
        const there = await world(await hostWithImages())
        await makeGraph(nodes, there)
        for (const { 'node-name': name, options } of (await told(there)).nodes) {
          const { given, driver } = innerNode(there.test.engine.graph.find(name))
          for (const [option, value] of Object.entries(given.checked)) {
            const isDefault = value === undefined || value === driver.options[option]?.default
            assert.ok(isDefault || option in options, `${name}: ${option}`)
          }
        }
      }),
      { numRuns: 60 },
    )
  })

  it('are tried with every driver that can be had here', async () => {
    const host = await hostWithImages()
    const there = await world(host)
    const lost: string[] = []
    const below = ['file', 'qcow2', 'copy-before-write']
    for (const driver of drivers) {
      const samples = fc.sample(drawn(driver), { seed: 1, numRuns: 20 })
      const names = samples.map((node) => [
        ...below.flatMap((name) => {
          const about = drivers.find((one) => one.name === name)
          return about === undefined ? [] : fc.sample(drawn(about), { seed: 2, numRuns: 8 })
        }),
        node,
      ])
      let taken = false
      for (const nodes of names) {
        const fresh = await world(host)
        taken ||= (await makeGraph(nodes, fresh)).some((name) => name.endsWith(driver.name))
        await end(fresh)
        if (taken) break
      }
      if (!taken) lost.push(driver.name)
    }
    await end(there)
    assert.deepEqual(lost, [])
  })
})
