/** Simulated sockets: who hears whom, by the names and addresses of one machine with one interface. */
import assert from 'node:assert/strict'
import { BlockError } from '../../util/errors.ts'
import type { SocketAddress } from '../host.ts'
import { createSimHost } from './index.ts'
import type { Surroundings } from './surroundings.ts'

type Inet = Omit<SocketAddress & { readonly type: 'inet' }, 'type' | 'port'>

const PORT = 20_809
const HOSTS = ['127.0.0.1', '127.0.0.2', '::1'] as const

async function errnoOf(work: Promise<unknown>): Promise<string> {
  const failure = await work.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (failure === undefined) return 'works'
  assert(failure instanceof BlockError)
  return failure.errno === 'ENXIO' ? failure.message : failure.errno
}

/** Which addresses a listener can be reached at, or why there is none. */
async function heardAt(wanted: Inet, surroundings: Partial<Surroundings> = {}): Promise<string> {
  const host = createSimHost({ surroundings })
  const play = async (): Promise<string> => {
    const listening = host.sockets.listen({ type: 'inet', port: PORT, ...wanted }, (stream) => {
      stream.end()
    })
    const made = await errnoOf(listening)
    if (made !== 'works') return made
    const heard: string[] = []
    for (const name of HOSTS) {
      const connecting = host.sockets.connect({ type: 'inet', host: name, port: PORT })
      if ((await errnoOf(connecting)) === 'works') heard.push(name)
    }
    return heard.join(' ')
  }
  return host.run(play())
}

// Each was seen at the server of a real 7.2, on a machine whose localhost is 127.0.0.1 alone.
const CASES: readonly (readonly [host: string, Record<'any' | 'four' | 'six', string>])[] = [
  [
    '127.0.0.1',
    { any: '127.0.0.1', four: '127.0.0.1', six: 'Address family for hostname not supported' },
  ],
  [
    '127.1',
    { any: '127.0.0.1', four: '127.0.0.1', six: 'Address family for hostname not supported' },
  ],
  ['localhost', { any: '127.0.0.1', four: '127.0.0.1', six: 'Name or service not known' }],
  ['::1', { any: '::1', four: 'Address family for hostname not supported', six: '::1' }],
  ['', { any: HOSTS.join(' '), four: '127.0.0.1 127.0.0.2', six: '::1' }],
  ['::', { any: HOSTS.join(' '), four: 'Address family for hostname not supported', six: '::1' }],
  [
    '0.0.0.0',
    {
      any: '127.0.0.1 127.0.0.2',
      four: '127.0.0.1 127.0.0.2',
      six: 'Address family for hostname not supported',
    },
  ],
  [
    '10.1.1.1',
    {
      any: 'EADDRNOTAVAIL',
      four: 'EADDRNOTAVAIL',
      six: 'Address family for hostname not supported',
    },
  ],
  [
    'nosuch',
    {
      any: 'Name or service not known',
      four: 'Name or service not known',
      six: 'Name or service not known',
    },
  ],
]

describe('a simulated listener', () => {
  for (const [host, wanted] of CASES) {
    it(`at '${host}' is heard where a real one is`, async () => {
      assert.equal(await heardAt({ host }), wanted.any)
      assert.equal(await heardAt({ host, family: 4 }), wanted.four)
      assert.equal(await heardAt({ host, family: 6 }), wanted.six)
    })
  }

  it('listens at every address that localhost has', async () => {
    const localhost = ['::1', '127.0.0.1']
    assert.equal(await heardAt({ host: 'localhost' }, { localhost }), '127.0.0.1 ::1')
    assert.equal(await heardAt({ host: 'localhost', family: 6 }, { localhost }), '::1')
  })

  it('shares no port with one at all addresses', async () => {
    const host = createSimHost()
    const listen = (name: string, port: number): Promise<string> =>
      errnoOf(host.sockets.listen({ type: 'inet', host: name, port }, () => undefined))
    await host.run(
      (async () => {
        assert.equal(await listen('127.0.0.1', PORT), 'works')
        assert.equal(await listen('0.0.0.0', PORT), 'EADDRINUSE')
        assert.equal(await listen('::1', PORT), 'works')
        assert.equal(await listen('127.0.0.2', PORT), 'works')
      })(),
    )
  })

  it('is found by who asks for version 6 and gets version 4 mapped', async () => {
    const host = createSimHost()
    await host.run(
      (async () => {
        const address = { type: 'inet', host: 'localhost', port: PORT } as const
        await host.sockets.listen(address, () => undefined)
        assert.equal(await errnoOf(host.sockets.connect({ ...address, family: 6 })), 'works')
      })(),
    )
  })
})

describe('a simulated guest', () => {
  const vsock = (cid: number, port: number): SocketAddress => ({
    type: 'vsock',
    cid,
    port,
    text: '',
  })

  it('hears nothing from other machines until its system gives up', async () => {
    const host = createSimHost()
    assert.equal(await errnoOf(host.run(host.sockets.connect(vsock(2, 7)))), 'ETIMEDOUT')
    assert.equal(host.clock.nowNs(), 2.004e9)
  })

  it('is told at once where there are no other machines', async () => {
    const host = createSimHost({ surroundings: { vsock: 'ENODEV' } })
    assert.equal(await errnoOf(host.run(host.sockets.connect(vsock(2, 7)))), 'ENODEV')
    assert.equal(host.clock.nowNs(), 0)
  })

  it('listens at its own number or at any', async () => {
    const host = createSimHost()
    const listen = (cid: number, port: number): Promise<string> =>
      errnoOf(host.run(host.sockets.listen(vsock(cid, port), () => undefined)))
    assert.equal(await listen(3, 7), 'works')
    assert.equal(await listen(2 ** 32 - 1, 7), 'EADDRINUSE')
    assert.equal(await listen(2 ** 32 - 1, 2 ** 32 - 1), 'works')
    assert.equal(await listen(1, 8), 'EADDRNOTAVAIL')
  })
})
