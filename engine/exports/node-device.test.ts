/** A node that is used inside the process is what a client of an NBD export would find. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { SimHost } from '../host/sim/index.ts'
import { createSimHost } from '../host/sim/index.ts'
import { NbdClient } from '../nbd/client.ts'
import type { TestEngine, TestMonitor } from '../qmp/testing.ts'
import { testEngine } from '../qmp/testing.ts'
import { img } from '../tools/img/main.ts'
import { BlockError } from '../util/errors.ts'
import type { Extent, NodeDevice } from './node-device.ts'

const SIZE = 1 << 20
const IMAGE = '/images/a.qcow2'
const OPTIONS = { driver: 'qcow2', 'node-name': 'n', file: { driver: 'file', filename: IMAGE } }
const SOCKET = '/run/nbd'
const HOLE = 1
const ZERO = 2

/** A host with one empty image. */
async function withImage(): Promise<SimHost> {
  const host = createSimHost({ seed: 1 })
  host.files.makeDirectory('/images')
  host.files.makeDirectory('/run')
  const quiet = { stdout: () => undefined, stderr: () => undefined }
  const create = ['create', '-f', 'qcow2', '-o', 'cluster_size=4k', IMAGE, String(SIZE)]
  assert.equal(await host.run(img(host, create, quiet)), 0)
  return host
}

async function inProcess(host: SimHost, writable: boolean): Promise<[TestEngine, NodeDevice]> {
  const test = testEngine(1, host)
  return [test, await test.engine.openDevice({ ...OPTIONS, 'read-only': !writable }, { writable })]
}

async function overNbd(host: SimHost, writable: boolean): Promise<[TestEngine, NodeDevice]> {
  const test = testEngine(1, host)
  const { run } = await test.monitor()
  await run('blockdev-add', { ...OPTIONS, 'read-only': !writable })
  await run('nbd-server-start', { addr: { type: 'unix', data: { path: SOCKET } } })
  await run('block-export-add', { type: 'nbd', id: 'e', 'node-name': 'n', writable })
  const stream = await host.sockets.connect({ type: 'unix', path: SOCKET })
  const client = await NbdClient.connect(stream, {
    export: 'n',
    metaContexts: ['base:allocation'],
  })
  const device: NodeDevice = {
    size: client.info.size,
    read: (offset, into) => client.readInto(offset, into),
    write: (offset, data, flags) => client.write(offset, data, flags),
    zero: (offset, bytes, flags) => client.zero(offset, bytes, flags),
    trim: (offset, bytes) => client.trim(offset, bytes),
    flush: () => client.flush(),
    async status(offset, bytes) {
      const [reply] = await client.blockStatus(offset, bytes)
      return (reply?.extents ?? []).map(({ bytes: count, flags }) => ({
        bytes: count,
        hole: (flags & HOLE) !== 0,
        zero: (flags & ZERO) !== 0,
      }))
    },
    close: () => client.disconnect(),
  }
  return [test, device]
}

type Answer = Uint8Array | readonly Extent[] | string

type Request = (device: NodeDevice) => Promise<Uint8Array | readonly Extent[] | undefined>

/** Often within the image, at times past its end. */
const range = fc.record({
  offset: fc.nat(SIZE),
  bytes: fc.oneof(fc.nat(20_000), fc.constantFrom(512, 4096, SIZE)),
})

const request: fc.Arbitrary<Request> = fc
  .record({
    kind: fc.constantFrom('read', 'write', 'zero', 'trim', 'flush', 'status'),
    at: range,
    fill: fc.integer({ min: 1, max: 255 }),
    fua: fc.boolean(),
    noHole: fc.boolean(),
    fast: fc.boolean(),
  })
  .map(({ kind, at: { offset, bytes }, fill, ...flags }) => async (device) => {
    switch (kind) {
      case 'read': {
        const into = new Uint8Array(bytes).fill(0xee)
        await device.read(offset, into)
        return into
      }
      case 'write':
        await device.write(offset, new Uint8Array(bytes).fill(fill), flags)
        return undefined
      case 'zero':
        await device.zero(offset, bytes, flags)
        return undefined
      case 'trim':
        await device.trim(offset, bytes)
        return undefined
      case 'flush':
        await device.flush()
        return undefined
      default:
        return device.status(offset, bytes)
    }
  })

async function answers(device: NodeDevice, requests: readonly Request[]): Promise<Answer[]> {
  const found: Answer[] = []
  for (const ask of requests) {
    try {
      found.push((await ask(device)) ?? 'done')
    } catch (error) {
      if (!(error instanceof BlockError)) throw error
      found.push(error.errno)
    }
  }
  return found
}

