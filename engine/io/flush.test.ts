/** Tests of flushes: when storage hears of one, and what happens to those that come meanwhile. */
import assert from 'node:assert/strict'
import { defineDriver, type Driver } from '../block/driver.ts'
import { refusal, testWorld } from '../graph/testing.ts'
import { createSimHost } from '../host/sim/index.ts'
import { ioError } from '../util/errors.ts'
import { requestPaths } from './paths.ts'

interface Storage {
  readonly driver: Driver
  flushes: number
  fails: boolean
}

/** @param delayNs - How long a flush takes. */
function storage(name: string, host = createSimHost(), delayNs = 0): Storage {
  const made = { flushes: 0, fails: false }
  const driver = defineDriver({
    name,
    kind: 'protocol',
    doc: 'Counts flushes.',
    options: {},
    children: {},
    open: () => ({
      length: () => 4096,
      read: () => undefined,
      write: () => undefined,
      flushToDisk() {
        made.flushes++
        const finish = (): void => {
          if (made.fails) throw ioError('EIO')
        }
        if (delayNs === 0) {
          finish()
          return
        }
        return new Promise<void>((resolve) => host.clock.after(delayNs, resolve)).then(finish)
      },
    }),
  })
  return Object.assign(made, { driver })
}

/** A node over two storages that it writes to. */
const both = defineDriver({
  name: 'both',
  kind: 'format',
  doc: 'Two children.',
  options: {},
  children: {
    left: { doc: '', role: { data: true } },
    right: { doc: '', role: { data: true } },
  },
  open: () => ({ length: () => 4096, read: () => undefined, write: () => undefined }),
})

async function world(options: Record<string, unknown> = {}) {
  const one = storage('one')
  const test = testWorld([one.driver], requestPaths)
  await test.add({ driver: 'one', 'node-name': 'n', ...options })
  return { ...test, one, user: test.writer('n') }
}

describe('a flush', () => {
  it('reaches the storage only after a write', async () => {
    const { one, user } = await world()
    await user.flush()
    assert.equal(one.flushes, 0)
    await user.write(0, new Uint8Array(1))
    await user.flush()
    await user.flush()
    assert.equal(one.flushes, 1)
  })

  it('reaches it again after one that failed', async () => {
    const { one, user } = await world()
    await user.write(0, new Uint8Array(1))
    one.fails = true
    assert.equal(await refusal(() => user.flush()), 'Input/output error')
    one.fails = false
    await user.flush()
    assert.equal(one.flushes, 2)
  })

  it('does not reach it after a resize that was refused', async () => {
    const { graph, one, user, writer } = await world()
    await user.close()
    assert.equal(
      await refusal(() => graph.resize(graph.find('n'), 512)),
      'Image format driver does not support resize',
    )
    await writer('n').flush()
    assert.equal(one.flushes, 0)
  })

  it('is none where the node shall not flush', async () => {
    const { one, user } = await world({ cache: { 'no-flush': true } })
    await user.write(0, new Uint8Array(1))
    await user.flush()
    assert.equal(one.flushes, 0)
  })

  it('waits for another one, and covers the writes in between', async () => {
    const host = createSimHost()
    const slow = storage('slow', host, 1000)
    const test = testWorld([slow.driver], requestPaths, host)
    await host.run(test.add({ driver: 'slow', 'node-name': 'n' }))
    const user = test.writer('n')
    const play = async (): Promise<void> => {
      await user.write(0, new Uint8Array(1))
      const first = user.flush()
      await user.write(1, new Uint8Array(1))
      await Promise.all([first, user.flush()])
    }
    await host.run(play())
    assert.deepEqual([slow.flushes, host.clock.nowNs()], [2, 2000])
  })

  it('reaches every child, also where an earlier one fails', async () => {
    const [one, two] = [storage('one'), storage('two')]
    const { add, writer } = testWorld([one.driver, two.driver, both], requestPaths)
    await add({ driver: 'one', 'node-name': 'n1' }, { driver: 'two', 'node-name': 'n2' })
    for (const name of ['n1', 'n2']) {
      const user = writer(name)
      await user.write(0, new Uint8Array(1))
      await user.close()
    }
    await add({ driver: 'both', 'node-name': 'b', left: 'n1', right: 'n2' })
    const user = writer('b')
    one.fails = true
    assert.equal(await refusal(() => user.flush()), 'Input/output error')
    assert.deepEqual([one.flushes, two.flushes], [1, 1])
  })
})
