/** Tests of opening images by name, of backing chains, and of the names that nodes are told by. */
import assert from 'node:assert/strict'
import { DRIVERS } from '../drivers/index.ts'
import { requestPaths } from '../io/paths.ts'
import { overlay, overlayImage, refusal, testWorld } from './testing.ts'

function world(files: Readonly<Record<string, Uint8Array>> = {}) {
  const test = testWorld([...DRIVERS, overlay], requestPaths)
  const all = { 'base.raw': new Uint8Array(65536), 'base.ov': overlayImage(), ...files }
  for (const [name, content] of Object.entries(all)) test.host.files.put(name, content)
  const addOverlay = (name: string, file: string, more: object = {}) =>
    test.graph.add({
      driver: 'overlay',
      'node-name': name,
      file: { driver: 'file', filename: file },
      ...more,
    })
  const told = (name: string) => test.graph.info(test.graph.find(name))
  return { ...test, addOverlay, told }
}

describe('opening by name', () => {
  const OPENED: readonly (readonly [name: string, driver: string, told: string])[] = [
    ['base.raw', 'raw', 'base.raw'],
    ['base.ov', 'overlay', 'base.ov'],
    ['file:base.ov', 'overlay', 'base.ov'],
    ['null-co://', 'raw', 'null-co://'],
    ['json:{"driver":"file","filename":"base.ov"}', 'file', 'base.ov'],
    ['json:{"file":{"driver":"file","filename":"base.ov"}}', 'overlay', 'base.ov'],
    ['json:{"driver":"overlay","file.filename":"base.ov"}', 'overlay', 'base.ov'],
    [
      'json:{"driver":"raw","offset":"1k","file.filename":"base.raw"}',
      'raw',
      'json:{"offset": "1k", "driver": "raw", "file": {"driver": "file", "filename": "base.raw"}}',
    ],
    [
      'json:{"driver":"null-co","size":1024,"read-zeroes":"on"}',
      'null-co',
      'json:{"read-zeroes": "on", "driver": "null-co", "size": 1024}',
    ],
    [
      'json:{"driver":"quorum","children.0.driver":"null-co","vote-threshold":"1"}',
      'quorum',
      'json:{"children": [{"driver": "null-co"}], "driver": "quorum", "vote-threshold": "1"}',
    ],
  ]
  for (const [name, driver, told] of OPENED) {
    it(`finds ${driver} behind ${name}`, async () => {
      const { graph } = world()
      const node = await graph.addFilename(name)
      assert.deepEqual([node.driver.name, graph.info(node).filename], [driver, told])
      await graph.remove(node.name)
      // The name opens the same again.
      assert.equal(graph.info(await graph.addFilename(told)).filename, told)
    })
  }

  const REFUSED: readonly (readonly [name: string, text: string])[] = [
    ['gone', "Could not open 'gone': No such file or directory"],
    ['foo:base.raw', "Unknown protocol 'foo'"],
    ['null-co:x', "The only allowed filename for this driver is 'null-co://'"],
    ['json:{bad', "Could not parse the JSON options: JSON parse error, invalid keyword 'bad'"],
    ['json:[]', 'Invalid JSON object given'],
    ['json:{"filename":"base.raw"}', 'Must specify either driver or file'],
    ['json:{"driver":"raw"}', 'A block device must be specified for "file"'],
    ['json:{"driver":"raw","file":{"discard":"unmap"}}', 'Must specify either driver or filename'],
    ['json:{"driver":"nosuch"}', "Unknown driver 'nosuch'"],
    ['json:{"driver":"file"}', "The 'file' block driver requires a file name"],
    ['json:{"driver":"raw","file":"zz"}', "Cannot find device='zz' nor node-name='zz'"],
    [
      'json:{"driver":"raw","size":"12x","file.filename":"base.raw"}',
      "Parameter 'size' expects a non-negative number below 2^64",
    ],
    [
      'json:{"driver":"quorum","children.0.driver":"null-co","vote-threshold":"x"}',
      "Parameter 'vote-threshold' expects a number",
    ],
    [
      'json:{"driver":"raw","read-only":"maybe","file.filename":"base.raw"}',
      "Parameter 'read-only' expects 'on' or 'off'",
    ],
    [
      'json:{"driver":"raw","detect-zeroes":"x","file.filename":"base.raw"}',
      'invalid parameter value: x',
    ],
    ['json:{"driver":"raw","discard":"x","file.filename":"base.raw"}', 'Invalid discard option'],
    ['json:{"driver":"file","filename":"base.raw","locking":"x"}', 'invalid parameter value: x'],
    [
      'json:{"driver":"raw","foo":1,"file.filename":"base.raw"}',
      "Block format 'raw' does not support the option 'foo'",
    ],
    [
      'json:{"driver":"null-co","foo":1}',
      "Block protocol 'null-co' doesn't support the option 'foo'",
    ],
    [
      'json:{"driver":"raw","file":"zz","file.filename":"base.raw"}',
      'Cannot reference an existing block device with additional options or a new filename',
    ],
  ]
  for (const [name, text] of REFUSED) {
    it(`refuses ${name} and leaves nothing behind`, async () => {
      const { graph } = world()
      assert.equal(await refusal(() => graph.addFilename(name)), text)
      assert.deepEqual(graph.nodes(), [])
    })
  }

  it('names formats that it knows and has no driver for', async () => {
    const { graph } = world({ 'd.vmdk': new TextEncoder().encode('KDMV'.padEnd(512)) })
    assert.equal(
      await refusal(() => graph.addFilename('d.vmdk')),
      "Images of format 'vmdk' are not built yet",
    )
  })

  it('takes the format that is named rather than the one that fits', async () => {
    const { graph } = world()
    const node = await graph.addFilename('base.ov', { format: 'raw', options: { size: '512' } })
    assert.deepEqual([node.driver.name, node.length()], ['raw', 512])
  })

  it('refuses a file name beside another one', async () => {
    const { graph } = world()
    assert.equal(
      await refusal(() =>
        graph.addFilename('base.raw', { format: 'file', options: { filename: 'x' } }),
      ),
      "Can't specify 'file' and 'filename' options at the same time",
    )
  })

  it('warns where the format had to be guessed, and lets nobody turn it into another', async () => {
    const { graph, log, writer } = world()
    const node = await graph.addFilename('base.raw')
    assert.match(log.join('\n'), /^WARNING: Image format was not specified for 'base\.raw'/)
    const user = writer(node.name)
    await user.write(0, new Uint8Array(512))
    assert.equal(
      await refusal(() => user.write(0, overlayImage().subarray(0, 512))),
      'Operation not permitted',
    )
    await user.write(512, overlayImage().subarray(0, 512))
  })
})

