/**
 * Jobs of all kinds on one chain, at random, while a guest writes: what every node shows in the end
 * is what a model of plain bytes says, and nothing of the jobs is left in the graph.
 */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { imageWorld } from '../../drivers/qcow2/testing.ts'
import { checked } from '../../graph/testing.ts'
import { jobWorld, type JobWorld } from '../testing.ts'
import { checkView, Model, SECTOR, SIZE, type Start, type Step, type View } from './testing.ts'

const MIB = 2 ** 20

// --- Steps -----------------------------------------------------------------------------------------

const NODES = ['base', 'low', 'mid', 'top', 'raw', 'full', 'over'] as const
const CHAIN = ['base', 'low', 'mid', 'top'] as const
/** Targets of copies, and rarely something else. */
const TARGET = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom('raw', 'full', 'over') },
  { weight: 1, arbitrary: fc.constantFrom(...NODES) },
)
/** Mostly the guest's disk. */
const DEVICE = fc.oneof(
  { weight: 4, arbitrary: fc.constant('active') },
  { weight: 1, arbitrary: fc.constantFrom(...NODES) },
)
const BELOW = fc.constantFrom('base', 'low', 'mid')
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })

const SPEED = fc.constantFrom(0, 0, 512 * 1024, 4 * MIB, 64 * MIB)
const START: fc.Arbitrary<Start> = fc.oneof(
  fc.record({
    command: fc.constant('block-commit' as const),
    device: DEVICE,
    'top-node': optional(fc.constantFrom('low', 'mid', 'top')),
    'base-node': optional(BELOW),
    speed: SPEED,
    'auto-finalize': fc.constantFrom(true, true, false),
  }),
  fc.record({
    command: fc.constant('block-stream' as const),
    device: DEVICE,
    'base-node': optional(BELOW),
    speed: SPEED,
    'auto-finalize': fc.constantFrom(true, true, false),
  }),
  fc.record({
    command: fc.constant('blockdev-mirror' as const),
    device: DEVICE,
    target: TARGET,
    sync: fc.constantFrom('full', 'full', 'top', 'none'),
    'copy-mode': fc.constantFrom('background', 'write-blocking'),
    granularity: optional(fc.constantFrom(4096, 65536)),
    'buf-size': optional(fc.constantFrom(65536, 262_144)),
    speed: SPEED,
  }),
  fc.record({
    command: fc.constant('blockdev-backup' as const),
    device: DEVICE,
    target: TARGET,
    sync: fc.constantFrom('full', 'full', 'top', 'none'),
    speed: SPEED,
    'auto-finalize': fc.constantFrom(true, true, false),
  }),
)

const VERBS = [
  'job-pause',
  'job-pause',
  'job-resume',
  'job-cancel',
  'block-job-cancel',
  'job-complete',
  'job-complete',
  'job-finalize',
  'job-dismiss',
] as const

const STEP: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('guest' as const),
      how: fc.constantFrom('write', 'write', 'write', 'zero', 'unmap', 'discard'),
      sector: fc.nat(SIZE / SECTOR - 1),
      sectors: fc.oneof(
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: SIZE / SECTOR }),
      ),
      fill: fc.integer({ min: 1, max: 255 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('start' as const), about: START }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('verb' as const),
      job: fc.nat(2),
      verb: fc.constantFrom(...VERBS),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('speed' as const), job: fc.nat(2), speed: SPEED }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('pass' as const),
      ns: fc.constantFrom(100_000, 1_000_000, 5_000_000, 50_000_000, 300_000_000),
    }),
  },
)

/** What each image of the chain has itself at first. */
const CONTENT = fc.array(
  fc.record({
    node: fc.constantFrom(...CHAIN),
    sector: fc.nat(SIZE / SECTOR - 1),
    sectors: fc.integer({ min: 1, max: 400 }),
    /** 0 for zeroes that are no data. */
    fill: fc.nat(255),
  }),
  { maxLength: 12 },
)

// --- The world -------------------------------------------------------------------------------------

