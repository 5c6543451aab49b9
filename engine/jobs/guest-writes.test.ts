/**
 * Jobs of all kinds on one chain, at random, while a guest writes: what every node shows in the end
 * is what a model of plain bytes says, and nothing of the jobs is left in the graph.
 */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { imageWorld } from '../drivers/qcow2/testing.ts'
import type { User } from '../graph/graph.ts'
import { checked } from '../graph/testing.ts'
import { isPromise } from '../util/async.ts'
import { jobWorld, type JobWorld } from './testing.ts'

const MIB = 2 ** 20
/** Two steps of a commit or stream and a bit, in no whole number of clusters. */
const SIZE = MIB + 20 * 512
const SECTOR = 512

// --- What is known of a disk -----------------------------------------------------------------------

/** How far a byte is known. */
const EXACT = 0
/** What was discarded reads as before or as zero. */
const MAYBE_ZERO = 1
const ANYTHING = 2

interface View {
  readonly bytes: Uint8Array
  readonly known: Uint8Array
}

const copyOf = ({ bytes, known }: View): View => ({ bytes: bytes.slice(), known: known.slice() })

function checkView(seen: Uint8Array, { bytes, known }: View, what: string): void {
  assert.equal(seen.length, bytes.length, what)
  if (Buffer.compare(seen, bytes) === 0) return
  const wrong = seen.findIndex((byte, at) => {
    if (known[at] === ANYTHING || byte === bytes[at]) return false
    return known[at] === EXACT || byte !== 0
  })
  const found = `${String(seen[wrong])}, not ${String(bytes[wrong])}`
  assert.equal(wrong, -1, `${what} at ${(wrong / SECTOR).toFixed(3)} sectors: ${found}`)
}

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
const START = fc.oneof(
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

const STEP = fc.oneof(
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

type Made<A> = A extends fc.Arbitrary<infer T> ? T : never
type Step = Made<typeof STEP>
type Start = Made<typeof START>
type GuestStep = Extract<Step, { readonly kind: 'guest' }>

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

// --- The model -------------------------------------------------------------------------------------

interface RunningJob {
  readonly id: string
  readonly about: Start
  runs: boolean
  source: string
  target: string
  /** What a backup is to have in the end. */
  snapshot: View | undefined
  /** Both show the same but for what the source has itself: only that need be copied. */
  sameBelow: boolean
  /** A client completed it, so that the target takes the source's place. */
  completes: boolean
  /** There was no other one beside it at any time. */
  wasAlone: boolean
}

const NOTHING_YET = {
  source: '',
  target: '',
  snapshot: undefined,
  sameBelow: false,
  completes: false,
  wasAlone: true,
} as const

interface Request {
  readonly offset: number
  readonly bytes: number
  readonly over: Promise<void>
}

class Model {
  readonly world: JobWorld
  readonly guest: User
  /** Name of the node that the guest is at. */
  active = 'top'

  readonly views: Map<string, View>
  /** The node below each in its chain. */
  readonly below: Map<string, string>
  readonly jobs: RunningJob[] = []
  /** Requests of the guest that are not over, or were not when the last step began. */
  #recent: Request[] = []
  readonly #open = new Set<Request>()
  /** Nodes that jobs have written to: they may have anything of their own. */
  readonly #written = new Set<string>()
  #heard = 0
  #made = 0

  constructor(world: JobWorld, views: Map<string, View>, below: Map<string, string>) {
    this.world = world
    this.views = views
    this.below = below
    this.guest = world.guest('top')
  }

  /** Something is about to happen. */
  begin(): void {
    this.#recent = [...this.#open]
  }

  async play(step: Step): Promise<void> {
    this.begin()
    if (step.kind === 'guest') await this.#request(step)
    else if (step.kind === 'start') await this.#start(step.about)
    else if (step.kind === 'pass') await this.world.pass(step.ns)
    else {
      const job = this.jobs[step.job % Math.max(1, this.jobs.length)]
      if (job === undefined) return
      if (step.kind === 'verb') await this.tell(job, step.verb)
      else await this.world.tryTo('block-job-set-speed', { device: job.id, speed: step.speed })
    }
    this.hear()
  }

  async tell(job: RunningJob, verb: (typeof VERBS)[number]): Promise<void> {
    const name = verb.startsWith('block-') ? 'device' : 'id'
    const refused = await this.world.tryTo(verb, { [name]: job.id })
    if (verb === 'job-complete' && refused === undefined) job.completes = true
  }

  /** Waits for the guest's requests. */
  async settle(): Promise<void> {
    await this.world.until(() => this.#open.size === 0, 'answered to the guest')
  }

  // Requests of the guest.

  async #request({ how, sector, sectors, fill }: GuestStep): Promise<void> {
    const offset = sector * SECTOR
    const bytes = Math.min(sectors * SECTOR, SIZE - offset)
    const overlaps = (other: Request): boolean =>
      other.offset < offset + bytes && offset < other.offset + other.bytes
    // Nobody could say which of two came first.
    await this.world.until(() => ![...this.#open].some(overlaps), 'over')
    const { bytes: content, known } = this.#view(this.active)
    if (how === 'discard') {
      const part = known.subarray(offset, offset + bytes)
      part.forEach((value, at) => (part[at] = Math.max(value, MAYBE_ZERO)))
    } else {
      content.fill(how === 'write' ? fill : 0, offset, offset + bytes)
      known.fill(EXACT, offset, offset + bytes)
    }
    const { guest } = this
    const made = {
      write: () => guest.write(offset, new Uint8Array(bytes).fill(fill)),
      zero: () => guest.zero(offset, bytes),
      unmap: () => guest.zero(offset, bytes, { mayUnmap: true }),
      discard: () => guest.discard(offset, bytes),
    }[how]()
    if (!isPromise(made)) return
    const request = { offset, bytes, over: made }
    this.#open.add(request)
    this.#recent.push(request)
    made.then(
      () => this.#open.delete(request),
      () => undefined,
    )
  }

  #view(name: string): View {
    const view = this.views.get(name)
    assert.ok(view !== undefined, `${name} is known`)
    return view
  }

  /** What may have come before or after something that happened in this step is not known. */
  #asOfNow(view: View): View {
    const copy = copyOf(view)
    for (const { offset, bytes } of this.#recent) {
      copy.known.fill(ANYTHING, offset, offset + bytes)
    }
    return copy
  }

  // Jobs.

  async #start({ command, ...given }: Start): Promise<void> {
    if (this.jobs.length >= 3) return
    const device = given.device === 'active' ? this.active : given.device
    const id = `j${String(this.#made++)}`
    const about = { command, ...given, device } as Start
    // What is written while the end of an active commit is pending is lost.
    if (about.command === 'block-commit' && (about['top-node'] ?? device) === this.active) {
      about['auto-finalize'] = true
    }
    this.jobs.push({ id, about, runs: false, ...NOTHING_YET })
    const refused = await this.world.tryTo(command, { ...about, command: undefined, 'job-id': id })
    this.hear()
    const index = this.jobs.findIndex((job) => job.id === id)
    if (refused !== undefined) this.jobs.splice(index, 1)
  }

  /** It began: what it writes to is as good as unknown. */
  #began(job: RunningJob): void {
    job.runs = true
    if (this.jobs.length > 1) for (const other of this.jobs) other.wasAlone = false
    Object.assign(job, this.#ends(job.about))
    const { source, target } = job
    job.snapshot = this.#asOfNow(this.#view(source))
    const below = this.below.get(source)
    job.sameBelow =
      below !== undefined && below === this.below.get(target) && !this.#written.has(target)
    if (job.about.command === 'block-stream') return
    // It is written to, and some users let others write below them, as exports do.
    this.#written.add(target)
    this.#view(target).known.fill(ANYTHING)
    this.#spoil(target, job.about.command === 'block-commit' ? source : undefined)
  }

  #ends(about: Start): { source: string; target: string } {
    const { device } = about
    if (about.command === 'block-commit') {
      const source = about['top-node'] ?? device
      return { source, target: about['base-node'] ?? this.chain(source).at(-1) ?? '' }
    }
    if (about.command === 'block-stream') {
      return { source: device, target: about['base-node'] ?? '' }
    }
    return { source: device, target: about.target }
  }

  /** A node and all that are below it. */
  chain(name: string): string[] {
    const next = this.below.get(name)
    return next === undefined ? [name] : [name, ...this.chain(next)]
  }

  /** Nothing is known any more of those that see a node, itself and all above `source` left out. */
  #spoil(name: string, source?: string): void {
    for (const [node, view] of this.views) {
      const chain = this.chain(node)
      const sees = node !== name && chain.includes(name)
      if (sees && (source === undefined || !chain.includes(source))) view.known.fill(ANYTHING)
    }
  }

  /** Takes in what has happened to jobs. */
  hear(): void {
    const { events } = this.world
    for (; this.#heard < events.length; this.#heard += 1) {
      const { event, data } = events[this.#heard] ?? { event: '', data: {} }
      const index = this.jobs.findIndex(({ id }) => id === data.device || id === data.id)
      const job = this.jobs[index]
      if (job === undefined) continue
      if (event === 'JOB_STATUS_CHANGE' && data.status === 'running' && !job.runs) this.#began(job)
      if (event === 'BLOCK_JOB_COMPLETED' || event === 'BLOCK_JOB_CANCELLED') {
        this.jobs.splice(index, 1)
        if (data.error !== undefined) this.#failed(job, data.error)
        else if (event === 'BLOCK_JOB_COMPLETED') this.#completed(job)
      }
    }
  }

  /** As on 7.2, one job may stand in the way of the end of another one, whose chain then stays. */
  #failed({ about: { command }, wasAlone }: RunningJob, error: string): void {
    assert.ok(!wasAlone, `${command} alone fails: ${error}`)
    assert.ok(command === 'block-stream' || command === 'block-commit', `${command}: ${error}`)
    const refused = command === 'block-stream' ? 'Operation not permitted' : 'Input/output error'
    assert.equal(error, refused)
  }

  #completed(job: RunningJob): void {
    const { about, source, target } = job
    if (about.command === 'block-stream') {
      if (target === '') this.below.delete(source)
      else this.below.set(source, target)
    } else if (about.command === 'blockdev-backup') {
      if (about.sync === 'none' || (about.sync === 'top' && !job.sameBelow)) return
      if (job.snapshot !== undefined) this.views.set(target, job.snapshot)
    } else if (about.command === 'blockdev-mirror' || source === this.active) {
      this.#converged(job)
    } else {
      // Who had the top has the base, which shows the same.
      for (const [node, below] of this.below) if (below === source) this.below.set(node, target)
      this.views.set(target, copyOf(this.#view(source)))
    }
  }

  #converged({ about, source, target, sameBelow, completes }: RunningJob): void {
    const view = this.#view(source)
    const sync = about.command === 'blockdev-mirror' ? about.sync : 'full'
    if (!completes) {
      const same = sync === 'full'
      if (same) this.views.set(target, this.#asOfNow(view))
      return
    }
    this.views.set(target, view)
    this.views.set(source, this.#asOfNow(view))
    this.#spoil(target)
    for (const [node, below] of this.below) {
      if (below === source && node !== target) this.below.set(node, target)
    }
    if (this.active === source) this.active = target
    // Where nothing lies below, all is copied, but the target is not zeroed first.
    const isWhole = sync === 'full' || (sync === 'top' && sameBelow)
    if (!isWhole) view.known.fill(ANYTHING)
  }
}

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
      { numRuns: 60, examples: [[FAILING_COMMIT_ABOVE_A_BASE]] },
    ))
})
