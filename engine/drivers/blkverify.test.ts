/** Tests of the blkverify driver. */
import assert from 'node:assert/strict'
import { refusal, testWorld } from '../graph/testing.ts'
import { createSimHost } from '../host/sim/index.ts'
import { requestPaths } from '../io/paths.ts'
import { DRIVERS } from './index.ts'

/** A blkverify node `v` over files of which only the copy may have another byte at 1000. */
async function world(different = false, { testLength = 65536, rawLength = 65536 } = {}) {
  const host = createSimHost()
  host.files.put('test', new Uint8Array(testLength).fill(1))
  const raw = new Uint8Array(rawLength).fill(1)
  if (different) raw[1000] = 2
  host.files.put('raw', raw)
  const file = (filename: string) => ({ driver: 'file', filename })
  const test = testWorld(DRIVERS, requestPaths, host)
  await test.add({ driver: 'blkverify', 'node-name': 'v', test: file('test'), raw: file('raw') })
  const user = test.writer('v')
  const failing: Record<string, 'EIO' | 'ENOSPC'> = {}
  host.files.hook = ({ path }) => {
    const errno = failing[path]
    return errno === undefined ? undefined : { errno }
  }
  return { ...test, host, user, failing }
}

describe('blkverify', () => {
  it('reads and writes both nodes while they agree', async () => {
    const { user, host, exits } = await world()
    await user.write(100, Uint8Array.of(7))
    const into = new Uint8Array(1)
    await user.read(100, into)
    assert.equal(into[0], 7)
    assert.equal(host.files.content('test')[100], 7)
    assert.equal(host.files.content('raw')[100], 7)
    assert.deepEqual(exits, [])
  })

  it('ends the program where the data differ', async () => {
    const { user, log, exits } = await world(true)
    await user.read(0, new Uint8Array(512))
    await refusal(() => user.read(512, new Uint8Array(1024)))
    assert.deepEqual(log, [
      'blkverify: read offset=512 bytes=1024 contents mismatch at offset 1000',
    ])
    assert.deepEqual(exits, [1])
  })

  it('ends the program where only one of the nodes fails', async () => {
    const { user, failing, log, exits } = await world()
    failing['raw'] = 'ENOSPC'
    await refusal(() => user.write(512, new Uint8Array(513)))
    assert.deepEqual(log, ['blkverify: write offset=512 bytes=513 return value mismatch 0 != -28'])
    assert.deepEqual(exits, [1])
  })

  it('fails where both nodes fail alike', async () => {
    const { user, failing, exits } = await world()
    Object.assign(failing, { raw: 'EIO', test: 'EIO' })
    assert.equal(await refusal(() => user.write(0, new Uint8Array(512))), 'Input/output error')
    assert.deepEqual(exits, [])
  })

  it('is as long as the node under test, and answers for what the copy lacks', async () => {
    const { user } = await world(false, { rawLength: 512 })
    assert.equal(user.length(), 65536)
    const { data, bytes } = await user.status(512, 65024)
    assert.deepEqual({ data, bytes }, { data: true, bytes: 65024 })
  })

  it('writes zeroes where it is to zero', async () => {
    const { user, host } = await world()
    await user.zero(0, 4096)
    assert.equal(host.files.content('raw')[4095], 0)
    assert.equal(host.files.content('test')[4095], 0)
  })

  it('lets nobody else change the length of the node under test', async () => {
    const { graph } = await world()
    assert.deepEqual(
      graph
        .dump()
        .edges.filter(({ name }) => name === 'raw' || name === 'test')
        .map((edge) => [edge.name, edge.perm.join(), edge['shared-perm'].join()])
        .sort(),
      [
        ['raw', 'write,consistent-read', 'write-unchanged,write,consistent-read'],
        ['test', 'resize,write,consistent-read', 'write-unchanged,write,consistent-read'],
      ],
    )
  })

  it('is named by both files', async () => {
    const { graph } = await world()
    assert.equal(graph.info(graph.find('v')).filename, 'blkverify:raw:test')
  })

  it('needs to write and resize the tested node where a parent writes what is there', async () => {
    const { graph, add, user } = await world()
    await user.close()
    await add({ driver: 'copy-on-read', 'node-name': 'c', file: 'v' })
    const perm = (name: string) => graph.dump().edges.find((edge) => edge.name === name)?.perm
    assert.deepEqual(
      [perm('test'), perm('raw')],
      [['resize', 'write-unchanged', 'write'], ['write-unchanged']],
    )
  })
})
