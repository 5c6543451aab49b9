/** Tests of the file driver. */
import assert from 'node:assert/strict'
import { ALL_PERMISSIONS, RESIZE, WRITE } from '../../block/permission.ts'
import { refusal, testWorld } from '../../graph/testing.ts'
import { requestPaths } from '../../io/paths.ts'
import { DRIVERS } from '../index.ts'

function world() {
  const test = testWorld(DRIVERS, requestPaths)
  test.host.files.put('f', new Uint8Array(4096).fill(1))
  return test
}

const node = (name: string, options: object = {}) => ({
  driver: 'file',
  'node-name': name,
  filename: 'f',
  ...options,
})

const quorumOver = (child: string, options: object = {}) => ({
  driver: 'quorum',
  'node-name': `q-${child}`,
  'vote-threshold': 1,
  children: [child],
  ...options,
})

describe('file', () => {
  const REFUSED: readonly (readonly [options: object, text: string])[] = [
    [{ filename: '' }, "The 'file' block driver requires a file name"],
    [{ filename: '', 'node-name': '#' }, "The 'file' block driver requires a file name"],
    [{ filename: '', 'detect-zeroes': 'unmap' }, "The 'file' block driver requires a file name"],
    [{ filename: 'none' }, "Could not open 'none': No such file or directory"],
    [{ 'pr-manager': 'p' }, "No persistent reservation manager with id 'p'"],
    [
      { aio: 'native' },
      'aio=native was specified, but it requires cache.direct=on, which was not specified.',
    ],
  ]
  for (const [options, text] of REFUSED) {
    it(`refuses ${JSON.stringify(options)}`, async () => {
      const { graph } = world()
      assert.equal(await refusal(() => graph.add(node('a', options))), text)
      assert.deepEqual(graph.nodes(), [])
    })
  }

  it('has whole sectors, and grows by a write into the last one', async () => {
    const { add, host, writer } = world()
    host.files.put('f', new Uint8Array(1000))
    await add(node('a'))
    const user = writer('a')
    assert.equal(user.length(), 1024)
    await user.write(1010, Uint8Array.of(7))
    assert.equal(host.files.content('f').length, 1011)
  })

  it('discards only where the node may', async () => {
    const { add, graph, writer } = world()
    await add(node('a'), node('b', { discard: 'unmap', locking: 'off' }))
    await writer('a').discard(0, 512)
    assert.equal(graph.stats(graph.find('a')).driverSpecific?.['discard-nb-ok'], 0)
    await writer('b').discard(0, 512)
    assert.deepEqual(graph.stats(graph.find('b')).driverSpecific, {
      driver: 'file',
      'discard-nb-ok': 1,
      'discard-nb-failed': 0,
      'discard-bytes-ok': 512,
    })
  })

  it('unmaps by zeroing for a root user, for a parent only where it may discard', async () => {
    for (const [discard, holes] of [
      ['unmap', 1],
      ['ignore', 0],
    ] as const) {
      const { add, host, writer } = world()
      const punched: string[] = []
      host.files.hook = ({ kind, path }) => {
        if (kind === 'punch') punched.push(path)
        return undefined
      }
      await add(node('a', { discard }), { driver: 'raw', 'node-name': 'r', file: 'a' })
      await writer('r').zero(0, 512, { mayUnmap: true })
      assert.equal(punched.length, holes)
      await writer('a').zero(512, 512, { mayUnmap: true })
      assert.equal(punched.length, holes + 1)
    }
  })

  it('keeps a second node on the file from writing what the first does not share', async () => {
    const { add, graph } = world()
    await add(node('a'), node('b'), quorumOver('a'))
    assert.equal(
      await refusal(() => graph.add(quorumOver('b', { 'rewrite-corrupted': true }))),
      'Failed to get "write" lock',
    )
    await graph.remove('q-a')
    await add(quorumOver('b', { 'rewrite-corrupted': true }))
    assert.equal(
      await refusal(() => graph.add(quorumOver('a'))),
      'Failed to get shared "write" lock',
    )
  })

  it('gives locks back when a change of claims is refused further up', async () => {
    const { add, graph } = world()
    await add(node('a'), node('b'), { driver: 'null-co', 'node-name': 'n', 'read-only': true })
    // The file is asked first and says yes; then the read-only child says no.
    await refusal(() =>
      graph.add(quorumOver('a', { children: ['a', 'n'], 'rewrite-corrupted': true })),
    )
    await add(quorumOver('b'))
  })

  it('does not lock where that is off', async () => {
    const { add } = world()
    await add(node('a', { locking: 'off' }), node('b'), quorumOver('a'))
    await add(quorumOver('b', { 'rewrite-corrupted': true }))
  })

  it('opens for writing only when somebody writes, with auto-read-only', async () => {
    const { add, graph, host } = world()
    host.files.setReadOnly('f')
    assert.equal(await refusal(() => graph.add(node('a'))), "Could not open 'f': Permission denied")
    await add(node('a', { 'auto-read-only': true }))
    const claims = { uses: WRITE, shares: ALL_PERMISSIONS }
    assert.equal(
      await refusal(() => graph.attach(graph.find('a'), claims)),
      "Could not open 'f': Permission denied",
    )
    assert.equal(graph.find('a').flags.readOnly, false)
  })

  it('keeps its locks when it is opened anew for writing', async () => {
    const { add, graph } = world()
    await add(node('a', { 'auto-read-only': true }), node('b'))
    graph.attach(graph.find('a'), { uses: WRITE, shares: ALL_PERMISSIONS & ~RESIZE })
    assert.equal(
      await refusal(() => graph.resize(graph.find('b'), 512)),
      'Failed to get "resize" lock',
    )
  })
})
