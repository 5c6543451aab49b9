/** One QMP connection: replies by id, events in order, and every wait ends. */
import assert from 'node:assert/strict'
import { type ByteStream, createSimHost, type SimHost, streamPair } from '../engine/index.ts'
import { Framer, StreamError } from './framing.ts'
import { DeadlineError, GoneError, Session } from './session.ts'

interface Peer {
  readonly host: SimHost
  readonly session: Session
  readonly served: ByteStream
  readonly say: (text: string) => void
  /** What the session has sent. */
  readonly heard: () => string
}

function connect(fence?: () => Promise<void>): Peer {
  const host = createSimHost({ seed: 1 })
  const [ours, served] = streamPair(host)
  let heard = ''
  served.onData((chunk) => {
    heard += new TextDecoder().decode(chunk)
  })
  const say = (text: string): void => {
    void served.write(new TextEncoder().encode(text))
  }
  return { host, served, session: new Session(ours, host.clock, fence), say, heard: () => heard }
}

describe('a QMP session', () => {
  it('takes a reply by its id, whatever comes between', async () => {
    const { host, session, say } = connect()
    say('{"event": "A", "data": {}}\n{"return": 1, "id": "b1"}\n')
    const reply = await host.run(session.command('x', undefined, 100))
    assert.deepEqual(reply, { kind: 'return', value: 1 })
    assert.deepEqual(
      session.events.map((event) => event.name),
      ['A'],
    )
  })

  it('reads messages that are cut anywhere or spread over lines', async () => {
    const { host, session, say } = connect()
    for (const char of '{\n "return": {"a": "}{\\""},\n "id": "b1" }\n') say(char)
    const reply = await host.run(session.command('x', undefined, 100))
    assert.deepEqual(reply, { kind: 'return', value: { a: '}{"' } })
  })

  it('keeps integers exact', async () => {
    const { host, session, say } = connect()
    say('{"return": 18446744073709551615, "id": "b1"}\n')
    const reply = await host.run(session.command('x', undefined, 100))
    assert.deepEqual(reply, { kind: 'return', value: 2n ** 64n - 1n })
  })

  it('gives up at its deadline, in virtual time', async () => {
    const { host, session } = connect()
    await assert.rejects(host.run(session.command('x', undefined, 5000)), DeadlineError)
    assert.equal(host.clock.nowNs(), 5e9)
  })

  it('gives up when the peer is gone', async () => {
    const { host, session, served } = connect()
    served.end()
    await assert.rejects(host.run(session.command('x', undefined, 5000)), GoneError)
  })

  it('calls garbage by its name', async () => {
    const { host, session, say } = connect()
    say('hello\n')
    await assert.rejects(
      host.run(session.command('x', undefined, 5000)),
      (error: unknown) => error instanceof GoneError && error.reason === 'garbage',
    )
  })

  it('stops a flood of events', async () => {
    const { host, session, say } = connect()
    say('{"event": "X"}\n'.repeat(20_001))
    await assert.rejects(
      host.run(session.command('x', undefined, 5000)),
      (error: unknown) => error instanceof GoneError && error.reason === 'flood',
    )
  })

  it('returns every answer to raw bytes, up to the fence', async () => {
    const { host, session, say } = connect()
    say('{"error": {"class": "GenericError", "desc": "no"}}\n{"return": {}, "id": "b1"}\n')
    const replies = await host.run(session.raw('{nonsense', 100))
    assert.deepEqual(replies, [{ kind: 'error', class: 'GenericError', desc: 'no' }])
  })

  it('asks nothing where the target can tell that all has arrived', async () => {
    const { host, session, heard } = connect(() => Promise.resolve())
    await host.run(session.fence(100))
    assert.equal(heard(), '')
  })

  it('asks all the same while an answer is due', async () => {
    const { host, session, say, heard } = connect(() => Promise.resolve())
    const work = Promise.all([session.command('x', undefined, 100), session.fence(100)])
    await host.idle()
    assert.match(heard(), /query-version/)
    say('{"return": 1, "id": "b1"}\n{"return": 2, "id": "b2"}\n')
    await host.run(work)
  })

  it('gives up a fence that the target never tells of', async () => {
    const { host, session } = connect(() => new Promise(() => undefined))
    await assert.rejects(host.run(session.fence(5000)), DeadlineError)
  })

  it('negotiates out-of-band execution where it is offered', async () => {
    const { host, session, say, heard } = connect()
    say('{"QMP": {"capabilities": ["oob"]}}\n')
    const work = session.negotiate(100)
    await host.idle()
    say('{"return": {}, "id": "b1"}\n')
    await host.run(work)
    assert.match(heard(), /"enable": \["oob"\]/)
  })
})

describe('framing', () => {
  it('refuses a message beyond its limit', () => {
    const framer = new Framer({ messageBytes: 10 })
    assert.throws(() => framer.push(new TextEncoder().encode('{"a": "0123456789')), StreamError)
  })

  it('refuses what is no UTF-8', () => {
    const framer = new Framer({ messageBytes: 100 })
    assert.throws(() => framer.push(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d)), StreamError)
  })
})
