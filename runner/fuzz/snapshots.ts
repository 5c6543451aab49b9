/** How external snapshots are drawn. */
import type { Draw } from './draw.ts'
import type { NodeState } from './state.ts'
import type { Members } from './step.ts'

export function snapshot(draw: Draw): Members {
  const isOverlay = ({ driver, parents, children }: NodeState): boolean =>
    driver === 'qcow2' && parents === 0 && !children.has('backing')
  if (!draw.state.nodes.some(isOverlay)) {
    draw.need({
      command: 'blockdev-add',
      focus: {
        driver: 'qcow2',
        given: {
          file: {
            driver: 'file',
            filename: draw.random.pick(['$img.q0', '$img.q3', '$img.q5']),
          },
          backing: null,
        },
        bare: true,
      },
    })
  }
  const overlay = draw.nodeWhere(isOverlay)
  return { node: draw.nodeWhere(({ name, size }) => name !== overlay && size > 0), overlay }
}

export function snapshotSync(draw: Draw): Members {
  const { random, state } = draw
  const some = (share: number, members: Members): Members => (random.chance(share) ? members : {})
  const taken = state.nodes.map(({ name }) => name)
  return {
    [random.chance(0.93) ? 'node-name' : 'device']: draw.nodeWhere(({ size }) => size > 0),
    'snapshot-file': random.pick(['$new.s0', '$new.s1', '$new.s2', '$new.s3', '$img.q3']),
    ...some(0.92, { 'snapshot-node-name': draw.fresh('n', taken) }),
    ...some(0.3, { format: random.pick(['qcow2', 'qcow2', 'qcow2', 'raw', 'nosuch']) }),
    ...some(0.15, { mode: random.pick(['existing', 'absolute-paths']) }),
  }
}
