/** Tests of reopening nodes. */
import assert from 'node:assert/strict'
import { DRIVERS } from '../drivers/index.ts'
import { requestPaths } from '../io/paths.ts'
import { overlay, overlayImage, refusal, testWorld } from './testing.ts'

const file = (filename: string, more: object = {}) => ({ driver: 'file', filename, ...more })

/** `n` and `m`, null; `r`, raw over n; `top` over `base`; `in`, raw over a nested file. */
async function world() {
  const test = testWorld([...DRIVERS, overlay], requestPaths)
  for (const name of ['base.ov', 'other.ov']) test.host.files.put(name, overlayImage())
  test.host.files.put('top.ov', overlayImage('base.ov', 'overlay'))
  test.host.files.put('f', new Uint8Array(65536))
  const readOnly = { 'read-only': true }
  await test.add(
    { driver: 'null-co', 'node-name': 'n', size: 65536 },
    { driver: 'null-co', 'node-name': 'm', size: 1024 },
    { driver: 'raw', 'node-name': 'r', file: 'n' },
    { driver: 'overlay', 'node-name': 'base', file: file('base.ov'), ...readOnly },
    { driver: 'overlay', 'node-name': 'top', file: file('top.ov'), backing: 'base' },
    { driver: 'raw', 'node-name': 'in', file: file('f') },
    { driver: 'quorum', 'node-name': 'q', children: ['m'], 'vote-threshold': 1 },
  )
  const edges = () => {
    const { nodes, edges: all } = test.graph.dump()
    const nameOf = (id: number) => nodes.find((node) => node.id === id)?.name ?? ''
    return all.map(({ parent, name, child }) => `${nameOf(parent)} ${name} ${nameOf(child)}`)
  }
  return { ...test, edges, reopen: (...list: object[]) => test.graph.reopen(list as never[]) }
}

const raw = (more: object = {}) => ({ driver: 'raw', 'node-name': 'r', file: 'n', ...more })
const nul = (more: object = {}) => ({
  driver: 'null-co',
  'node-name': 'n',
  size: 65536,
  ...more,
})
const top = (more: object = {}) => ({
  driver: 'overlay',
  'node-name': 'top',
  file: file('top.ov'),
  backing: 'base',
  ...more,
})

