/**
 * What exists while a sequence is drawn: nodes, edges, bitmaps, exports, objects. Queries of the
 * engine say what is there; what they do not say (options as given, objects, the NBD server) is
 * kept from the commands that were accepted.
 */
import type { Value } from '../../dsl/plan.ts'
import { isList, isMap, isNumber, member, text } from '../json.ts'
import type { FuzzStep, Members } from './step.ts'

export interface NodeState {
  readonly name: string
  readonly driver: string
  /** As it reflects the options. */
  readonly filename: string
  readonly readOnly: boolean
  readonly size: number
  readonly bitmaps: readonly string[]
  /** Node names by edge name. */
  readonly children: ReadonlyMap<string, string>
  /** How many edges of nodes lead here. */
  readonly parents: number
}

export interface JobState {
  readonly id: string
  readonly type: string
  readonly status: string
}

/** Answers to the queries that are made after each step. */
export interface Queried {
  readonly graph: Value
  /** Not asked for where the real one is known to die of it. */
  readonly named: Value | undefined
  readonly exports: Value
  readonly jobs: Value
  readonly blockJobs: Value
}

const GENERATED = /^#block\d+$/

/** Drivers whose data is not defined unless this member is true. */
const UNDEFINED_DATA: Readonly<Record<string, string>> = {
  'null-co': 'read-zeroes',
  'null-aio': 'read-zeroes',
}

const STREAM_FILTERS: ReadonlySet<string> = new Set(['copy-on-read'])

export class State {
  /** One that no other sequence is likely to listen at meanwhile. */
  readonly port: string
  #nodes: readonly NodeState[] = []
  #all = new Map<string, NodeState>()
  readonly #options = new Map<string, Members>()
  readonly #objects = new Map<string, string>()
  #exports: readonly string[] = []
  #jobs: readonly JobState[] = []
  /** Nodes that something other than a node has an edge to. */
  #used: ReadonlySet<string> = new Set()
  #hasServer = false

  constructor(port = 20_000) {
    this.port = String(port)
  }

  /** Nodes that commands can name. */
  get nodes(): readonly NodeState[] {
    return this.#nodes
  }

  get exports(): readonly string[] {
    return this.#exports
  }

  get jobs(): readonly JobState[] {
    return this.#jobs
  }

  /** Whether a job or an export uses the node. */
  isUsed(name: string): boolean {
    return this.#used.has(name)
  }

  get hasServer(): boolean {
    return this.#hasServer
  }

  node(name: string): NodeState | undefined {
    return this.#all.get(name)
  }

  /** The options that a node has been opened with, its named children as references. */
  options(name: string): Members | undefined {
    return this.#options.get(name)
  }

  /** Ids of objects, of one type if it is given. */
  objects(type?: string): readonly string[] {
    return [...this.#objects].flatMap(([id, of]) => (type === undefined || of === type ? [id] : []))
  }

  /** A command was accepted. */
  note(step: FuzzStep): void {
    if (step.kind !== 'qmp') return
    const args = step.args ?? {}
    const id = text(args['id'])
    switch (step.command) {
      case 'blockdev-add':
        this.#keep(args)
        break
      case 'blockdev-reopen':
        for (const options of isList(args['options']) ? args['options'] : []) {
          if (isMap(options)) this.#keep(options)
        }
        break
      case 'object-add':
        if (id !== undefined) this.#objects.set(id, text(args['qom-type']) ?? '')
        break
      case 'object-del':
        if (id !== undefined) this.#objects.delete(id)
        break
      case 'nbd-server-start':
        this.#hasServer = true
        break
      case 'nbd-server-stop':
        this.#hasServer = false
        break
      default:
    }
  }

  /** Whether the node is of one of these drivers, or anything below it is. */
  contains(name: string, drivers: ReadonlySet<string>, seen = new Set<string>()): boolean {
    const node = this.#all.get(name)
    if (node === undefined || seen.has(name)) return false
    seen.add(name)
    return (
      drivers.has(node.driver) ||
      [...node.children.values()].some((child) => this.contains(child, drivers, seen))
    )
  }

  /** Whether requests may be made: 7.2 dies of reading through the filter of a stream that is pending. */
  isReadable(name: string): boolean {
    const isPending = this.#jobs.some(
      ({ type, status }) => type === 'stream' && status === 'pending',
    )
    return !this.hasUndefinedData(name) && !(isPending && this.contains(name, STREAM_FILTERS))
  }

