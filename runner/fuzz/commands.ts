/**
 * How commands are drawn: one declaration for each that needs more than its types and the hints.
 * Every other command of the schema is drawn generically with the default weight.
 */
import type { Value } from '../../dsl/plan.ts'
import { isList, isMap, member, text } from '../json.ts'
import type { Draw } from './draw.ts'
import { JOB_COMMANDS } from './job-commands.ts'
import type { NodeState } from './state.ts'
import type { Members } from './step.ts'

/** What a step is to be about, where that is settled before it is drawn. */
export interface Focus {
  readonly driver?: string
  /** Path of the option that must be there. */
  readonly must?: readonly string[]
  /** Members that are given, whatever is drawn. */
  readonly given?: Members
  /** Type of an object. */
  readonly object?: string
  /** Nothing beside what is given. */
  readonly bare?: boolean
  /** A job of this kind that comes to this status, and to that end where it is completed. */
  readonly job?: { readonly type: string; readonly status: string; readonly end?: string }
}

export interface CommandKind {
  readonly command: string
  /** How often it is drawn, beside the turns that every command gets. */
  readonly weight: number
  /** How often something is wrong with its arguments on purpose. */
  readonly flawed?: number
  readonly make?: (draw: Draw, focus: Focus) => Members | undefined
}

export const DEFAULT_WEIGHT = 1

const QUERY_FLAWED = 0.3
const USUALLY_FLAWED = 0.2

const TABLE: readonly CommandKind[] = [
  { command: 'blockdev-add', weight: 26, flawed: 0.06, make: addNode },
  { command: 'blockdev-reopen', weight: 9, flawed: 0.04, make: reopen },
  { command: 'blockdev-del', weight: 4, make: removeNode },
  { command: 'x-blockdev-change', weight: 6, flawed: 0.04, make: changeChild },
  { command: 'block_resize', weight: 3, flawed: 0.05, make: resize },
  { command: 'change-backing-file', weight: 2, flawed: 0.05, make: changeBackingFile },
  { command: 'transaction', weight: 5, flawed: 0.06, make: transaction },
  { command: 'object-add', weight: 3, make: addObject },
  { command: 'block-export-add', weight: 3, flawed: 0.04, make: onServer('block-export-add') },
  { command: 'nbd-server-add', weight: 1, make: onServer('nbd-server-add') },
  { command: 'nbd-server-remove', weight: 1, make: onServer('nbd-server-remove') },
  {
    command: 'nbd-server-stop',
    weight: 1.05,
    flawed: QUERY_FLAWED,
    make: onServer('nbd-server-stop'),
  },
  { command: 'block-dirty-bitmap-add', weight: 3 },
  { command: 'block-dirty-bitmap-merge', weight: 1.5 },
  { command: 'qom-set', weight: 1, flawed: 0.04, make: setProperty },
  { command: 'nbd-server-start', weight: 2 },
  { command: 'block-set-write-threshold', weight: DEFAULT_WEIGHT, flawed: 0.28 },
  // Ends the sequence, so it comes late: see the generator.
  { command: 'quit', weight: 0, flawed: QUERY_FLAWED },
  ...JOB_COMMANDS,
]

const BY_NAME = new Map(TABLE.map((kind) => [kind.command, kind]))

export function kindOf(command: string): CommandKind {
  return BY_NAME.get(command) ?? { command, weight: DEFAULT_WEIGHT }
}

/** How often to put something wrong into the arguments. */
export function flawedShare(kind: CommandKind): number {
  if (kind.flawed !== undefined) return kind.flawed
  return /query|list|nbd-server-stop/.test(kind.command) ? QUERY_FLAWED : USUALLY_FLAWED
}

export function makeArguments(kind: CommandKind, draw: Draw, focus: Focus): Members | undefined {
  return kind.make === undefined ? draw.arguments(kind.command) : kind.make(draw, focus)
}

function names(draw: Draw): readonly string[] {
  return draw.state.nodes.map((node) => node.name)
}

/** Drivers that most sequences are built from; the others come by their turns. */
const COMMON = ['file', 'file', 'null-co', 'raw', 'qcow2', 'qcow2', 'quorum', 'throttle']

