/** Tests of making and resizing image files, with the texts of a real 7.2. */
import assert from 'node:assert/strict'
import type { CreateContext, TruncateOptions } from '../../block/driver.ts'
import { ALL_PERMISSIONS, RESIZE } from '../../block/permission.ts'
import { refusal, testWorld } from '../../graph/testing.ts'
import { requestPaths } from '../../io/paths.ts'
import { DRIVERS } from '../index.ts'
import { fileCreation } from './create.ts'

function world() {
  const test = testWorld(DRIVERS, requestPaths)
  const create = async (options: object): Promise<void> => {
    // Creation looks at the files of the services only.
    const context = { options: { filename: 'new', ...options }, services: test.host }
    await fileCreation.run(context as unknown as CreateContext)
  }
  return { ...test, create }
}

describe('making an image file', () => {
  it('forgets what was there and stores a first sector or page', async () => {
    for (const [size, length] of [
      [100, 512],
      [4000, 4000],
      [4100, 4100],
    ] as const) {
      const { create, host } = world()
      host.files.put('new', new Uint8Array(5000).fill(1))
      await create({ size })
      assert.deepEqual(host.files.content('new'), new Uint8Array(length))
      assert.equal(host.files.open('new', { write: false }).allocatedBytes(), 4096)
    }
  })

  it('sets storage aside where that is asked for', async () => {
    for (const [preallocation, bytes] of [
      ['off', 4096],
      ['falloc', 65_536],
      ['full', 65_536],
    ] as const) {
      const { create, host } = world()
      await create({ size: 65_536, preallocation })
      const file = host.files.open('new', { write: false })
      assert.deepEqual([file.length(), file.allocatedBytes()], [65_536, bytes])
    }
  })

  it('is refused as 7.2 refuses it', async () => {
    const { add, create, graph, host } = world()
    const metadata = { size: 512, preallocation: 'metadata' }
    assert.equal(await refusal(() => create(metadata)), 'Unsupported preallocation mode: metadata')
    const name = { filename: '', size: 512 }
    assert.equal(
      await refusal(() => create(name)),
      "Could not create '': No such file or directory",
    )
    const hint = { size: 512, 'extent-size-hint': 2 ** 32 }
    assert.equal(await refusal(() => create(hint)), 'Extent size hint is too large')
    host.files.put('used', new Uint8Array(512))
    await add({ driver: 'file', filename: 'used', 'node-name': 'u' })
    graph.attach(graph.find('u'), { uses: 0, shares: ALL_PERMISSIONS & ~RESIZE })
    const used = { filename: 'used', size: 512 }
    assert.equal(await refusal(() => create(used)), 'Failed to get "resize" lock')
  })
})

describe('resizing a file', () => {
  async function resizing(bytes: number, preallocation: TruncateOptions['preallocation']) {
    const { add, graph, host } = world()
    host.files.put('f', new Uint8Array(8192))
    await add({ driver: 'file', filename: 'f', 'node-name': 'f' })
    const user = graph.attach(graph.find('f'), { uses: RESIZE, shares: ALL_PERMISSIONS })
    const how = preallocation === undefined ? {} : { preallocation }
    const text = await refusal(async () => {
      await user.truncate(bytes, how)
      throw new Error('done')
    }).catch(() => 'done')
    return [text, host.files.content('f').length]
  }

  it('sets storage aside for what is new only', async () => {
    const shrinking = 'Cannot use preallocation for shrinking files'
    assert.deepEqual(await resizing(4096, 'off'), ['done', 4096])
    assert.deepEqual(await resizing(4096, 'falloc'), [shrinking, 8192])
    assert.deepEqual(await resizing(4096, 'metadata'), [shrinking, 8192])
    assert.deepEqual(await resizing(16_384, 'falloc'), ['done', 16_384])
    assert.deepEqual(await resizing(16_384, 'full'), ['done', 16_384])
  })
})
