/** A model of jobs beside a guest: what a disk of plain bytes has after each step, as far as that is known. */
import assert from 'node:assert/strict'
import type { User } from '../../graph/graph.ts'
import { isPromise } from '../../util/async.ts'
import type { JobWorld } from '../testing.ts'

const MIB = 2 ** 20
/** Two steps of a commit or stream and a bit, in no whole number of clusters. */
export const SIZE = MIB + 20 * 512
export const SECTOR = 512

// --- What is known of a disk -----------------------------------------------------------------------

/** How far a byte is known. */
const EXACT = 0
/** What was discarded reads as before or as zero. */
const MAYBE_ZERO = 1
const ANYTHING = 2

export interface View {
  readonly bytes: Uint8Array
  readonly known: Uint8Array
}

const copyOf = ({ bytes, known }: View): View => ({ bytes: bytes.slice(), known: known.slice() })

/** The same, but for what was asked for at a time that is not known. */
function unsure(view: View, requests: readonly Request[]): View {
  const copy = copyOf(view)
  for (const { offset, bytes } of requests) copy.known.fill(ANYTHING, offset, offset + bytes)
  return copy
}

export function checkView(seen: Uint8Array, { bytes, known }: View, what: string): void {
  assert.equal(seen.length, bytes.length, what)
  if (Buffer.compare(seen, bytes) === 0) return
  const wrong = seen.findIndex((byte, at) => {
    if (known[at] === ANYTHING || byte === bytes[at]) return false
    return known[at] === EXACT || byte !== 0
  })
  const found = `${String(seen[wrong])}, not ${String(bytes[wrong])}`
  assert.equal(wrong, -1, `${what} at ${(wrong / SECTOR).toFixed(3)} sectors: ${found}`)
}

// --- What happens ----------------------------------------------------------------------------------

/** A job that a client starts. */
export type Start =
  | {
      readonly command: 'block-commit'
      readonly device: string
      readonly 'top-node': string | undefined
      readonly 'base-node': string | undefined
      readonly speed: number
      'auto-finalize': boolean
    }
  | {
      readonly command: 'block-stream'
      readonly device: string
      readonly 'base-node': string | undefined
      readonly speed: number
      readonly 'auto-finalize': boolean
    }
  | {
      readonly command: 'blockdev-mirror'
      readonly device: string
      readonly target: string
      readonly sync: string
      readonly 'copy-mode': string
      readonly granularity: number | undefined
      readonly 'buf-size': number | undefined
      readonly speed: number
    }
  | {
      readonly command: 'blockdev-backup'
      readonly device: string
      readonly target: string
      readonly sync: string
      readonly speed: number
      readonly 'auto-finalize': boolean
    }

interface GuestStep {
  readonly kind: 'guest'
  readonly how: 'write' | 'zero' | 'unmap' | 'discard'
  readonly sector: number
  readonly sectors: number
  readonly fill: number
}

/** Jobs are named by their place among those that are there. */
export type Step =
  | GuestStep
  | { readonly kind: 'start'; readonly about: Start }
  | { readonly kind: 'verb'; readonly job: number; readonly verb: string }
  | { readonly kind: 'speed'; readonly job: number; readonly speed: number }
  | { readonly kind: 'pass'; readonly ns: number }

// --- What comes of it ------------------------------------------------------------------------------

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
  /** Requests since its work was over: either end may have them. */
  late: Request[] | undefined
  /** Requests to what it writes to: they came before or after its own. */
  crossing: Request[]
}

const NOTHING_YET = {
  source: '',
  target: '',
  snapshot: undefined,
  sameBelow: false,
  completes: false,
  wasAlone: true,
  late: undefined,
} as const

interface Request {
  readonly offset: number
  readonly bytes: number
  readonly over: Promise<void>
}

export class Model {
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
  /** Nodes that may have anything of their own: all but `over`, until somebody writes to that. */
  readonly #written = new Set<string>()
  #heard = 0
  #made = 0

  constructor(world: JobWorld, views: Map<string, View>, below: Map<string, string>) {
    this.world = world
    this.views = views
    this.below = below
    this.guest = world.guest('top')
    for (const name of views.keys()) if (name !== 'over') this.#written.add(name)
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

  async tell(job: RunningJob, verb: string): Promise<void> {
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
    // A job may have ended meanwhile, and the guest be at another node.
    this.hear()
    this.#written.add(this.active)
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
    const request = { offset, bytes, over: Promise.resolve(made) }
    for (const job of this.jobs) {
      job.late?.push(request)
      if (job.target === this.active) job.crossing.push(request)
    }
    if (!isPromise(made)) return
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
  #asOfNow(view: View, late: readonly Request[] = []): View {
    return unsure(view, [...this.#recent, ...late])
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
    this.jobs.push({ id, about, runs: false, crossing: [], ...NOTHING_YET })
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
    if (target === this.active) job.crossing.push(...this.#recent)
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
      if (event === 'JOB_STATUS_CHANGE' && data.status === 'waiting') job.late ??= [...this.#recent]
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
      if (job.snapshot !== undefined) this.views.set(target, unsure(job.snapshot, job.crossing))
    } else if (about.command === 'blockdev-mirror' || source === this.active) {
      this.#converged(job)
    } else {
      // Who had the top has the base, which shows the same.
      for (const [node, below] of this.below) if (below === source) this.below.set(node, target)
      this.views.set(target, copyOf(this.#view(source)))
    }
  }

  #converged({ about, source, target, sameBelow, completes, late, crossing }: RunningJob): void {
    const view = this.#view(source)
    const sync = about.command === 'blockdev-mirror' ? about.sync : 'full'
    if (!completes) {
      const same = sync === 'full'
      if (same) this.views.set(target, unsure(this.#asOfNow(view, late), crossing))
      return
    }
    const merged = unsure(view, crossing)
    this.views.set(target, merged)
    this.views.set(source, this.#asOfNow(view, late))
    this.#spoil(target)
    for (const [node, below] of this.below) {
      if (below === source && node !== target) this.below.set(node, target)
    }
    if (this.active === source) this.active = target
    // Where nothing lies below, all is copied, but the target is not zeroed first.
    const isWhole = sync === 'full' || (sync === 'top' && sameBelow)
    if (!isWhole) merged.known.fill(ANYTHING)
  }
}