function addNode(draw: Draw, focus: Focus): Members {
  const { random, schema } = draw
  const drivers = schema.drivers()
  const common = COMMON.filter((driver) => drivers.includes(driver))
  const driver =
    focus.driver ?? (random.chance(0.5) ? random.pick(common) : random.pick(drivers)) ?? 'file'
  const name =
    random.chance(0.97) || focus.bare === true
      ? draw.fresh('n', names(draw))
      : random.pick(['#x', 'a b', '1a', '', 'y'.repeat(31), 'y'.repeat(32), 'a.b'])
  if (focus.bare === true) return { driver, 'node-name': name, ...focus.given }
  const options = draw.nodeOptions(driver, {
    name,
    ...(focus.must === undefined ? {} : { must: focus.must }),
    ...(focus.given === undefined ? {} : { given: focus.given }),
  })
  if (!random.chance(0.02)) return options
  const { 'node-name': _name, ...unnamed } = options
  return unnamed
}

/** Options that may change while a node is open, beside references to children. */
const CHANGEABLE = ['read-only', 'auto-read-only', 'discard', 'detect-zeroes', 'cache']

/** Restates one or two nodes as they are, with something changed. */
function reopen(draw: Draw): Members {
  const { random, state } = draw
  const known = random.shuffled(state.nodes.filter(({ name }) => state.options(name) !== undefined))
  if (known.length === 0) {
    draw.wants.add('node')
    return { options: [{ driver: 'file', 'node-name': 'nosuch', filename: '$img.f0' }] }
  }
  const count = random.chance(0.75) ? 1 : 2
  const options = known.slice(0, count).map((node) => restated(draw, node))
  return { options: random.chance(0.005) ? [] : options }
}

function restated(draw: Draw, node: NodeState): Members {
  const { random, schema, state } = draw
  const before = state.options(node.name) ?? {}
  const entries = Object.entries(before).flatMap(([name, value]): [string, Value][] => {
    const kept = asReference(value)
    return kept === undefined ? [] : [[name, kept]]
  })
  const options: Record<string, Value> = Object.fromEntries(entries)
  if (random.chance(0.25)) return options
  const members = schema.driverMembers(node.driver)
  const changeable = members.filter(
    ({ name }) => CHANGEABLE.includes(name) || name in before || random.chance(0.1),
  )
  const member = random.pick(
    changeable.filter(({ name }) => name !== 'driver' && name !== 'node-name'),
  )
  if (member === undefined) return options
  const { name, type } = member
  if (member.optional && name in options && random.chance(0.2)) {
    const { [name]: _gone, ...rest } = options
    return rest
  }
  const isChild = node.children.has(name)
  options[name] =
    isChild && random.chance(0.8)
      ? draw.node()
      : draw.value(type, { owner: node.driver, name, must: [], beside: options })
  return options
}

/** Children can only be named; one without a name is kept by not speaking of it. */
function asReference(value: Value): Value | undefined {
  if (!isMap(value) || !('driver' in value)) return value
  return text(value['node-name'])
}

function removeNode(draw: Draw): Members {
  if (draw.random.chance(0.2)) return { 'node-name': draw.node() }
  return { 'node-name': draw.nodeWhere(({ parents }) => parents === 0) }
}

function changeChild(draw: Draw): Members {
  const { random, state } = draw
  const quorums = state.nodes.filter(({ driver }) => driver === 'quorum')
  if (quorums.length === 0) draw.wants.add('quorum')
  const quorum = random.chance(0.92) ? random.pick(quorums) : undefined
  const parent = quorum?.name ?? draw.node()
  const edges = [...(quorum?.children.keys() ?? [])]
  const edge = random.chance(0.92) ? random.pick(edges) : undefined
  const child = { child: edge ?? random.pick(['children.0', 'children.7', 'file', 'x']) }
  const node = { node: draw.nodeWhere(({ name, parents }) => parents === 0 && name !== parent) }
  if (random.chance(0.03)) return { parent }
  if (random.chance(0.03)) return { parent, ...child, ...node }
  const hasRoom = edges.length > Number(state.options(parent)?.['vote-threshold'] ?? 1)
  return random.chance(hasRoom ? 0.65 : 0.15) ? { parent, ...child } : { parent, ...node }
}

/** Nodes of other drivers keep their size, or follow their child. */
const RESIZABLE = ['file', 'raw', 'qcow2', 'throttle', 'preallocate']

function resize(draw: Draw): Members {
  const { random } = draw
  const size = random.chance(0.08)
    ? random.pick([-1, 1000, 2n ** 62n])
    : random.pick([0, 512, 65_536, 1 << 20, 3 << 19, 1 << 21, 1 << 22])
  const name = draw.nodeWhere(
    ({ driver, parents, readOnly }) => !readOnly && parents === 0 && RESIZABLE.includes(driver),
  )
  if (random.chance(0.05)) return { device: name, size }
  return random.chance(0.03) ? { size } : { 'node-name': name, size }
}