type Content = readonly {
  readonly node: (typeof CHAIN)[number]
  readonly sector: number
  readonly sectors: number
  readonly fill: number
}[]

/** `base` to `top`, a file, an image without and one with the backing image that `top` has. */
export async function play(about: {
  readonly content: Content
  readonly steps: readonly Step[]
  readonly clusterBytes: number
  readonly seed: number
}): Promise<void> {
  const { content, steps, clusterBytes, seed } = about
  const world = await jobWorld(seed)
  const views = await makeDisks(world, content, clusterBytes)
  const below = new Map([
    ['low', 'base'],
    ['mid', 'low'],
    ['top', 'mid'],
    ['over', 'mid'],
  ])
  const model = new Model(world, views, below)
  world.slow()
  for (const step of steps) await model.play(step)
  await finish(model)
  await check(model)
}

async function makeDisks(
  { host, run }: JobWorld,
  content: Content,
  clusterBytes: number,
): Promise<Map<string, View>> {
  const images = imageWorld()
  const views = new Map<string, View>()
  let bytes = new Uint8Array(SIZE)
  for (const name of ['base', 'low', 'mid', 'top', 'full', 'over']) {
    const isChild = name !== 'base' && name !== 'full'
    const backing = name === 'over' ? 'mid' : (CHAIN[CHAIN.indexOf(name as 'low') - 1] ?? '')
    await images.create(name, {
      size: SIZE,
      'cluster-size': clusterBytes,
      ...(isChild ? { 'backing-file': backing, 'backing-fmt': 'qcow2' } : {}),
    })
    // A view of the chain so far.
    if (name === 'full') bytes = new Uint8Array(SIZE)
    if (name === 'over') bytes = views.get('mid')?.bytes.slice() ?? bytes
    const shown = isChild ? { backing: name === 'over' ? 'mid' : backing } : { backing: null }
    bytes = bytes.slice()
    const user = await images.open(name, shown)
    for (const { node, sector, sectors, fill } of content) {
      if (node !== name) continue
      const offset = sector * SECTOR
      const length = Math.min(sectors * SECTOR, SIZE - offset)
      if (fill === 0) await user.zero(offset, length)
      else await user.write(offset, new Uint8Array(length).fill(fill))
      bytes.fill(fill, offset, offset + length)
    }
    await user.flush()
    await user.close()
    views.set(name, { bytes, known: new Uint8Array(SIZE) })
  }
  for (const name of ['base', 'low', 'mid', 'top', 'full', 'over']) {
    host.files.put(`/${name}`, images.world.host.files.content(name))
    const backing = { low: 'base', mid: 'low', top: 'mid', over: 'mid' }[name] ?? null
    await run('blockdev-add', {
      driver: 'qcow2',
      'node-name': name,
      discard: 'unmap',
      backing,
      file: { driver: 'file', filename: `/${name}`, discard: 'unmap' },
    })
  }
  host.files.put('/raw', new Uint8Array(SIZE).fill(0xee))
  await run('blockdev-add', { driver: 'file', 'node-name': 'raw', filename: '/raw' })
  views.set('raw', { bytes: new Uint8Array(SIZE).fill(0xee), known: new Uint8Array(SIZE) })
  return views
}

/** Lets all jobs come to an end, or ends them. */
async function finish(model: Model): Promise<void> {
  const { world } = model
  await world.until(async () => {
    model.hear()
    model.begin()
    for (const job of [...model.jobs]) {
      const status = await world.status(job.id)
      if (status === 'paused' || status === 'standby') await model.tell(job, 'job-resume')
      await world.tryTo('block-job-set-speed', { device: job.id, speed: 0 })
      if (status === 'pending') await model.tell(job, 'job-finalize')
      const { about } = job
      const isEndless = about.command === 'blockdev-backup' && about.sync === 'none'
      if (isEndless) await model.tell(job, 'job-cancel')
      if (status === 'ready' && !job.completes) await model.tell(job, 'job-complete')
    }
    model.hear()
    return model.jobs.length === 0
  }, 'without jobs')
  await model.settle()
}