describe('a backing chain', () => {
  const CHAINS: readonly (readonly [name: string, format: string, told: string])[] = [
    ['base.raw', 'raw', 'base.raw'],
    ['base.ov', '', 'base.ov'],
    ['json:{"driver":"overlay","file.filename":"base.ov"}', '', 'base.ov'],
  ]
  for (const [backing, format, told] of CHAINS) {
    it(`is opened as the header says: ${backing}`, async () => {
      const { addOverlay, told: tell } = world({ 'top.ov': overlayImage(backing, format) })
      await addOverlay('top', 'top.ov')
      const { filename, backingFile, image } = tell('top')
      assert.deepEqual([filename, backingFile], ['top.ov', told])
      assert.deepEqual(image.header?.filename, backing)
    })
  }

  it('is looked for where the overlay lies', async () => {
    const { graph, addOverlay, told } = world({
      'dir/top.ov': overlayImage('sub/base.ov', 'overlay'),
      'dir/sub/base.ov': overlayImage(),
    })
    await addOverlay('top', 'dir/top.ov')
    assert.equal(told('top').image.header?.fullFilename, 'dir/sub/base.ov')
    assert.equal(graph.find('top').cowChild?.flags.readOnly, true)
  })

  it('is not there where the options say null, which the name then tells', async () => {
    const { addOverlay, told, log } = world({ 'top.ov': overlayImage('gone', 'raw') })
    await addOverlay('top', 'top.ov', { backing: null })
    await addOverlay('other', 'base.ov', { backing: '' })
    assert.equal(
      told('top').filename,
      'json:{"backing": null, "driver": "overlay", "file": {"driver": "file", "filename": "top.ov"}}',
    )
    assert.deepEqual(log, [
      'warning: Use of "backing": "" is deprecated; use "backing": null instead',
    ])
  })

  it('is another one where the options say so, which the name tells', async () => {
    const { addOverlay, told } = world({ 'top.ov': overlayImage('base.raw', 'raw') })
    await addOverlay('same', 'base.ov', { 'read-only': true })
    await addOverlay('top', 'top.ov', { backing: 'same' })
    assert.match(told('top').filename, /^json:\{"backing": \{"driver": "overlay", "file"/)
  })

  it('is told plainly where another node is what the header names', async () => {
    const { addOverlay, told } = world({ 'top.ov': overlayImage('base.ov', 'overlay') })
    await addOverlay('same', 'base.ov', { 'read-only': true })
    await addOverlay('top', 'top.ov', { backing: 'same' })
    assert.equal(told('top').filename, 'top.ov')
  })

  const REFUSED: readonly (readonly [backing: string, format: string, text: string])[] = [
    [
      'gone',
      'raw',
      "Could not open backing file: Could not open 'gone': No such file or directory",
    ],
    ['base.raw', 'nosuch', "Could not open backing file: Unknown driver 'nosuch'"],
    ['base.raw', 'overlay', 'Could not open backing file: Image is not in overlay format'],
  ]
  for (const [backing, format, text] of REFUSED) {
    it(`that cannot be opened is refused: ${backing} ${format}`, async () => {
      const { addOverlay, graph } = world({ 'top.ov': overlayImage(backing, format) })
      assert.equal(await refusal(() => addOverlay('top', 'top.ov')), text)
      assert.deepEqual(graph.nodes(), [])
    })
  }

  it('that comes twice is refused', async () => {
    const { addOverlay, graph } = world({
      'top.ov': overlayImage('base.ov', 'overlay'),
      'base.ov': overlayImage('top.ov', 'overlay'),
    })
    assert.equal(
      await refusal(() => addOverlay('top', 'top.ov', { 'read-only': true })),
      'Could not open backing file: Could not open backing file: ' +
        "Backing file 'base.ov' creates an infinite loop.",
    )
    assert.deepEqual(graph.nodes(), [])
  })

  it('that lies too deep is refused', async () => {
    const names = Array.from({ length: 502 }, (_, index) => `${String(index)}.ov`)
    const { addOverlay, graph } = world(
      Object.fromEntries(
        names.map((name, index) => [name, overlayImage(names[index + 1] ?? '', 'overlay')]),
      ),
    )
    assert.match(
      await refusal(() => addOverlay('top', '0.ov', { 'read-only': true })),
      /More than 500 images would lie upon each other$/,
    )
    assert.deepEqual(graph.nodes(), [])
  })

  it('needs a directory to start from', async () => {
    const { graph } = world({ 'top.ov': overlayImage('base.ov', 'overlay') })
    const file = { driver: 'raw', size: 66048, file: { driver: 'file', filename: 'top.ov' } }
    const quorum = { driver: 'quorum', 'vote-threshold': 1, children: [file] }
    assert.equal(
      await refusal(() => graph.add({ driver: 'overlay', 'node-name': 'top', file: quorum })),
      'Cannot generate a base directory for quorum nodes',
    )
  })
})

describe('the name of a node', () => {
  it('is cut off where QEMU cuts it off', async () => {
    const { graph } = world()
    const children = Array.from({ length: 150 }, () => ({ driver: 'null-co', size: 1048576 }))
    await graph.add({ driver: 'quorum', 'node-name': 'q', 'vote-threshold': 1, children })
    const { filename } = graph.info(graph.find('q'))
    assert.deepEqual([filename.length, filename.slice(-3)], [4095, '...'])
  })
})
