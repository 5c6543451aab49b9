/** The nodes that a job is drawn for: chains, and a source with a target. What is not there is asked for. */
import type { Value } from '../../dsl/plan.ts'
import type { Focus } from './commands.ts'
import type { Draw } from './draw.ts'
import type { NodeState } from './state.ts'
import type { Members } from './step.ts'

/** What is copied and where to; a file name of the target has more members beside it. */
export type Ends = { readonly device: string; readonly target: string } & Members

/** A node with something below that its data comes from; a chain of three is made if there is none. */
export function chainTop(draw: Draw): string {
  const isTop = ({ children }: NodeState): boolean => children.has('backing')
  if (!draw.state.nodes.some(isTop)) draw.need(chainProvider(draw))
  const isWhole = (node: NodeState): boolean => isTop(node) && node.parents === 0
  return draw.random.chance(0.8) ? draw.nodeWhere(isWhole) : draw.nodeWhere(isTop)
}

/** The name of what backs a node, so many further down. */
export function chainBelow(draw: Draw, top: string): (further: number) => string {
  return (further) => {
    let name: string | undefined = top
    for (let at = 0; at <= further; at += 1) {
      name = draw.state.node(name ?? '')?.children.get('backing')
    }
    return name === undefined || name.startsWith('#') ? draw.node('qcow2') : name
  }
}

function chainProvider(draw: Draw): { readonly command: string; readonly focus: Focus } {
  const { random, state } = draw
  const taken = state.nodes.map(({ name }) => name)
  const layer = (image: string, ...backing: readonly Value[]): Members => ({
    driver: 'qcow2',
    'node-name': draw.fresh('n', taken),
    file: { driver: 'file', filename: `$img.${image}` },
    ...(backing.length > 0 ? { backing: backing[0] ?? null } : {}),
  })
  const isDeep = random.chance(0.6)
  const {
    driver: _driver,
    'node-name': _name,
    ...given
  } = isDeep ? layer('q2', layer('q1', layer('q0'))) : layer('q1', layer('q0'))
  return { command: 'blockdev-add', focus: { driver: 'qcow2', given, bare: true } }
}

/** Drivers that tell in which order requests come, which the machine decides for those side by side. */
const ORDERED = new Set(['blklogwrites', 'blkdebug'])

/** A node that tells nothing of the order of requests, and always the same data. */
function sourceOf(draw: Draw): string {
  const { random, state } = draw
  const isSteady = ({ size, name }: NodeState): boolean =>
    size <= 1 << 22 && !state.hasUndefinedData(name) && !state.contains(name, ORDERED)
  const isSource = (node: NodeState): boolean => node.size > 0 && isSteady(node)
  if (!state.nodes.some(isSource)) {
    draw.need({
      command: 'blockdev-add',
      focus: { driver: 'file', given: { filename: '$img.f0' }, bare: true },
    })
  }
  const device = draw.nodeWhere(
    (node) => isSource(node) && (node.parents === 0 || random.chance(0.1)),
  )
  const node = state.node(device)
  return node === undefined || isSteady(node) ? device : 'nosuch'
}

export function sourceAndFile(draw: Draw): Ends {
  const { random } = draw
  const isThere = random.chance(0.35)
  const target = isThere
    ? random.pick(['$img.f1', '$img.f4', '$img.q3', '$img.q5', '$new.b0'])
    : random.pick(['$new.b0', '$new.b1', '$new.b2'])
  const format = random.chance(0.6)
    ? {
        format: random.pick([
          'qcow2',
          'qcow2',
          'qcow2',
          'qcow2',
          'raw',
          'raw',
          'raw',
          'raw',
          'nosuch',
        ]),
      }
    : {}
  const mode =
    isThere || random.chance(0.1)
      ? { mode: random.pick(['existing', 'existing', 'existing', 'absolute-paths']) }
      : {}
  return { device: sourceOf(draw), target, ...format, ...mode }
}

export function sourceAndTarget(draw: Draw): Ends {
  const { random, state } = draw
  const device = sourceOf(draw)
  const size = state.node(device)?.size ?? 0
  const fits = (node: NodeState): boolean =>
    node.size === size &&
    node.name !== device &&
    node.parents === 0 &&
    !node.readOnly &&
    !state.isUsed(node.name) &&
    !state.contains(node.name, ORDERED)
  if (!state.nodes.some(fits) && size > 0) {
    draw.need({
      command: 'blockdev-add',
      focus: random.pick<Focus>([
        { driver: 'null-co', given: { size, 'read-zeroes': true }, bare: true },
        ...(size === 1 << 20
          ? [{ driver: 'file', given: { filename: '$img.f1' }, bare: true }]
          : []),
        ...(size === 1 << 20
          ? [
              {
                driver: 'qcow2',
                given: { file: { driver: 'file', filename: '$img.q0' } },
                bare: true,
              },
            ]
          : []),
      ]),
    })
  }
  const target = draw.nodeWhere(fits)
  return { device, target: state.contains(target, ORDERED) ? 'nosuch' : target }
}
