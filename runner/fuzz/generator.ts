/**
 * Draws one sequence, step by step, while it is played on the engine: what a step may name is what
 * exists by then. Every command and every option member gets its turns, in an order that the run's
 * seed shuffles, so that a run of full size meets its minimal figures by construction.
 */
import { flawedShare, kindOf, makeArguments, type CommandKind, type Focus } from './commands.ts'
import { Draw, type Provider, type Want } from './draw.ts'
import { withFlaw } from './flaws.ts'
import { drawIo } from './io.ts'
import { verbOf } from './job-kinds.ts'
import { Random } from './random.ts'
import type { FuzzSchema, OptionPath } from './schema.ts'
import { hasConcludedStream, type JobState, State } from './state.ts'
import type { FuzzStep, Members } from './step.ts'
import { isList, isMap } from '../json.ts'
import type { Value } from '../../dsl/plan.ts'

export interface GeneratorOptions {
  readonly schema: FuzzSchema
  readonly seed: number
  readonly index: number
  readonly steps: number
  /** Members that are never given, as `OWNER.MEMBER`. */
  readonly undrawn?: ReadonlySet<string>
}

/** A step that is settled before it is drawn. */
interface Intent {
  readonly command: string
  readonly focus: Focus
  /** How many steps have been put before it to make what it needs. */
  readonly prepared: number
}

/** Steps of which each command gets an equal share. */
const TURNS = 0.3
/** Additions of nodes that are about an option member whose turn it is. */
const OPTION_TURNS = 0.75
/** Option members that one sequence has room for. */
const OPTIONS_A_SEQUENCE = 12
const RAW_TEXT = 0.006
/** Nodes beyond which no more are asked for. */
const MANY_NODES = 14
/** Steps that may be put before one, each for the next. */
const DEEPEST = 5
/** How often a sequence ends with `quit`. */
const QUITS = 0.2

/**
 * Refusing an unknown one, 7.2 closes its descriptor 0. A file that is opened there later counts as
 * not open in some places, and the next refusal closes it: so it comes late, and once.
 */
const LATE_AND_ONCE = 'pr-manager'
/** The part of a sequence that is late. */
const LATE = 1 / 2

/** Below those that the system gives away. */
const FIRST_PORT = 20_000
const PORTS = 12_000

const TEXTS = [
  '{"execute": "query-jobs", "id": [1, {"a": 2.50}]}',
  "{'execute': 'query-jobs', 'id': 'x'}",
  '{"execute": 1}',
  '{"exec": "a"}',
  '[]',
  'garbage',
  '{"execute": "query-jobs", "arguments": []}',
  '{"execute": "nosuch", "id": 1}',
  '{"execute": "query-jobs", "id": 1e5, "extra": 1}',
  '{"exec-oob": "query-jobs"}',
  '{"execute": "query-jobs"}}',
  '"str"',
] as const

/** What makes the thing that a step wants. */
const PROVIDERS: Readonly<Record<Want, Provider>> = {
  node: { command: 'blockdev-add', focus: {} },
  quorum: { command: 'blockdev-add', focus: { driver: 'quorum' } },
  // An image that names what backs it.
  chain: {
    command: 'blockdev-add',
    focus: {
      driver: 'qcow2',
      given: { file: { driver: 'file', filename: '$img.q4' } },
    },
  },
  'throttle-group': { command: 'object-add', focus: { object: 'throttle-group' } },
  iothread: { command: 'object-add', focus: { object: 'iothread' } },
  bitmap: { command: 'block-dirty-bitmap-add', focus: {} },
  export: { command: 'block-export-add', focus: {} },
  server: { command: 'nbd-server-start', focus: {} },
}

export class Generator {
  readonly state: State
  readonly #options: GeneratorOptions
  readonly #random: Random
  readonly #commands: readonly string[]
  readonly #io: number
  readonly #pending: Intent[] = []
  /** Members that are not given in what is left of the sequence. */
  readonly #undrawn: Set<string>
  #drawn = 0
  #optionTurns = 0
  /** An option whose turn came too early. */
  #postponed: OptionPath | undefined
  #closing: FuzzStep[] | undefined

