/** Opening an `ssh` node where there is no server, or a bad one, or no way to log in. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import type { OpenContext } from '../../block/driver.ts'
import type { Host } from '../../host/host.ts'
import { createRealHost } from '../../host/real/index.ts'
import { createSimHost } from '../../host/sim/index.ts'
import { BlockError } from '../../util/errors.ts'
import { ssh } from './ssh.ts'

/** What opening is refused with. */
async function refusal(host: Host, port: string): Promise<string> {
  const context = {
    options: {
      server: { host: '127.0.0.1', port },
      path: '/x',
      'host-key-check': { mode: 'none' },
    },
    services: host,
    node: { flags: { readOnly: false } },
  }
  try {
    // The driver looks at no more of its context than this.
    await ssh.open(context as unknown as OpenContext)
    return 'opened'
  } catch (error) {
    assert(error instanceof BlockError)
    return error.message
  }
}

interface Watched {
  readonly text: string
  /** What was waited for at most, in nanoseconds. */
  readonly delays: readonly number[]
}

/** The same with a server of the test's on the real host, whose time goes by at once if so wished. */
async function refusalBy(
  serve: (socket: Socket) => void,
  about: { readonly timeFlies?: boolean } = {},
): Promise<Watched> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    serve(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  assert(typeof address === 'object' && address !== null)
  const delays: number[] = []
  const real = createRealHost()
  const host: Host = {
    ...real,
    account: { user: 'somebody', home: undefined, keyAgent: undefined },
    clock: {
      ...real.clock,
      after: (delayNs, fire) => {
        delays.push(delayNs)
        if (about.timeFlies === true) process.nextTick(fire)
        return { cancel: () => undefined }
      },
    },
  }
  try {
    return { text: await refusal(host, String(address.port)), delays }
  } finally {
    server.close()
  }
}

describe('an ssh node without a good server', () => {
  it('is refused where nobody answers', async () => {
    assert.equal(
      await refusal(createRealHost(), '1'),
      "Failed to connect to '127.0.0.1:1': Connection refused",
    )
  })

  it('is refused for a port that is no number before anybody is asked', async () => {
    for (const port of ['', 'ssh', '22 ', '0x16', '4294967296', '-2147483649', '1.0']) {
      assert.equal(await refusal(createRealHost(), port), 'Use only numeric port value')
    }
  })

  it('gives up on a server that says nothing', async () => {
    assert.deepEqual(await refusalBy(() => undefined, { timeFlies: true }), {
      text: 'failed to establish SSH session: Timeout connecting to 127.0.0.1 (libssh error code: 2)',
      delays: [10e9],
    })
  })

  it('is refused by one that hangs up, whatever it said', async () => {
    for (const words of ['', 'hello\r\n', 'SSH-2.0-x\r\n', 'SSH-2.0-x\r\n\0\0']) {
      const { text } = await refusalBy((socket) => {
        socket.end(words)
        socket.resume()
      })
      assert.equal(
        text,
        'failed to establish SSH session: Socket error: disconnected (libssh error code: 2)',
        words,
      )
    }
  })

  it('is refused by one that speaks something else', async () => {
    const greetings = ['SSH-1.5-x\r\n', `SSH-2.0-x\r\n${'\xff'.repeat(64)}`, '\0'.repeat(100_000)]
    for (const words of greetings) {
      const { text } = await refusalBy((socket) => {
        socket.end(Buffer.from(words, 'latin1'))
      })
      assert.match(text, /^failed to establish SSH session: .* \(libssh error code: 2\)$/)
    }
  })
})

describe('an ssh node on the simulated host', () => {
  it('is refused where nobody answers', async () => {
    const host = createSimHost()
    assert.equal(
      await host.run(refusal(host, '22'), undefined, 'the test'),
      "Failed to connect to '127.0.0.1:22': Connection refused",
    )
  })

  it('has nobody to log in as, whoever answers', async () => {
    const host = createSimHost()
    const open = async (): Promise<string> => {
      const address = { type: 'inet', host: '127.0.0.1', port: 22 } as const
      const listener = await host.sockets.listen(address, () => undefined)
      const text = await refusal(host, '22')
      listener.close()
      return text
    }
    assert.equal(
      await host.run(open(), undefined, 'the test'),
      'a simulated host cannot log in by SSH',
    )
  })
})