  /** Takes over what the queries say. */
  see({ graph, named, exports, jobs }: Queried): void {
    const about = new Map(
      (isList(named) ? named : []).map((info) => [text(member(info, 'node-name')) ?? '', info]),
    )
    const before = this.#all
    const byId = new Map<Value, string>()
    for (const node of listIn(graph, 'nodes')) {
      if (text(member(node, 'type')) !== 'block-driver') continue
      byId.set(member(node, 'id') ?? null, text(member(node, 'name')) ?? '')
    }
    const children = new Map<string, Map<string, string>>()
    const parents = new Map<string, number>()
    const used = new Set<string>()
    for (const edge of listIn(graph, 'edges')) {
      const parent = byId.get(member(edge, 'parent') ?? null)
      const child = byId.get(member(edge, 'child') ?? null)
      if (child !== undefined && parent === undefined) used.add(child)
      if (parent === undefined || child === undefined) continue
      const own = children.get(parent) ?? new Map<string, string>()
      own.set(text(member(edge, 'name')) ?? '', child)
      children.set(parent, own)
      parents.set(child, (parents.get(child) ?? 0) + 1)
    }
    const nodes = [...byId.values()].sort().map((name): NodeState => {
      const known = before.get(name)
      const edges = { children: children.get(name) ?? new Map(), parents: parents.get(name) ?? 0 }
      if (named === undefined && known !== undefined) return { ...known, ...edges }
      const info = about.get(name)
      const size = member(member(info, 'image'), 'virtual-size')
      return {
        name,
        driver: text(member(info, 'drv')) ?? '',
        filename: text(member(info, 'file')) ?? '',
        readOnly: member(info, 'ro') === true,
        size: isNumber(size) ? Number(size) : 0,
        bitmaps: listIn(info, 'dirty-bitmaps').flatMap((map) => text(member(map, 'name')) ?? []),
        ...edges,
      }
    })
    this.#all = new Map(nodes.map((node) => [node.name, node]))
    this.#nodes = nodes.filter(({ name }) => !GENERATED.test(name))
    this.#exports = (isList(exports) ? exports : []).flatMap(
      (each) => text(member(each, 'id')) ?? [],
    )
    this.#jobs = readJobs(jobs)
    this.#used = used
    for (const name of this.#options.keys()) if (!this.#all.has(name)) this.#options.delete(name)
  }

  /** Whether what is read from the node may be anything at all. */
  hasUndefinedData(name: string, seen = new Set<string>()): boolean {
    const node = this.#all.get(name)
    if (node === undefined || seen.has(name)) return false
    seen.add(name)
    // It came while nodes were not looked at.
    if (node.driver === '') return true
    const unless = UNDEFINED_DATA[node.driver]
    if (unless !== undefined) {
      return !node.filename.includes(`"${unless}": true`)
    }
    return [...node.children.values()].some((child) => this.hasUndefinedData(child, seen))
  }

  /** Keeps the options of a node and of named ones inside, which become references. */
  #keep(options: Members): Value | undefined {
    const entries = Object.entries(options).flatMap(([name, value]): [string, Value][] => {
      const kept = this.#keepValue(value)
      return kept === undefined ? [] : [[name, kept]]
    })
    const name = text(options['node-name'])
    if (name === undefined) return undefined
    this.#options.set(name, Object.fromEntries(entries))
    return name
  }

  #keepValue(value: Value): Value | undefined {
    if (isList(value)) {
      return value.map((item) => this.#keepValue(item) ?? item)
    }
    return isMap(value) && 'driver' in value ? this.#keep(value) : value
  }
}

/** 7.2 dies of looking at the nodes while a stream is concluded and not dismissed. */
export function hasConcludedStream(jobs: readonly JobState[]): boolean {
  return jobs.some(({ type, status }) => type === 'stream' && status === 'concluded')
}

export function readJobs(jobs: Value): readonly JobState[] {
  return (isList(jobs) ? jobs : []).map((job) => ({
    id: text(member(job, 'id')) ?? '',
    type: text(member(job, 'type')) ?? '',
    status: text(member(job, 'status')) ?? '',
  }))
}

function listIn(value: Value | undefined, name: string): readonly Value[] {
  const list = member(value, name)
  return isList(list) ? list : []
}
