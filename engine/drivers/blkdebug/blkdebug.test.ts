/** Tests of the blkdebug driver. */
import assert from 'node:assert/strict'
import { createDebug } from '../../qmp/debug.ts'
import { refusal, testWorld } from '../../graph/testing.ts'
import { createSimHost } from '../../host/sim/index.ts'
import { requestPaths } from '../../io/paths.ts'
import { DRIVERS } from '../index.ts'

const IMAGE = { driver: 'file', filename: 'disk', discard: 'unmap' }

/** A blkdebug node `b` over 64 KiB of ones, with a raw node `r` over it if asked for. */
async function world(options: Record<string, unknown>, withRaw = false) {
  const host = createSimHost()
  host.files.put('disk', new Uint8Array(65536).fill(1))
  host.files.put('rules', new TextEncoder().encode('[inject-error]\nevent = "none"\n'))
  const test = testWorld(DRIVERS, requestPaths, host)
  await test.add({
    driver: 'blkdebug',
    'node-name': 'b',
    image: IMAGE,
    discard: 'unmap',
    ...options,
  })
  if (withRaw) await test.add({ driver: 'raw', 'node-name': 'r', file: 'b' })
  const user = test.writer(withRaw ? 'r' : 'b')
  /** Why a request fails, which takes a turn of the simulated host. */
  const failure = (request: () => unknown) => host.run(refusal(request))
  const read = (offset = 0) => user.read(offset, new Uint8Array(512))
  const write = (offset = 0, bytes = 512) => user.write(offset, new Uint8Array(bytes).fill(2))
  return { ...test, host, user, read, write, failure }
}

const EIO = 'Input/output error'
const name = (graph: Awaited<ReturnType<typeof world>>['graph'], node: string) =>
  graph.info(graph.find(node)).filename