  constructor(options: GeneratorOptions) {
    this.#options = options
    this.#undrawn = new Set([...(options.undrawn ?? []), ...this.#late()])
    this.#random = new Random(options.seed, options.index)
    this.#commands = options.schema.commands()
    this.#io = this.#random.pick([0, 0.08, 0.15, 0.3])
    this.state = new State(FIRST_PORT + this.#random.below(PORTS))
  }

  /** The next step, then looks at what every node holds, then nothing. */
  next(): FuzzStep | undefined {
    if (this.#drawn >= this.#options.steps) {
      this.#closing ??= this.#contents()
      return this.#closing.shift()
    }
    this.#drawn += 1
    if (this.#drawn === Math.ceil(this.#options.steps * (1 - LATE))) this.#isLate()
    const last = this.#drawn === this.#options.steps
    if (last && this.#random.chance(QUITS)) return this.#play({ ...PLAIN, command: 'quit' })
    const isHeld = holdingJobs(this.state.jobs).length > 0
    const pending = this.#pending.pop()
    if (pending !== undefined && (!isHeld || verbOf(pending.command) !== undefined)) {
      return this.#play(pending)
    }
    if (this.#random.chance(RAW_TEXT)) return { kind: 'raw', text: this.#random.pick(TEXTS) }
    return (
      (!isHeld && this.#random.chance(this.#io) ? this.#drawIo() : undefined) ??
      this.#play(this.#choose())
    )
  }

  /** The sequence ends here: nothing more is drawn. */
  end(): void {
    this.#drawn = this.#options.steps
    this.#closing = []
  }

  /** What is to be done, but hardly ever what 7.2 is known to die or hang of. */
  #choose(): Intent {
    const held = this.#random.pick(holdingJobs(this.state.jobs))
    if (held !== undefined && this.#random.chance(0.97)) return this.#letGo(held)
    const intent = this.#chooseAny()
    const isDeadly =
      intent.command === 'query-named-block-nodes' && hasConcludedStream(this.state.jobs)
    return isDeadly && this.#random.chance(0.98) ? { ...PLAIN, command: 'job-dismiss' } : intent
  }

  /** Something that needs no request to a node of this job, most often its end. */
  #letGo({ id, type }: JobState): Intent {
    const verbs = this.#commands.filter((command) => verbOf(command) !== undefined)
    const ends = verbs.filter((command) => /finalize|cancel/.test(command))
    if (this.#random.chance(0.75)) {
      const command = this.#random.pick(ends) ?? 'job-finalize'
      const name = command.startsWith('block-job-cancel') ? 'device' : 'id'
      return {
        command,
        focus: { given: { [name]: id }, job: { type, status: 'pending' } },
        prepared: DEEPEST,
      }
    }
    const queries = this.#commands.filter((command) => /^query-(?:block-)?jobs/.test(command))
    return {
      ...PLAIN,
      command: this.#random.pick([...verbs, ...queries]) ?? 'query-jobs',
      prepared: DEEPEST,
    }
  }

  #chooseAny(): Intent {
    const early = this.#drawn <= 4
    if (!early && this.#random.chance(TURNS)) {
      const turn = this.#options.index * this.#options.steps + this.#drawn
      const command = this.#turnOf(this.#commands, turn)
      if (command !== undefined && command !== 'quit') return { ...PLAIN, command }
    }
    const kinds = this.#commands.map(kindOf)
    const kind = this.#random.weighted(kinds, (each) => this.#weight(each, early))
    return { ...PLAIN, command: kind?.command ?? 'query-version' }
  }

  #weight(kind: CommandKind, early: boolean): number {
    if (kind.command === 'blockdev-add') {
      return this.state.nodes.length > MANY_NODES ? kind.weight / 8 : kind.weight
    }
    return early ? kind.weight / 8 : kind.weight
  }

  /** The item whose turn it is: each once in a round, rounds in different orders. */
  #turnOf<T>(items: readonly T[], turn: number): T | undefined {
    const round = Math.floor(turn / items.length)
    const order = new Random(this.#options.seed, round, items.length).shuffled(items)
    return order[turn % items.length]
  }

  #play(intent: Intent): FuzzStep {
    const focus = intent.command === 'blockdev-add' ? this.#optionFocus(intent.focus) : intent.focus
    const draw = new Draw(this.#random, this.#options.schema, this.state, this.#undrawn)
    const kind = kindOf(intent.command)
    const args = makeArguments(kind, draw, focus)
    const provider = this.#provider(draw)
    if (provider !== undefined && intent.prepared < DEEPEST && this.#random.chance(0.85)) {
      this.#pending.push({
        ...intent,
        focus: draw.focus ?? focus,
        prepared: intent.prepared + 1,
      })
      return this.#play({ ...provider, prepared: intent.prepared + 1 })
    }
    this.#noteSpent(args)
    const flawed = this.#random.chance(flawedShare(kind))
    return {
      kind: 'qmp',
      command: intent.command,
      args: flawed ? withFlaw(this.#random, args) : args,
    }
  }

  /** What may be given once is not drawn again. */
  #noteSpent(args: Members | undefined): void {
    if (!names(args).has(LATE_AND_ONCE)) return
    for (const member of this.#late()) this.#undrawn.add(member)
  }

  #isLate(): void {
    const never = new Set(this.#options.undrawn)
    for (const member of this.#late()) if (!never.has(member)) this.#undrawn.delete(member)
  }

  #late(): readonly string[] {
    return this.#options.schema.drivers().map((driver) => `${driver}.${LATE_AND_ONCE}`)
  }

  #provider(draw: Draw): Provider | undefined {
    const [want] = draw.wants
    const provider = draw.provider ?? (want === undefined ? undefined : PROVIDERS[want])
    if (provider === undefined) return undefined
    return this.#commands.includes(provider.command) ? provider : undefined
  }

