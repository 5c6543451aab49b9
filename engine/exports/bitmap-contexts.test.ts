/** Bitmaps and the depth of allocation, as clients of an export see them. */
import assert from 'node:assert/strict'
import { NbdClient } from '../nbd/client.ts'
import type { TestMonitor } from '../qmp/testing.ts'
import { description, testEngine } from '../qmp/testing.ts'

const SIZE = 1 << 20
const PATH = '/run/nbd'

interface Setup {
  /** The error text, or `ok`. */
  readonly run: (command: string, args?: unknown) => Promise<string>
  readonly export: (more: unknown) => Promise<string>
  /** Plays a client of the export that has set these contexts. */
  readonly asClient: (
    contexts: readonly string[],
    work: (client: NbdClient) => Promise<void> | void,
  ) => Promise<void>
  readonly busy: () => Promise<unknown>
}

/** A throttle node `t` over `a`, each with a bitmap of its name, in simulated time. */
async function play(test: (setup: Setup) => Promise<void>): Promise<void> {
  const { host, monitor } = testEngine()
  const client = await monitor()
  const run = async (command: string, args: unknown = {}): Promise<string> => {
    const line = (await client.run(command, args)).at(-1)
    const text = description(line)
    return text === line ? 'ok' : text
  }
  await run('blockdev-add', {
    driver: 'null-co',
    'node-name': 'a',
    size: SIZE,
    'read-zeroes': true,
  })
  await run('object-add', { 'qom-type': 'throttle-group', id: 'g' })
  const throttle = { driver: 'throttle', 'throttle-group': 'g', file: 'a', 'node-name': 't' }
  await run('blockdev-add', throttle)
  await run('block-dirty-bitmap-add', { node: 'a', name: 'a' })
  await run('block-dirty-bitmap-add', { node: 't', name: 't', granularity: 512 })
  await run('nbd-server-start', { addr: { type: 'unix', data: { path: PATH } } })
  const add = { type: 'nbd', id: 'e', 'node-name': 't' }
  await test({
    run,
    export: (more) => run('block-export-add', { ...add, ...(more as object) }),
    async asClient(metaContexts, work) {
      const session = async (): Promise<void> => {
        const stream = await host.sockets.connect({ type: 'unix', path: PATH })
        const reader = await NbdClient.connect(stream, { export: 't', metaContexts })
        await work(reader)
        await reader.disconnect()
      }
      await host.run(session(), undefined, 'the client')
    },
    busy: () => busyOf(client),
  })
}

async function busyOf(client: TestMonitor): Promise<unknown> {
  const [line] = await client.run('query-named-block-nodes')
  const { return: nodes } = JSON.parse(line ?? '') as {
    return: readonly { readonly 'dirty-bitmaps': readonly { name: string; busy: boolean }[] }[]
  }
  return nodes.flatMap((node) => node['dirty-bitmaps']).filter(({ busy }) => busy)
}

describe('meta contexts of an export', () => {
  const writable = true
  const refused: readonly (readonly [unknown, string])[] = [
    [{ bitmaps: ['nope'] }, "Bitmap 'nope' is not found"],
    [{ bitmaps: ['t'] }, "Enabled bitmap 't' incompatible with readonly export"],
    [{ bitmaps: ['a'] }, "Enabled bitmap 'a' incompatible with readonly export"],
    [{ writable, bitmaps: [{ node: 'a', name: 't' }] }, "Dirty bitmap 't' not found"],
    [{ writable, bitmaps: [{ node: 'x', name: 't' }] }, "Node 'x' not found"],
    [{ writable, bitmaps: ['t', 'nope'] }, "Bitmap 'nope' is not found"],
  ]
  it('are refused in the words of 7.2, and nothing stays busy', () =>
    play(async ({ export: add, busy }) => {
      for (const [options, text] of refused) assert.equal(await add(options), text)
      assert.deepEqual(await busy(), [])
    }))

  it('keep their bitmaps busy as long as the export is there', () =>
    play(async ({ export: add, run }) => {
      assert.equal(await add({ bitmaps: [{ node: 't', name: 't' }] }), 'ok')
      const text = "Bitmap 't' is currently in use by another operation and cannot be used"
      const bitmap = { node: 't', name: 't' }
      for (const verb of ['remove', 'clear', 'enable', 'disable']) {
        assert.equal(await run(`block-dirty-bitmap-${verb}`, bitmap), text)
      }
      assert.equal(await add({ id: 'f', name: 'f', writable, bitmaps: ['t'] }), text)
      await run('block-export-del', { id: 'e' })
      assert.equal(await run('block-dirty-bitmap-clear', bitmap), 'ok')
    }))

  it('tell what was written', () =>
    play(async ({ export: add, asClient }) => {
      await add({ writable, bitmaps: ['t', 'a'], 'allocation-depth': true })
      const names = ['qemu:allocation-depth', 'qemu:dirty-bitmap:t', 'qemu:dirty-bitmap:a']
      await asClient(names, async (client) => {
        await client.write(1000, new Uint8Array(100))
        assert.deepEqual(await client.blockStatus(0, SIZE), [
          { context: names[0], extents: [{ bytes: SIZE, flags: 1 }] },
          {
            context: names[1],
            extents: [
              { bytes: 512, flags: 0 },
              { bytes: 1024, flags: 1 },
              { bytes: SIZE - 1536, flags: 0 },
            ],
          },
          {
            context: names[2],
            extents: [
              { bytes: 65536, flags: 1 },
              { bytes: SIZE - 65536, flags: 0 },
            ],
          },
        ])
      })
    }))

  it('are one where one of several with its name is asked for', () =>
    play(async ({ export: add, asClient }) => {
      await add({ writable, bitmaps: ['t', 't'] })
      await asClient(['qemu:dirty-bitmap:t'], (client) => {
        assert.deepEqual(client.info.metaContexts, ['qemu:dirty-bitmap:t'])
      })
    }))
})