describe('blkdebug', () => {
  it('hears of reads and writes from a raw node above, not from users', async () => {
    const options = { 'inject-error': [{ event: 'read_aio' }] }
    const alone = await world(options)
    await alone.read()
    const below = await world(options, true)
    assert.equal(await below.failure(() => below.read()), EIO)
  })

  it('hears of the steps of an unaligned write of its own', async () => {
    for (const event of ['pwritev_rmw_head', 'pwritev_rmw_after_tail', 'pwritev']) {
      const { write, failure } = await world({ align: 512, 'inject-error': [{ event }] })
      assert.equal(await failure(() => write(100, 100)), EIO, event)
    }
  })

  it('takes rules from a file', async () => {
    const { read, graph, failure } = await world({ config: 'rules' })
    assert.equal(name(graph, 'b'), 'blkdebug:rules:disk')
    assert.equal(await failure(() => read()), EIO)
  })

  it('fails a flush only after a write', async () => {
    const { user, write, failure } = await world({
      'inject-error': [{ event: 'none', iotype: 'flush' }],
    })
    await user.flush()
    await write()
    assert.equal(await failure(() => user.flush()), EIO)
  })

  it('claims success for a negative errno and does nothing', async () => {
    const rule = { event: 'none', errno: -5, immediately: true }
    const { user, write, host } = await world({ 'inject-error': [rule] })
    await write()
    await user.zero(0, 4096)
    assert.equal(host.files.content('disk')[0], 1)
    const into = new Uint8Array(4096).fill(9)
    await user.read(0, into)
    assert(into.every((byte) => byte === 0))
  })

  it('takes another turn before it fails, unless it is to fail immediately', async () => {
    const soon = await world({ 'inject-error': [{ event: 'none', immediately: true }] })
    assert.throws(() => void soon.read(), { errno: 'EIO' })
    const later = await world({ 'inject-error': [{ event: 'none' }] })
    const failing = later.read()
    assert(failing instanceof Promise)
    await assert.rejects(later.host.run(failing), { errno: 'EIO' })
  })

  it('cuts requests to its sizes, each of which is asked about', async () => {
    const once = { event: 'none', once: true, sector: 8 }
    const { write, host, failure } = await world({ 'max-transfer': 4096, 'inject-error': [once] })
    assert.equal(await failure(() => write(0, 8192)), EIO)
    assert.deepEqual([host.files.content('disk')[4095], host.files.content('disk')[4096]], [2, 1])
  })

  it('has parts of its blocks of zeroes written', async () => {
    const rule = { event: 'none', iotype: 'write' }
    const { user, failure } = await world({ 'opt-write-zero': 4096, 'inject-error': [rule] })
    await user.zero(0, 4096)
    assert.equal(await failure(() => user.zero(0, 4608)), EIO)
  })

  it('discards no parts of blocks of requests', async () => {
    const rule = { event: 'none', iotype: 'discard', sector: 1 }
    const { user, failure } = await world({ align: 4096, 'inject-error': [rule] })
    await user.discard(512, 512)
    assert.equal(await failure(() => user.discard(0, 4096)), EIO)
  })

  it('uses and keeps for itself the permissions that it is told to', async () => {
    const { graph } = await world({
      'take-child-perms': ['resize'],
      'unshare-child-perms': ['write', 'write-unchanged'],
    })
    const edge = graph.dump().edges.find((candidate) => candidate.name === 'image')
    assert.deepEqual(edge?.perm, ['resize', 'write', 'consistent-read'])
    assert.deepEqual(edge['shared-perm'], ['consistent-read'])
  })

  const NAMES: readonly (readonly [options: Record<string, unknown>, expected: string])[] = [
    [{}, 'blkdebug::disk'],
    [{ 'take-child-perms': ['write'] }, 'blkdebug::disk'],
    [
      { align: 512 },
      'json:{"image": {"driver": "file", "filename": "disk"}, "driver": "blkdebug", "align": 512}',
    ],
    [
      { 'inject-error': [{ event: 'read_aio', errno: 5 }] },
      'json:{"image": {"driver": "file", "filename": "disk"}, "driver": "blkdebug", ' +
        '"inject-error.0.event": "read_aio", "inject-error.0.errno": 5}',
    ],
  ]
  for (const [options, expected] of NAMES) {
    it(`is named ${expected}`, async () => {
      assert.equal(name((await world(options)).graph, 'b'), expected)
    })
  }

  const REFUSED: readonly (readonly [options: Record<string, unknown>, text: string])[] = [
    [{ align: 511 }, 'Cannot meet constraints with align 511'],
    [{ align: 2 ** 31 }, 'Cannot meet constraints with align 2147483648'],
    [{ align: -1 }, "Parameter 'align' expects a non-negative number below 2^64"],
    [{ align: 4096, 'max-transfer': 512 }, 'Cannot meet constraints with max-transfer 512'],
    [{ align: 4096, 'opt-write-zero': 512 }, 'Cannot meet constraints with opt-write-zero 512'],
    [
      { 'opt-write-zero': 4096, 'max-write-zero': 6144 },
      'Cannot meet constraints with max-write-zero 6144',
    ],
    [{ align: 4096, 'opt-discard': 6144 }, 'Cannot meet constraints with opt-discard 6144'],
    [{ 'max-discard': 2 ** 31 - 1 }, 'Cannot meet constraints with max-discard 2147483647'],
    [{ config: 'nosuch' }, 'Could not read blkdebug config file: No such file or directory'],
    [
      { 'inject-error': [], 'set-state': [] },
      "Block protocol 'blkdebug' doesn't support the option 'set-state'",
    ],
    [
      { 'unshare-child-perms': [] },
      "Block protocol 'blkdebug' doesn't support the option 'unshare-child-perms'",
    ],
  ]
  for (const [options, text] of REFUSED) {
    it(`refuses ${JSON.stringify(options)}`, async () => {
      assert.equal(await refusal(() => world(options)), text)
    })
  }

  it('stops requests at breakpoints until they are let go, newest first', async () => {
    const { graph, read } = await world({}, true)
    const debug = createDebug(graph)
    debug.breakAt('r', 'read_aio', 'first')
    const stopped = Promise.resolve(read())
    assert.equal(debug.isSuspended('r', 'first'), true)
    await read()
    debug.resume('r', 'first')
    await stopped
    assert.equal(debug.isSuspended('b', 'first'), false)
  })

  it('lets requests go when their breakpoint is removed, which then is no more', async () => {
    const { graph, write } = await world({}, true)
    const debug = createDebug(graph)
    debug.breakAt('b', 'write_aio', 'tag')
    const stopped = Promise.resolve(write())
    assert.throws(() => debug.removeBreak('b', 'tag'), {
      message: 'Could not remove breakpoint tag: No such file or directory',
    })
    await stopped
    debug.breakAt('b', 'write_aio', 'tag')
    debug.removeBreak('b', 'tag')
    await write()
  })

  it('refuses breakpoints at unknown events and where no blkdebug node is', async () => {
    const { graph, add } = await world({})
    await add({ driver: 'null-co', 'node-name': 'n' })
    const debug = createDebug(graph)
    assert.throws(() => debug.breakAt('b', 'bogus', 't'), {
      message: 'Could not set breakpoint: No such file or directory',
    })
    assert.throws(() => debug.breakAt('n', 'read_aio', 't'), {
      message: 'Could not set breakpoint: Operation not supported',
    })
    assert.throws(() => debug.resume('b', 't'), {
      message: 'Could not resume request: No such file or directory',
    })
  })
})
