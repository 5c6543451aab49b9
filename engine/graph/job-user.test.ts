/** Tests of jobs as users of nodes. */
import assert from 'node:assert/strict'
import { ALL_PERMISSIONS, NO_PERMISSIONS, RESIZE, WRITE } from '../block/permission.ts'
import { DRIVERS } from '../drivers/index.ts'
import { requestPaths } from '../io/paths.ts'
import { overlay, overlayImage, refusal, testWorld } from './testing.ts'

const NOTHING = { uses: NO_PERMISSIONS, shares: ALL_PERMISSIONS }

async function chain() {
  const world = testWorld([...DRIVERS, overlay], requestPaths)
  const image = (name: string, backing: string | null) => {
    world.host.files.put(name, overlayImage())
    const file = { driver: 'file', filename: name }
    return { driver: 'overlay', 'node-name': name, file, backing }
  }
  await world.add(image('base', null), image('mid', 'base'), image('top', 'mid'))
  const node = (name: string) => world.graph.find(name)
  return { ...world, node }
}

describe('a job as a user of nodes', () => {
  it('has edges of different names, which the graph query lists below it', async () => {
    const { graph, node } = await chain()
    const job = graph.attachJob({ id: 'j', type: 'commit' })
    job.add('main node', node('top'), NOTHING)
    job.add('base', node('base'), NOTHING)
    const { nodes, edges } = graph.dump()
    const id = nodes.find(({ type }) => type === 'block-job')?.id
    assert.deepEqual(
      edges.filter(({ parent }) => parent === id).map(({ name }) => name),
      ['main node', 'base'],
    )
  })

  it('is named in conflicts by its kind and its id', async () => {
    const { graph, node, writer } = await chain()
    const job = graph.attachJob({ id: 'j0', type: 'stream' })
    job.add('intermediate node', node('mid'), {
      uses: NO_PERMISSIONS,
      shares: ALL_PERMISSIONS & ~WRITE,
    })
    assert.equal(
      await refusal(() => writer('mid')),
      "Permission conflict on node 'mid': permissions 'write' are both required by an unnamed " +
        "block device (uses node 'mid' as 'root' child) and unshared by stream job 'j0' (uses " +
        "node 'mid' as 'intermediate node' child).",
    )
  })

  it('forbids operations on its nodes for as long as it has them', async () => {
    const { graph, node } = await chain()
    const job = graph.attachJob({ id: 'j', type: 'commit' })
    job.add('main node', node('top'), NOTHING, ['dataplane'])
    const busy = "Node 'top' is busy: block device is in use by block job: commit"
    assert.equal(await refusal(() => graph.remove('top')), busy)
    assert.equal(
      await refusal(() => {
        graph.checkOperation(node('top'), 'stream')
      }),
      busy,
    )
    assert.equal(await refusal(() => graph.resize(node('top'), 0)), "Device '(null)' is in use")
    graph.checkOperation(node('top'), 'dataplane')
    await job.close()
    graph.checkOperation(node('top'), 'stream')
    await graph.remove('top')
  })

  it('adds nothing where its claims conflict', async () => {
    const { graph, node, snapshot, writer } = await chain()
    writer('top')
    const job = graph.attachJob({ id: 'j', type: 'mirror' })
    const before = snapshot()
    await refusal(() => {
      job.add('source', node('top'), { uses: RESIZE, shares: ALL_PERMISSIONS })
    })
    assert.deepEqual(snapshot(), before)
    graph.checkOperation(node('top'), 'mirror-source')
  })

  it('is told of drained sections, which wait while it is at work', async () => {
    const { graph, node } = await chain()
    const told: string[] = []
    const job = graph.attachJob({
      id: 'j',
      type: 'commit',
      drainedBegin: () => told.push('begin'),
      drainedEnd: () => told.push('end'),
    })
    job.add('main node', node('top'), NOTHING)
    job.add('base', node('base'), NOTHING)
    job.begin()
    const drained = node('base')
      .drained()
      .then((section) => {
        told.push('drained')
        section.end()
      })
    await Promise.resolve()
    assert.equal(job.quiesced, true)
    told.push('idle')
    job.end()
    await drained
    assert.deepEqual(told, ['begin', 'idle', 'drained', 'end'])
  })
})

describe('a backing image', () => {
  it('is busy for all but what jobs do with backing images', async () => {
    const { graph, node } = await chain()
    assert.equal(
      await refusal(() => {
        graph.checkOperation(node('mid'), 'replace')
      }),
      "Node 'mid' is busy: node is used as backing hd of 'top'",
    )
    for (const operation of [
      'commit-target',
      'stream',
      'backup-source',
      'backup-target',
    ] as const) {
      graph.checkOperation(node('mid'), operation)
    }
  })
})
