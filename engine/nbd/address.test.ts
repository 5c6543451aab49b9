/** Addresses: what is refused before anybody tries them, and what a host is asked for. */
import assert from 'node:assert/strict'
import { createSimHost } from '../host/sim/index.ts'
import { BlockError, type Errno, ioError } from '../util/errors.ts'
import { addressText, connectFailure, hostAddress, listenFailure } from './address.ts'

type Given = Readonly<Record<string, unknown>>

const inet = (members: Given): Given => ({
  type: 'inet',
  host: '127.0.0.1',
  port: '20809',
  ...members,
})

function refusal(given: Given, use: 'connect' | 'listen'): string {
  try {
    return addressText(hostAddress(given, use))
  } catch (error) {
    assert(error instanceof BlockError)
    return error.message
  }
}

describe('socket addresses', () => {
  it('must leave one version of the protocol', () => {
    assert.equal(
      refusal(inet({ ipv4: false, ipv6: false }), 'connect'),
      'Cannot disable IPv4 and IPv6 at same time',
    )
  })

  it('are numbers when a listener wants them so', () => {
    for (const members of [{ host: 'localhost' }, { port: 'http' }]) {
      const text = `${members.host ?? '127.0.0.1'}:${members.port ?? '20809'}`
      assert.equal(
        refusal(inet({ ...members, numeric: true }), 'listen'),
        `address resolution failed for ${text}: Name or service not known`,
      )
    }
    for (const host of ['::1', '127.1', '']) {
      assert.equal(refusal(inet({ host, numeric: true }), 'listen'), `${host}:20809`)
    }
  })

  it('may have names whatever who connects wishes', () => {
    const named = inet({ host: 'localhost', numeric: true })
    assert.equal(refusal(named, 'connect'), 'localhost:20809')
  })

  it('need a host or a port to listen at', () => {
    assert.equal(
      refusal(inet({ host: '', port: '' }), 'listen'),
      'address resolution failed for :: Name or service not known',
    )
  })

  it('have ports as the C library reads them', () => {
    const ports = {
      '': 0,
      ' +20809': 20809,
      '65536': 0,
      '4294967297': 1,
      '-4294967295': 1,
    }
    for (const [text, port] of Object.entries(ports)) {
      const address = hostAddress(inet({ port: text }))
      assert(address.type === 'inet')
      assert.deepEqual([address.port, address.service], [port, undefined], text)
    }
  })

  it('have other ports by the name of a service', () => {
    for (const name of ['nbd', '0x10', '1x', '-1', '2147483648', '99999999999999999999']) {
      const address = hostAddress(inet({ port: name }))
      assert(address.type === 'inet')
      assert.equal(address.service, name)
    }
  })

  it('give a range of ports to who listens only', () => {
    const last = (use: 'connect' | 'listen'): number | undefined => {
      const address = hostAddress(inet({ to: 20900 }), use)
      return address.type === 'inet' ? address.lastPort : undefined
    }
    assert.deepEqual([last('connect'), last('listen')], [undefined, 20900])
  })

  it('of kind vsock are two numbers, written as one likes', () => {
    const vsock = (cid: string, port: string): Given => ({ type: 'vsock', cid, port })
    assert.equal(refusal(vsock('x', '2'), 'listen'), "Failed to parse cid 'x'")
    assert.equal(refusal(vsock('4294967296', '2'), 'listen'), "Failed to parse cid '4294967296'")
    assert.equal(refusal(vsock('+5', '0x2'), 'listen'), "Failed to parse port '0x2'")
    assert.equal(refusal(vsock('', ''), 'connect'), "Failed to parse cid ''")
    assert.deepEqual(hostAddress(vsock(' 5', '+20')), {
      type: 'vsock',
      cid: 5,
      port: 20,
      text: ' 5:+20',
    })
  })
})

describe('a vsock address that cannot be used', () => {
  const address = hostAddress({ type: 'vsock', cid: '1', port: '+2' })
  const shown = (say: typeof listenFailure, errno: Errno): string => {
    const failure = say(address, ioError(errno))
    assert(failure instanceof BlockError)
    return failure.message
  }

  it('is told of as 7.2 does', () => {
    assert.equal(shown(connectFailure, 'ENODEV'), "Failed to connect to '1:+2': No such device")
    assert.equal(
      shown(connectFailure, 'EAFNOSUPPORT'),
      'Failed to create socket family 40: Address family not supported by protocol',
    )
    assert.equal(
      shown(listenFailure, 'EAFNOSUPPORT'),
      'Failed to create socket: Address family not supported by protocol',
    )
    assert.equal(
      shown(listenFailure, 'EADDRINUSE'),
      'Failed to bind socket: Address already in use',
    )
  })
})

describe('listening', () => {
  const host = createSimHost()
  const listen = async (members: Given): Promise<string> => {
    const address = hostAddress(inet(members), 'listen')
    try {
      const made = await host.run(host.sockets.listen(address, () => undefined))
      return made.address.type === 'unix' ? made.address.path : String(made.address.port)
    } catch (error) {
      const failure = listenFailure(address, error)
      assert(failure instanceof BlockError)
      return failure.message
    }
  }

  it('takes the first port of a range that is free', async () => {
    assert.equal(await listen({ port: '20001', to: 20003 }), '20001')
    assert.equal(await listen({ port: '20001', to: 20003 }), '20002')
    assert.equal(await listen({ port: '20003', to: 20003 }), '20003')
    assert.equal(
      await listen({ port: '20001', to: 20003 }),
      'Failed to find an available port: Address already in use',
    )
  })

  it('needs a port to try', async () => {
    assert.equal(await listen({ to: 20808 }), 'Failed to create a socket')
  })

  it('needs to know the service that is named', async () => {
    assert.equal(
      await listen({ port: 'nosuch', to: 1 }),
      'address resolution failed for 127.0.0.1:nosuch: Servname not supported for ai_socktype',
    )
  })
})
