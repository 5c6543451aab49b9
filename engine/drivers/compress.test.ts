/** Tests of the compress filter. */
import assert from 'node:assert/strict'
import { defineDriver, type Driver, type RequestFlags } from '../block/driver.ts'
import { refusal, testWorld } from '../graph/testing.ts'
import { requestPaths } from '../io/paths.ts'
import { ioError } from '../util/errors.ts'
import { DRIVERS } from './index.ts'

const CLUSTER = 4096
const SIZE = 4 * CLUSTER

/** A format that takes compressed clusters and remembers how it was written. */
function packer(): { readonly driver: Driver; readonly writes: [number, number, RequestFlags][] } {
  const writes: [number, number, RequestFlags][] = []
  const driver = defineDriver({
    name: 'packer',
    kind: 'protocol',
    doc: 'For tests.',
    options: {},
    children: {},
    takesCompressed: true,
    open: () => ({
      length: () => SIZE,
      read(_offset, into) {
        into.fill(1)
      },
      write(offset, data, flags) {
        writes.push([offset, data.length, flags])
      },
      zero() {
        throw ioError('ENOTSUP')
      },
      info: () => ({ clusterBytes: CLUSTER }),
    }),
  })
  return { driver, writes }
}

async function world() {
  const { driver, writes } = packer()
  const test = testWorld([...DRIVERS, driver], requestPaths)
  await test.add({ driver: 'packer', 'node-name': 'p' })
  await test.add({ driver: 'null-co', 'node-name': 'n' })
  return { ...test, writes }
}

const compress = (file: string) => ({ driver: 'compress', 'node-name': 'c', file })

describe('compress', () => {
  const UNFIT: readonly (readonly [what: string, options: Readonly<Record<string, unknown>>])[] = [
    ['raw', { driver: 'raw', 'node-name': 'x', file: 'p' }],
    ['null-co', { driver: 'null-co', 'node-name': 'x' }],
    ['compress', { driver: 'compress', 'node-name': 'x', file: 'p' }],
    ['preallocate', { driver: 'preallocate', 'node-name': 'x', file: 'n' }],
    [
      'copy-before-write',
      { driver: 'copy-before-write', 'node-name': 'x', file: 'p', target: 'n' },
    ],
  ]
  for (const [what, below] of UNFIT) {
    it(`refuses to stand on ${what}`, async () => {
      const { add, graph } = await world()
      await add(below)
      assert.equal(
        await refusal(() => graph.add(compress('x'))),
        `Compression is not supported for underlying format: ${what}`,
      )
    })
  }

  it('may stand on a copy-on-read node, which hands compressed writes down', async () => {
    const { add } = await world()
    await add({ driver: 'copy-on-read', 'node-name': 'x', file: 'p' }, compress('x'))
  })

  it('writes whole compressed clusters', async () => {
    const { add, writer, writes } = await world()
    await add(compress('p'))
    await writer('c').write(CLUSTER + 10, new Uint8Array(5))
    assert.deepEqual(
      writes.map(([offset, bytes, flags]) => [offset, bytes, flags.compressed]),
      [[CLUSTER, CLUSTER, true]],
    )
  })

  it('fails to write where a node further down cannot compress', async () => {
    const { add, writer } = await world()
    await add({ driver: 'copy-on-read', 'node-name': 'x', file: 'n' }, compress('x'))
    assert.equal(
      await refusal(() => writer('c').write(0, new Uint8Array(512))),
      'Operation not supported',
    )
  })

  it('writes plain zeroes where the format looks for them and cannot zero', async () => {
    const { add, writer, writes } = await world()
    const below = { driver: 'packer', 'node-name': 'd', 'detect-zeroes': 'on' }
    await add(below, compress('d'))
    await writer('c').write(0, new Uint8Array(CLUSTER))
    assert.deepEqual(
      writes.map(([, , flags]) => flags.compressed),
      [undefined],
    )
  })

  it('zeroes without compressing', async () => {
    const { add, writer, writes } = await world()
    await add(compress('p'))
    await writer('c').zero(0, CLUSTER)
    assert.deepEqual(
      writes.map(([, , flags]) => flags.compressed),
      [undefined],
    )
  })
})
