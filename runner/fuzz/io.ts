/** Draws requests on a node: small and large ones, on borders and across them, now and then past the end. */
import type { Random } from './random.ts'
import type { State } from './state.ts'
import type { FuzzStep, IoOp } from './step.ts'

const LENGTHS = [1, 512, 512, 4096, 4096, 65_536, 65_536, 100, 131_072, 262_144] as const
const ALIGNMENTS = [1, 512, 4096, 65_536, 65_536] as const
/** Places near the start are asked for more often, so that requests meet. */
const NEAR = 262_144

export function drawIo(random: Random, state: State): FuzzStep | undefined {
  const nodes = state.nodes.filter(({ name, size }) => size > 0 && state.isReadable(name))
  const node = random.pick(nodes)
  if (node === undefined) return undefined
  const count = random.pick([1, 1, 2, 3, 5])
  const readsOnly = node.readOnly ? random.chance(0.9) : random.chance(0.2)
  const ops = Array.from({ length: count }, () => drawOp(random, node.size, readsOnly))
  return { kind: 'io', node: node.name, ops }
}

function drawOp(random: Random, size: number, readsOnly: boolean): IoOp {
  const { offset, bytes } = drawRange(random, size)
  const kind = random.weighted(KINDS, ([, weight, changes]) => (readsOnly && changes ? 0 : weight))
  switch (kind?.[0]) {
    case 'write':
      return { verb: 'write', offset, bytes, byte: 1 + random.below(250), fua: random.chance(0.1) }
    case 'zero':
      return { verb: 'zero', offset, bytes, unmap: random.chance(0.5) }
    case 'discard':
      return { verb: 'discard', offset, bytes }
    case 'map':
      return { verb: 'map', offset: 0, bytes: Math.min(size, MAPPED) }
    case 'flush':
      return { verb: 'flush' }
    default:
      return { verb: 'read', offset, bytes }
  }
}

/** Longest range whose status is asked for. */
const MAPPED = 2 ** 31 - 65_536

const KINDS = [
  ['write', 6, true],
  ['zero', 2, true],
  ['discard', 2, true],
  ['read', 3, false],
  ['map', 2, false],
  ['flush', 0.5, false],
] as const

function drawRange(
  random: Random,
  size: number,
): { readonly offset: number; readonly bytes: number } {
  const bytes = Math.min(random.pick(LENGTHS), size)
  const alignment = random.pick(ALIGNMENTS)
  const end = random.chance(0.15)
  const room = random.chance(0.7) ? Math.min(size, NEAR) : size
  const offset = end
    ? size - bytes
    : Math.floor(random.below(Math.max(1, room)) / alignment) * alignment
  // A few reach past the end.
  if (random.chance(0.03)) return { offset, bytes }
  return { offset: Math.min(offset, size - bytes), bytes }
}
