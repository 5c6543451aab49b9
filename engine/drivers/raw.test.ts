/** Tests of the raw driver. */
import assert from 'node:assert/strict'
import { defineDriver } from '../block/driver.ts'
import { refusal, testWorld } from '../graph/testing.ts'
import { requestPaths } from '../io/paths.ts'
import { DRIVERS } from './index.ts'

const SIZE = 1048576

async function world() {
  const test = testWorld(DRIVERS, requestPaths)
  test.host.files.put('f', new Uint8Array(SIZE))
  await test.add({ driver: 'file', 'node-name': 'f', filename: 'f' })
  return test
}

const raw = (options: object) => ({ driver: 'raw', 'node-name': 'r', file: 'f', ...options })

describe('raw', () => {
  const REFUSED: readonly (readonly [options: object, text: string])[] = [
    [{ size: -1 }, "Parameter 'size' expects a non-negative number below 2^64"],
    [{ offset: -1, size: -1 }, "Parameter 'offset' expects a non-negative number below 2^64"],
    [{ size: 1 }, 'Specified size is not multiple of 512'],
    [
      { offset: SIZE + 1, size: 1 },
      'Offset (1048577) cannot be greater than size of the containing file (1048576)',
    ],
    [
      { offset: SIZE, size: 512 },
      'The sum of offset (1048576) and size (512) has to be smaller or equal to the  ' +
        'actual size of the containing file (1048576)',
    ],
  ]
  for (const [options, text] of REFUSED) {
    it(`refuses ${JSON.stringify(options)}`, async () => {
      const { graph } = await world()
      assert.equal(await refusal(() => graph.add(raw(options))), text)
    })
  }

  it('shows a window of its file, and keeps requests inside', async () => {
    const { add, host, writer } = await world()
    await add(raw({ offset: 1000, size: 1024 }))
    const user = writer('r')
    assert.equal(user.length(), 1024)
    await user.write(1, Uint8Array.of(5, 6))
    assert.deepEqual(host.files.content('f').subarray(1000, 1004), Uint8Array.of(0, 5, 6, 0))
    assert.equal(await refusal(() => user.write(1020, new Uint8Array(10))), 'Input/output error')
  })

  it('keeps others from resizing below a window only', async () => {
    const { add, graph } = await world()
    await add(raw({}), raw({ 'node-name': 'w', offset: 512 }))
    const shares = graph.dump().edges.map((edge) => edge['shared-perm'].includes('resize'))
    assert.deepEqual(shares, [false, true])
  })

  it('follows the length of its file', async () => {
    const { add, graph } = await world()
    await add(raw({}), raw({ 'node-name': 'over', file: 'r' }))
    await graph.resize(graph.find('f'), 1000)
    assert.equal(graph.find('over').length(), 1024)
  })

  it('resizes its file, but not a window of fixed size', async () => {
    const { add, graph, host } = await world()
    await add(raw({ offset: 512 }))
    await graph.resize(graph.find('r'), 1024)
    assert.equal(host.files.content('f').length, 1536)
    await graph.remove('r')
    await add(raw({ size: 512 }))
    assert.equal(
      await refusal(() => graph.resize(graph.find('r'), 1024)),
      'Cannot resize fixed-size raw disks',
    )
  })

  it('keeps every bit of a length where the window makes it longer than numbers can tell', async () => {
    const asked: unknown[] = []
    const store = defineDriver({
      name: 'store',
      kind: 'protocol',
      doc: 'Keeps the lengths that were asked for.',
      options: {},
      children: {},
      open: () => ({
        length: () => 4096,
        read: () => undefined,
        write: () => undefined,
        truncate: (_bytes, { whole }) => void asked.push(whole),
      }),
    })
    const { add, graph } = testWorld([...DRIVERS, store], requestPaths)
    await add({ driver: 'store', 'node-name': 'f' }, raw({ offset: 512 }))
    await graph.resize(graph.find('r'), 2 ** 53 - 1)
    await graph.resize(graph.find('r'), 2n ** 62n + 1n)
    assert.deepEqual(asked, [2n ** 53n + 511n, 2n ** 62n + 513n])
  })

  it('moves its window when it is reopened, and takes it back to all of its file', async () => {
    const { graph, add } = await world()
    await add(raw({ offset: 512, size: 1024 }))
    const r = graph.find('r')
    await graph.reopen([raw({ offset: 1024 })])
    assert.equal(r.length(), SIZE - 1024)
    await graph.reopen([raw({})])
    assert.equal(r.length(), SIZE)
  })

  it('stays cut off once its file was shorter', async () => {
    const { graph, add } = await world()
    await add(raw({}), { driver: 'raw', 'node-name': 'top', file: 'r', size: 65536 })
    await graph.reopen([raw({ size: 512 })])
    assert.equal(graph.find('top').length(), 512)
    await graph.reopen([raw({})])
    assert.equal(graph.find('top').length(), 512)
  })
})