describe('reopening', () => {
  const REFUSED: readonly (readonly [what: string, list: object[], text: string])[] = [
    ['no node', [], 'No node is listed'],
    ['a node without a name', [{ driver: 'raw', file: 'n' }], 'node-name not specified'],
    [
      'an unknown node',
      [{ driver: 'raw', 'node-name': 'zz', file: 'n' }],
      "Failed to find node with node-name='zz'",
    ],
    [
      'a driver that cannot',
      [{ driver: 'quorum', 'node-name': 'q', children: ['m'], 'vote-threshold': 1 }],
      "Block format 'quorum' used by node 'q' does not support reopening files",
    ],
    ['another driver', [nul({ driver: 'null-aio' })], "Cannot change the option 'driver'"],
    ['another size', [nul({ size: 512 })], "Cannot change the option 'size'"],
    ['a new option', [nul({ 'read-zeroes': false })], "Cannot change the option 'read-zeroes'"],
    ['shared access', [nul({ 'force-share': false })], "Cannot change the option 'force-share'"],
    ['an empty dictionary', [nul({ cache: {} })], "Cannot change the option 'cache'"],
    [
      'a missing option',
      [{ driver: 'null-co', 'node-name': 'n' }],
      "Option 'size' cannot be reset to its default value",
    ],
    [
      'zeroes by unmapping',
      [nul({ 'detect-zeroes': 'unmap' })],
      'setting detect-zeroes to unmap is not allowed without setting discard operation to unmap',
    ],
    ['a nested child', [raw({ file: nul() })], "Cannot change the option 'file.driver'"],
    [
      'itself as a child',
      [raw({ file: 'r' })],
      "Making 'r' a file child of 'r' would create a cycle",
    ],
    ['a missing child', [raw({ file: 'zz' })], "Cannot find device='' nor node-name='zz'"],
    [
      'a window past the end',
      [raw({ offset: 131072 })],
      'Offset (131072) cannot be greater than size of the containing file (65536)',
    ],
    ['no word of the backing', [top({ backing: undefined })], "backing is missing for 'top'"],
    [
      'a backing for what has none',
      [{ driver: 'overlay', 'node-name': 'r', file: 'n', backing: 'm' }],
      "Driver 'raw' of node 'r' does not support backing files",
    ],
    [
      'a file for what has none',
      [{ driver: 'raw', 'node-name': 'm', size: 1024, file: 'n' }],
      'Cannot set file child to format node without file child',
    ],
    ['a fixed option', [top({ shade: 'x' })], "Cannot change the option 'shade'"],
    [
      'a name for a nested child',
      [top({ file: file('top.ov', { 'node-name': 'x' }) })],
      "Cannot change the option 'node-name'",
    ],
    [
      'another file for a nested child',
      [top({ file: file('other.ov') })],
      "Cannot change the option 'filename'",
    ],
  ]
  for (const [what, list, text] of REFUSED) {
    it(`refuses ${what} and leaves all as it was`, async () => {
      const { reopen, snapshot } = await world()
      const before = snapshot()
      assert.equal(await refusal(() => reopen(...list)), text)
      assert.deepEqual(snapshot(), before)
    })
  }

  it('is all or nothing', async () => {
    const { reopen, snapshot } = await world()
    const before = snapshot()
    const list = [raw({ file: 'm', offset: 512 }), top({ backing: null }), nul({ size: 1 })]
    assert.equal(await refusal(() => reopen(...list)), "Cannot change the option 'size'")
    assert.deepEqual(snapshot(), before)
  })

  it('restates flags from scratch, but keeps what was said of discards', async () => {
    const { reopen, graph } = await world()
    await reopen(
      nul({ 'read-only': true, discard: 'unmap', 'detect-zeroes': 'on', cache: { direct: true } }),
    )
    const { flags } = graph.find('n')
    assert.deepEqual([flags.readOnly, flags.direct, flags.detectZeroes], [true, true, 'on'])
    await reopen(nul())
    assert.deepEqual(
      [flags.readOnly, flags.direct, flags.detectZeroes, flags.discard],
      [false, false, 'off', true],
    )
  })

  it('replaces a file, moves the window, and the driver sees both', async () => {
    const { reopen, graph, edges } = await world()
    await reopen(raw({ file: 'm', offset: 512 }))
    assert.equal(graph.find('r').length(), 512)
    assert.ok(edges().includes('r file m'))
    assert.ok(!edges().includes('r file n'))
  })

  it('detaches and attaches backing images', async () => {
    const { reopen, graph, edges } = await world()
    await reopen(top({ backing: null }))
    assert.equal(graph.find('top').cowChild, undefined)
    await reopen(top({ backing: 'm' }))
    assert.ok(edges().includes('top backing m'))
  })

  it('takes a nested child that is the one which is there, and hands flags down to it', async () => {
    const { reopen, graph } = await world()
    await reopen({ driver: 'raw', 'node-name': 'in', file: file('f'), 'read-only': true })
    assert.equal(graph.find('in').primaryChild?.flags.readOnly, true)
  })

  it('takes the name of the nested child too, which keeps what it does not inherit', async () => {
    const { reopen, graph } = await world()
    const name = graph.find('in').primaryChild?.name
    await reopen({ driver: 'raw', 'node-name': 'in', file: name, 'read-only': true })
    assert.equal(graph.find('in').primaryChild?.flags.readOnly, true)
  })

  it('closes nested children that nobody uses any more', async () => {
    const { reopen, graph } = await world()
    const before = graph.nodes().length
    await reopen({ driver: 'raw', 'node-name': 'in', file: 'n' })
    assert.equal(graph.nodes().length, before - 1)
  })

  it('tells who would still write what is to be read only', async () => {
    const { reopen, writer } = await world()
    const user = writer('r')
    assert.equal(
      await refusal(() => reopen(raw({ 'read-only': true }))),
      "Read-only block node 'r' cannot support read-write users",
    )
    await user.close()
    await reopen(raw({ 'read-only': true }))
    assert.equal(await refusal(() => writer('r')), 'Block node is read-only')
  })

  it('lets the later of two entries for a node win', async () => {
    const { reopen, graph } = await world()
    await reopen(raw({ offset: 512 }), raw({ file: 'm' }))
    assert.equal(graph.find('r').length(), 512)
  })

  it('applies entries in turn: a cycle on the way is refused', async () => {
    const { reopen, add, edges } = await world()
    await add({ driver: 'raw', 'node-name': 'up', file: 'r' })
    const up = { driver: 'raw', 'node-name': 'up', file: 'n' }
    assert.equal(
      await refusal(() => reopen(raw({ file: 'up' }), up)),
      "Making 'up' a file child of 'r' would create a cycle",
    )
    await reopen(up, raw({ file: 'up' }))
    assert.ok(edges().includes('r file up'))
  })

  it('leaves an edge that it moved and moved back as the newest one', async () => {
    const { edges, reopen } = await world()
    const names = () => edges().flatMap((edge) => /^top (\w+)/.exec(edge)?.[1] ?? [])
    const before = names()
    await refusal(() => reopen(top({ file: 'm' }), nul({ size: 5 })))
    assert.deepEqual(
      [before, names()],
      [
        ['file', 'backing'],
        ['backing', 'file'],
      ],
    )
  })

  const rules = { 'inject-error': [{ event: 'write_aio' }, { event: 'write_aio' }] }
  const debug = { driver: 'blkdebug', 'node-name': 'd', image: { driver: 'null-co' }, ...rules }
  /** The rules in the order in which the name lists them. */
  const rulesIn = (filename: string) =>
    [...filename.matchAll(/inject-error\.(\d)\.event/g)].map(([, index]) => index).join('')
  const NESTED = [
    ['of its own options', (node: object) => ({ ...node }), '10'],
    ['of options nested once', (file: object) => raw({ 'node-name': 'o', file }), '01'],
    [
      'of options nested twice',
      (file: object) => raw({ 'node-name': 'o', file: { driver: 'raw', file } }),
      '10',
    ],
  ] as const
  for (const [what, nest, order] of NESTED) {
    it(`lists colliding names ${what} as 7.2`, async () => {
      const { graph, add, reopen } = await world()
      await add(nest(debug))
      const name = () => rulesIn(graph.info(graph.find('d')).filename)
      assert.equal(name(), '01')
      await reopen(nest(debug))
      assert.equal(name(), order)
    })
  }

  it('lists colliding names of a child that is kept as 7.2', async () => {
    const { graph, add, reopen } = await world()
    await add(raw({ 'node-name': 'o', file: debug }))
    const seen: string[] = []
    for (let times = 0; times < 3; times += 1) {
      await reopen(raw({ 'node-name': 'o', file: 'd' }))
      seen.push(rulesIn(graph.info(graph.find('d')).filename))
    }
    assert.deepEqual(seen, ['01', '10', '01'])
  })

  it('refuses a node that cannot be flushed, and says why', async () => {
    const { add, writer, reopen } = await world()
    const rules = [{ event: 'none', iotype: 'flush', errno: 28, immediately: true }]
    const failing = { driver: 'blkdebug', 'node-name': 'd', image: 'n', 'inject-error': rules }
    await add(failing)
    await writer('d').write(0, new Uint8Array(512))
    const text = await refusal(() => reopen(failing))
    assert.equal(text, 'Error flushing drive: No space left on device')
  })

  it('lets requests finish first, and waits with new ones', async () => {
    const { host, add, writer, reopen } = await world()
    await add(
      { driver: 'null-co', 'node-name': 'slow', 'latency-ns': 1_000_000, size: 65536 },
      { driver: 'raw', 'node-name': 's', file: 'slow' },
    )
    const user = writer('s')
    const order: string[] = []
    const write = Promise.resolve(user.write(0, new Uint8Array(512))).then(() =>
      order.push('write'),
    )
    const done = reopen({ driver: 'raw', 'node-name': 's', file: 'n' }).then(() =>
      order.push('reopen'),
    )
    await host.run(Promise.all([write, done]))
    assert.deepEqual(order, ['write', 'reopen'])
  })
})