/** Those that start jobs or move the top of a chain are the interesting ones. */
const ACTIONS = [
  'blockdev-backup',
  'blockdev-backup',
  'blockdev-backup',
  'drive-backup',
  'blockdev-snapshot',
  'blockdev-snapshot-sync',
] as const

function transaction(draw: Draw): Members | undefined {
  const { random } = draw
  const drawn = withoutDeaths(draw, draw.arguments('transaction'))
  if (random.chance(0.35)) return drawn
  const others = isList(drawn?.['actions']) ? drawn['actions'] : []
  const count = random.pick([1, 1, 2, 2, 3])
  const actions = Array.from({ length: count }, (): Value => {
    const other = random.chance(0.25) ? random.pick(others) : undefined
    if (other !== undefined) return other
    const type = random.pick(ACTIONS)
    return { type, data: makeArguments(kindOf(type), draw, {}) ?? {} }
  })
  const areJobs = actions.every((action) =>
    (text(member(action, 'type')) ?? '').endsWith('-backup'),
  )
  const mode = random.pick([areJobs ? 'grouped' : undefined, 'grouped', 'individual', undefined])
  return { actions, ...(mode === undefined ? {} : { properties: { 'completion-mode': mode } }) }
}

/** Undoing one that has done nothing, 7.2 dies: once in a while is enough. */
const DEADLY = ['block-dirty-bitmap-enable', 'block-dirty-bitmap-disable']

function withoutDeaths({ random, state }: Draw, args: Members | undefined): Members | undefined {
  if (args === undefined || random.chance(0.02)) return args
  const actions = isList(args['actions']) ? args['actions'] : []
  const { properties, ...rest } = args
  const isDeadly = (action: Value): boolean => {
    if (!DEADLY.includes(text(member(action, 'type')) ?? '')) return false
    const data = member(action, 'data')
    const node = state.node(text(member(data, 'node')) ?? '')
    return (
      properties !== undefined || node?.bitmaps.includes(text(member(data, 'name')) ?? '') !== true
    )
  }
  const kept = actions.filter((action) => !isDeadly(action))
  return { ...rest, actions: kept, ...(properties === undefined ? {} : { properties }) }
}

/** A command that means nothing without an NBD server. */
function onServer(command: string): (draw: Draw) => Members | undefined {
  return (draw) => {
    if (!draw.state.hasServer && draw.random.chance(0.9)) draw.wants.add('server')
    return draw.arguments(command)
  }
}

function changeBackingFile(draw: Draw): Members {
  const isChain = ({ driver, readOnly, children }: NodeState): boolean =>
    driver === 'qcow2' && !readOnly && children.has('backing')
  if (!draw.state.nodes.some(isChain)) draw.wants.add('chain')
  const node = draw.nodeWhere(isChain)
  return {
    device: draw.random.chance(0.85) ? node : draw.node(),
    'image-node-name': node,
    'backing-file': draw.random.pick(['$img.q0', '$img.f0', 'x', '']),
  }
}

function addObject(draw: Draw, focus: Focus): Members | undefined {
  if (focus.object === undefined) return draw.arguments('object-add')
  return { 'qom-type': focus.object, id: draw.fresh('o', draw.state.objects()) }
}

/** Properties with values that suit them, and a few that suit nothing. */
const PROPERTIES: readonly (readonly [name: string, values: readonly [Value, ...Value[]]])[] = [
  ['limits', [{ 'iops-total': 100_000 }, { 'bps-total': 2 ** 30 }, { 'bps-read': -1 }, {}]],
  ['limits', [{ 'iops-total': 100_000, 'iops-total-max': 200_000 }]],
  ['limits', [{ 'bps-write': 2 ** 40 }]],
  ['limits', [{ 'iops-write': 1_000_000, 'iops-size': 4096 }]],
  ['poll-max-ns', [0, 1000, -1]],
  ['aio-max-batch', [0, 16]],
  ['x-iops-total', [1]],
  ['type', ['x']],
]

function setProperty(draw: Draw): Members | undefined {
  const { random } = draw
  const args = draw.arguments('qom-set')
  const ids = draw.state.objects()
  const id = random.chance(0.85) ? random.pick(ids) : undefined
  const path = id === undefined ? (text(args?.['path']) ?? '') : `/objects/${id}`
  const isThread = draw.state.objects('iothread').some((id) => path.endsWith(`/${id}`))
  const fitting = PROPERTIES.filter(([name]) => /poll|batch/.test(name) === isThread)
  const [property, values] = random.pick(random.chance(0.8) ? fitting : PROPERTIES) ?? []
  if (property === undefined || values === undefined) return args
  return { path, property, value: random.pick(values) }
}
