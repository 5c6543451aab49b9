/**
 * What `query-block-graph` tells of nodes in profile `note` makes the same nodes again, for random
 * graphs of all drivers.
 */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Driver } from '../../block/driver.ts'
import { innerNode } from '../../graph/public-node.ts'
import {
  bytesOf,
  drawn,
  driversDrawn,
  end,
  graphs,
  hostWithImages,
  makeGraph,
  world,
  worldWith,
  type Options,
  type World,
} from './testing.ts'

interface Told {
  readonly nodes: readonly (Options & { readonly 'node-name': string; readonly options: Options })[]
  readonly edges: readonly Options[]
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

describe('the options that are told of a node', () => {
  let drivers: readonly Driver[] = []
  before(async () => {
    drivers = await driversDrawn()
  })

  it('make the same graph again, with the same bytes', async () => {
    await fc.assert(
      fc.asyncProperty(graphs(drivers), async (nodes) => {
        const first = await worldWith(nodes)
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
      fc.asyncProperty(graphs(drivers), async (nodes) => {
        const there = await worldWith(nodes)
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