describe('changing the header', () => {
  const CHANGES: readonly (readonly [device: string, image: string, text: string])[] = [
    ['zz', 'top', "Cannot find device='zz' nor node-name='zz'"],
    ['base', 'top', 'Need a root block node'],
    ['top', 'zz', "Cannot find device='' nor node-name='zz'"],
    ['top', 'base', 'not allowing backing file change on an image without a backing file'],
    ['r', 'top', "'r' and image file are not in the same chain"],
  ]
  for (const [device, image, text] of CHANGES) {
    it(`of ${image} below ${device} is refused`, async () => {
      const { graph } = await world()
      const change = { device, image, backingFile: 'x' }
      assert.equal(await refusal(() => graph.changeBackingFile(change)), text)
    })
  }

  it('writes the new name, and the name of the node tells that another image is open', async () => {
    const { graph } = await world()
    await graph.changeBackingFile({ device: 'top', image: 'top', backingFile: 'other.ov' })
    const { image, filename } = graph.info(graph.find('top'))
    assert.deepEqual(image.header, {
      filename: 'other.ov',
      format: 'overlay',
      fullFilename: 'other.ov',
    })
    assert.match(filename, /^json:\{"backing"/)
  })

  it('opens a read-only image for writing meanwhile', async () => {
    const { graph, reopen } = await world()
    await reopen(top({ 'read-only': true }))
    await graph.changeBackingFile({ device: 'top', image: 'top', backingFile: '' })
    assert.equal(graph.info(graph.find('top')).image.header, undefined)
    assert.equal(graph.find('top').flags.readOnly, true)
  })

  it('fails where the driver has no header to write', async () => {
    const { graph, add } = await world()
    await add({ driver: 'blkdebug', 'node-name': 'dbg', image: 'top' })
    assert.equal(
      await refusal(() =>
        graph.changeBackingFile({ device: 'dbg', image: 'dbg', backingFile: 'x' }),
      ),
      "Could not change backing file to 'x': Operation not supported",
    )
  })
})
