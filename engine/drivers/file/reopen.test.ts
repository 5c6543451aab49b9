/** Reopening a file: the options that may change, the way it is opened, and its locks. */
import assert from 'node:assert/strict'
import { ALL_PERMISSIONS, WRITE } from '../../block/permission.ts'
import { refusal, testWorld } from '../../graph/testing.ts'
import { requestPaths } from '../../io/paths.ts'
import { DRIVERS } from '../index.ts'

async function world(options: object = {}) {
  const test = testWorld(DRIVERS, requestPaths)
  test.host.files.put('f', new Uint8Array(4096).fill(1))
  test.host.files.put('g', new Uint8Array(4096))
  const about = { driver: 'file', 'node-name': 'n', filename: 'f' }
  await test.add({ ...about, ...options })
  const reopen = (changes: object = {}) => test.graph.reopen([{ ...about, ...options, ...changes }])
  const canWrite = async (): Promise<boolean> => {
    const user = test.writer('n')
    await user.write(0, new Uint8Array(1))
    await user.close()
    return true
  }
  return { ...test, reopen, canWrite }
}

describe('reopening a file', () => {
  const REFUSED: readonly (readonly [before: object, changes: object, text: string])[] = [
    [{}, { filename: 'g' }, "Cannot change the option 'filename'"],
    [{}, { locking: 'off' }, "Cannot change the option 'locking'"],
    [{}, { aio: 'io_uring' }, "Cannot change the option 'aio'"],
    [
      { 'aio-max-batch': 0 },
      { 'force-share': false, filename: 'g' },
      "Cannot change the option 'aio-max-batch'",
    ],
    [
      { 'drop-cache': false },
      { 'drop-cache': undefined },
      "Option 'drop-cache' cannot be reset to its default value",
    ],
  ]
  for (const [before, changes, text] of REFUSED) {
    it(`refuses ${JSON.stringify(changes)} where it had ${JSON.stringify(before)}`, async () => {
      const { reopen } = await world(before)
      assert.equal(await refusal(() => reopen(changes)), text)
    })
  }

  it('takes another drop-cache', async () => {
    const { reopen, canWrite } = await world({ 'drop-cache': false })
    await reopen({ 'drop-cache': true })
    assert(await canWrite())
  })

  it('does not go back to the default once drop-cache is restated', async () => {
    const { reopen } = await world()
    await reopen({ 'drop-cache': true })
    assert.equal(
      await refusal(() => reopen()),
      "Option 'drop-cache' cannot be reset to its default value",
    )
  })

  const ALIGNMENTS: readonly (readonly [what: string, direct: readonly boolean[], want: number])[] =
    [
      ['has the smallest blocks where it was opened with direct access', [true], 512],
      ['has safe blocks of direct access from a reopen on', [false, true], 4096],
      ['has the smallest ones from the next reopen on', [false, true, true], 512],
      ['has none without direct access', [false, true, false], 1],
    ]
  for (const [what, [first, ...then], want] of ALIGNMENTS) {
    it(what, async () => {
      const { graph, reopen } = await world({ cache: { direct: first } })
      for (const direct of then) await reopen({ cache: { direct } })
      const user = graph.attach(graph.find('n'), { uses: 0, shares: ALL_PERMISSIONS })
      assert.equal(user.limits().requestAlignment, want)
    })
  }

  it('finds its blocks anew as a writer comes, and goes', async () => {
    const options = { 'auto-read-only': true, cache: { direct: true } }
    const { graph, host, writer } = await world(options)
    const alignment = async (): Promise<number> => {
      const user = graph.attach(graph.find('n'), { uses: 0, shares: ALL_PERMISSIONS })
      const { requestAlignment } = user.limits()
      await user.close()
      return requestAlignment
    }
    const file = host.files.open('f', { write: true })
    file.punchHole(0, 4096)
    assert.equal(await alignment(), 512)
    const user = writer('n')
    assert.equal(await alignment(), 4096)
    await file.write(0, new Uint8Array(4096).fill(1))
    assert.equal(await alignment(), 4096)
    await user.close()
    assert.equal(await alignment(), 512)
  })

  it('makes it read-only, and writable again', async () => {
    const { reopen, canWrite } = await world()
    await reopen({ 'read-only': true })
    assert.equal(await refusal(canWrite), 'Block node is read-only')
    await reopen({ 'read-only': false })
    assert(await canWrite())
  })

  it('keeps the locks of whoever uses it', async () => {
    const { add, graph, reopen, writer } = await world()
    const user = graph.attach(graph.find('n'), { uses: WRITE, shares: ALL_PERMISSIONS & ~WRITE })
    await reopen({ 'aio-max-batch': undefined, 'detect-zeroes': 'on' })
    await add({ driver: 'file', 'node-name': 'other', filename: 'f' })
    assert.equal(await refusal(() => writer('other')), 'Failed to get "write" lock')
    await user.close()
  })

  it('refuses to go read-only under a writer, who goes on', async () => {
    const { reopen, writer } = await world()
    const user = writer('n')
    assert.equal(
      await refusal(() => reopen({ 'read-only': true })),
      "Read-only block node 'n' cannot support read-write users",
    )
    await user.write(0, new Uint8Array(1))
  })
})