  /** The option member whose turn it is, where nothing else is asked for. */
  #optionFocus(focus: Focus): Focus {
    if (focus.driver !== undefined || !this.#random.chance(OPTION_TURNS)) return focus
    const { index, schema } = this.#options
    const turn = index * OPTIONS_A_SEQUENCE + (this.#optionTurns % OPTIONS_A_SEQUENCE)
    const drivers = schema.drivers().map((driver) => ({ driver, path: [] }))
    const postponed = this.#isUndrawn(this.#postponed) ? undefined : this.#postponed
    const option =
      postponed ?? this.#turnOf<OptionPath>([...schema.optionPaths(), ...drivers], turn)
    if (postponed === undefined) this.#optionTurns += 1
    else this.#postponed = undefined
    if (option === undefined) return focus
    if (this.#isUndrawn(option)) {
      this.#postponed = option
      return focus
    }
    return {
      must: option.path,
      ...(option.driver === undefined ? {} : { driver: option.driver }),
    }
  }

  #isUndrawn(option: OptionPath | undefined): boolean {
    if (option?.driver === undefined) return false
    return this.#undrawn.has([option.driver, ...option.path].join('.'))
  }

  #drawIo(): FuzzStep | undefined {
    return drawIo(this.#random, this.state)
  }

  /** A look at every node whose data is what was written. */
  #contents(): FuzzStep[] {
    const ends = holdingJobs(this.state.jobs).map(({ id }): FuzzStep => ({
      kind: 'qmp',
      command: 'job-finalize',
      args: { id },
    }))
    const looks = this.state.nodes
      .filter(({ name }) => this.state.isReadable(name))
      .map(({ name }): FuzzStep => ({ kind: 'content', node: name }))
    return [...ends, ...looks]
  }
}

/** A mirror lets no request through to its nodes from its last one on until it is finalized. */
function holdingJobs(jobs: readonly JobState[]): readonly JobState[] {
  return jobs.filter(
    ({ type, status }) => status === 'pending' && (type === 'mirror' || type === 'commit'),
  )
}

/** The names of all members, wherever they are. */
function names(value: Value | undefined): Set<string> {
  if (isList(value)) return new Set(value.flatMap((each) => [...names(each)]))
  if (!isMap(value)) return new Set()
  const inside = Object.values(value).flatMap((each) => [...names(each)])
  return new Set([...Object.keys(value), ...inside])
}

const PLAIN = { focus: {}, prepared: 0 } as const
