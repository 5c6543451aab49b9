/** Tests of finding images in a chain by the names of their files. */
import assert from 'node:assert/strict'
import { DRIVERS } from '../drivers/index.ts'
import { requestPaths } from '../io/paths.ts'
import { overlay, overlayImage, testWorld } from './testing.ts'

interface About {
  /** What the headers of `top` and `mid` say. */
  readonly top?: string
  readonly mid?: string
  /** What the options of `top` say instead of its header. */
  readonly backing?: unknown
}

/** Images `/disks/top` over `/disks/mid` over `/base`; `filter` shows `top`. */
async function chain({ top = 'mid', mid = '/base', backing }: About = {}) {
  const { host, add, graph } = testWorld([...DRIVERS, overlay], requestPaths)
  host.files.put('/base', overlayImage())
  host.files.put('/disks/mid', overlayImage(mid, 'overlay'))
  host.files.put('/disks/top', overlayImage(top, 'overlay'))
  host.files.put('/disks/other', overlayImage())
  const file = { driver: 'file', filename: '/disks/top' }
  const chosen = backing === undefined ? {} : { backing }
  await add(
    { driver: 'overlay', 'node-name': 'top', file, ...chosen },
    { driver: 'blkdebug', 'node-name': 'filter', image: 'top' },
  )
  /** The file behind the image that was found. */
  const find = (filename: string, from = 'top'): string | undefined => {
    const found = graph.findBackingImage(graph.find(from), filename)
    return found && graph.filename(found)
  }
  return { find, host }
}

describe('a backing image by its file name', () => {
  it('is found by the name that the header stores, and by any that leads to the same file', async () => {
    const { find } = await chain()
    for (const name of ['mid', './mid', '../disks/mid', '/disks/mid', '/disks//./mid']) {
      assert.equal(find(name), '/disks/mid', name)
    }
  })

  it('is looked for further down, each name from where the overlay lies', async () => {
    const { find } = await chain()
    assert.equal(find('/base'), '/base')
    assert.equal(find('../base'), '/base')
    assert.equal(find('/disks/../base'), '/base')
    assert.equal(find('base'), undefined)
  })

  it('is looked for below filters too', async () => {
    const { find } = await chain()
    assert.equal(find('mid', 'filter'), '/disks/mid')
  })

  it('is none where a file is there but not in the chain, or not there', async () => {
    const { find } = await chain()
    assert.equal(find('other'), undefined)
    assert.equal(find('missing'), undefined)
  })

  it('is not the node itself', async () => {
    const { find } = await chain()
    assert.equal(find('top'), undefined)
    assert.equal(find('/disks/top'), undefined)
  })

  it('is none once its file has gone, since names are compared as files', async () => {
    const { find, host } = await chain()
    host.files.unlink('/disks/mid')
    assert.equal(find('mid'), undefined)
  })

  it('is found by its own name where the header was overruled, and by that alone', async () => {
    const other = { driver: 'overlay', file: { driver: 'file', filename: '/disks/other' } }
    const { find } = await chain({ backing: other })
    assert.equal(find('/disks/other'), '/disks/other')
    assert.equal(find('other'), undefined)
    assert.equal(find('mid'), undefined)
  })

  it('is found by a name with a protocol as the header stores it, to the letter', async () => {
    const { find } = await chain({ top: 'file:/disks/mid' })
    assert.equal(find('file:/disks/mid'), '/disks/mid')
    assert.equal(find('/disks/mid'), undefined)
    assert.equal(find('file:/disks//mid'), undefined)
    assert.equal(find('/base'), '/base')
  })
})