async function check(model: Model): Promise<void> {
  const { world, guest, active, views, below } = model
  world.host.files.hook = undefined
  assert.equal(guest.node.name, active)
  assert.deepEqual(await world.run('query-jobs'), [])
  const { nodes, edges } = world.engine.graph.dump()
  const names = new Map(
    nodes.map(({ id, name, type }) => [id, type === 'block-driver' ? name : type]),
  )
  const links = edges
    .filter(({ name }) => name === 'backing')
    .map((edge) => [names.get(edge.parent) ?? '', names.get(edge.child) ?? ''] as const)
  assert.deepEqual(new Map(links.toSorted()), new Map([...below].toSorted()))
  for (const name of names.values()) {
    assert.ok(
      name === 'block-backend' || NODES.includes(name as 'base') || name.startsWith('#'),
      name,
    )
  }
  for (const one of edges) {
    for (const other of edges) {
      if (one === other || one.child !== other.child) continue
      const denied = one.perm.filter((permission) => !other['shared-perm'].includes(permission))
      assert.deepEqual(denied, [], `${one.name} and ${other.name}`)
    }
  }
  for (const [name, view] of views) checkView(await world.read(name), view, name)
  for (const name of NODES) {
    if (name === 'raw') continue
    const found = await checked(world.engine.graph, name)
    assert.deepEqual([found.corruptions, found.checkErrors], [0, 0], found.lines.join('\n'))
  }
  await guest.close()
}

/** A commit that fails takes its filter away, which is the lowest node that a stream would cut off. */
const FAILING_COMMIT_ABOVE_A_BASE: Parameters<typeof play>[0] = {
  content: [{ node: 'low', sector: 2057, sectors: 8, fill: 0 }],
  steps: [
    { kind: 'guest', how: 'write', sector: 0, sectors: 1, fill: 1 },
    {
      kind: 'start',
      about: {
        command: 'block-commit',
        device: 'active',
        'top-node': 'low',
        'base-node': undefined,
        speed: 0,
        'auto-finalize': true,
      },
    },
    {
      kind: 'start',
      about: {
        command: 'block-stream',
        device: 'mid',
        'base-node': 'low',
        speed: 0,
        'auto-finalize': true,
      },
    },
    { kind: 'speed', job: 0, speed: 0 },
    { kind: 'guest', how: 'write', sector: 0, sectors: 1, fill: 1 },
    { kind: 'guest', how: 'write', sector: 0, sectors: 1, fill: 1 },
  ],
  clusterBytes: 4096,
  seed: 0,
}

/** A client finalizes what is being finalized already: commands wait for the end of a job. */
const FINALIZED_BESIDE_ITS_END: Parameters<typeof play>[0] = {
  content: [],
  steps: [
    { kind: 'guest', how: 'write', sector: 107, sectors: 1493, fill: 1 },
    {
      kind: 'start',
      about: {
        command: 'block-commit',
        device: 'active',
        'top-node': 'top',
        'base-node': 'mid',
        speed: 0,
        'auto-finalize': true,
      },
    },
    {
      kind: 'start',
      about: {
        command: 'blockdev-backup',
        device: 'active',
        target: 'over',
        sync: 'top',
        speed: 4 * MIB,
        'auto-finalize': false,
      },
    },
    { kind: 'verb', job: 0, verb: 'block-job-cancel' },
    { kind: 'verb', job: 0, verb: 'job-finalize' },
  ],
  clusterBytes: 4096,
  seed: 330_204_801,
}

describe('jobs of all kinds beside a guest', () => {
  it('leave every disk with what it is to have, and the graph without themselves', () =>
    fc.assert(
      fc.asyncProperty(
        fc.record({
          content: CONTENT,
          steps: fc.array(STEP, { minLength: 3, maxLength: 25 }),
          clusterBytes: fc.constantFrom(4096, 65536),
          seed: fc.nat(),
        }),
        play,
      ),
      { numRuns: 60, examples: [[FAILING_COMMIT_ABOVE_A_BASE], [FINALIZED_BESIDE_ITS_END]] },
    ))
})