async function play(
  open: typeof overNbd,
  requests: readonly Request[],
  writable: boolean,
): Promise<{ readonly answers: Answer[]; readonly image: Uint8Array }> {
  const host = await withImage()
  const work = async (): Promise<Answer[]> => {
    const [{ engine }, device] = await open(host, writable)
    const found = await answers(device, requests)
    await device.close()
    await engine.shutdown()
    return found
  }
  const found = await host.run(work())
  return { answers: found, image: host.files.content(IMAGE) }
}

describe('a node used inside the process', () => {
  for (const writable of [true, false]) {
    it(`answers as an export ${writable ? 'that may be written' : 'to read'} does, and leaves the same file`, () =>
      fc.assert(
        fc.asyncProperty(fc.array(request, { maxLength: 12 }), async (requests) => {
          const ours = await play(inProcess, requests, writable)
          const theirs = await play(overNbd, requests, writable)
          assert.deepEqual(ours, theirs)
        }),
        { numRuns: 60 },
      ))
  }

  it('is gone once it is closed, and its name is free', async () => {
    const host = await withImage()
    await host.run(
      (async () => {
        const [{ engine }, device] = await inProcess(host, true)
        await device.close()
        assert.equal(engine.graph.findOrUndefined('n'), undefined)
        await engine.shutdown()
      })(),
    )
  })

  it('leaves no node behind where others must not write', async () => {
    const host = await withImage()
    await host.run(
      (async () => {
        const { engine } = testEngine(1, host)
        await assert.rejects(
          engine.openDevice({ ...OPTIONS, 'read-only': true }, { writable: true }),
          BlockError,
        )
        assert.equal(engine.graph.findOrUndefined('n'), undefined)
        await engine.shutdown()
      })(),
    )
  })
})

describe('a node that is shown inside the process', () => {
  type Work = (test: TestEngine, run: TestMonitor['run']) => Promise<void>

  /** An engine with the image as node `n`. */
  const withNode = async (readOnly: boolean, work: Work): Promise<void> => {
    const host = await withImage()
    const test = testEngine(1, host)
    await host.run(
      (async () => {
        const { run } = await test.monitor()
        await run('blockdev-add', { ...OPTIONS, 'read-only': readOnly })
        await work(test, run)
        await test.engine.shutdown()
      })(),
    )
  }

  const refusals: readonly (readonly [string, string, boolean])[] = [
    ['that is not there', 'nowhere', false],
    ['that is read-only', 'n', true],
  ]
  for (const [which, name, readOnly] of refusals) {
    it(`is refused as its export is: one ${which}`, () =>
      withNode(readOnly, async ({ engine }, run) => {
        let text = ''
        try {
          engine.showDevice(name, { writable: true })
        } catch (error) {
          assert(error instanceof BlockError)
          text = error.message
        }
        await run('nbd-server-start', { addr: { type: 'unix', data: { path: SOCKET } } })
        const [answer] = await run('block-export-add', {
          type: 'nbd',
          id: 'e',
          'node-name': name,
          writable: true,
        })
        assert.equal((JSON.parse(answer ?? '') as { error: { desc: string } }).error.desc, text)
      }))
  }

  it('keeps others from changing its length, until it is closed', () =>
    withNode(false, async ({ engine }, run) => {
      const device = engine.showDevice('n', { writable: true })
      const resize = { 'node-name': 'n', size: 2 * SIZE }
      const [refused] = await run('block_resize', resize)
      assert.match(refused ?? '', /"error"/)
      await device?.close()
      assert.deepEqual(await run('block_resize', resize), ['{"return": {}}'])
    }))

  it('holds requests back while a drained section lasts', () =>
    withNode(false, async ({ engine, host }) => {
      const device = engine.showDevice('n', { writable: true })
      assert(device !== undefined)
      const section = await engine.graph.drainedAll()
      const states: string[] = []
      const write = device.write(0, new Uint8Array(512), {}).then(() => states.push('written'))
      await host.idle()
      states.push('drained')
      section.end()
      await write
      assert.deepEqual(states, ['drained', 'written'])
      await device.close()
    }))

  it('is left to the clients of a server that runs', () =>
    withNode(false, async ({ engine }, run) => {
      await run('nbd-server-start', { addr: { type: 'unix', data: { path: SOCKET } } })
      assert.equal(engine.showDevice('n', { writable: false }), undefined)
    }))

  it('is shown beside a server that its user runs', () =>
    withNode(false, async ({ engine }, run) => {
      await run('nbd-server-start', { addr: { type: 'unix', data: { path: SOCKET } } })
      const device = engine.showDevice('n', { writable: false, ownsServer: true })
      assert(device !== undefined)
      assert.equal(device.size, SIZE)
      await device.close()
    }))
})
