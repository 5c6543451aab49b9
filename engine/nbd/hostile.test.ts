/** Peers that send anything at all: each side answers or hangs up, and holds on to little. */
import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import { startTestServer, TEST_ADDRESS, testDisk } from '../exports/testing.ts'
import type { ByteStream } from '../host/host.ts'
import { streamPair } from '../host/pair.ts'
import type { SimHost } from '../host/sim/index.ts'
import { createSimHost } from '../host/sim/index.ts'
import { BlockError } from '../util/errors.ts'
import { NbdClient } from './client.ts'
import {
  BASE_ALLOCATION,
  CHUNK,
  CHUNK_FLAG_DONE,
  GREETING_MAGIC,
  INFO,
  OPTION,
  OPTION_MAGIC,
  OPTION_REPLY,
  OPTION_REPLY_MAGIC,
  REQUEST_MAGIC,
  SIMPLE_REPLY_MAGIC,
  STRUCTURED_REPLY_MAGIC,
} from './constants.ts'
import { concat } from './text.ts'
import {
  CHUNK_DATA,
  CHUNK_ERROR,
  CHUNK_HOLE,
  CHUNK_STATUS,
  CLIENT_FLAGS,
  GREETING,
  INFO_EXPORT,
  OPTION_HEADER,
  OPTION_REPLY_HEADER,
  REQUEST,
  SIMPLE_REPLY,
  STATUS_EXTENT,
  STRUCTURED_REPLY,
} from './wire.ts'

const SIZE = 4096
const bytes = fc.uint8Array({ maxLength: 64 })
const word = fc.nat(0xffff_ffff)
const small = fc.oneof(fc.nat(40), fc.nat(9000), word)
const long = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })

/** Bytes that a client might send after its flags: well formed, half right and garbage. */
const clientNoise = fc.array(
  fc.oneof(
    fc.tuple(fc.nat(12), bytes, fc.option(small)).map(([option, data, lie]) => {
      const header = { magic: OPTION_MAGIC, option, bytes: lie ?? data.length }
      return concat(OPTION_HEADER.encode(header), data)
    }),
    fc
      .tuple(fc.nat(9), fc.nat(0xffff), fc.oneof(fc.constant(0n), long), small, bytes)
      .map(([type, flags, offset, count, data]) => {
        const request = { magic: REQUEST_MAGIC, flags, type, cookie: 1n, offset, bytes: count }
        return concat(REQUEST.encode(request), data)
      }),
    bytes,
  ),
  { maxLength: 8 },
)

/** Makes the client choose the export, so that what follows is read as requests. */
const choose = concat(
  OPTION_HEADER.encode({ magic: OPTION_MAGIC, option: OPTION.structuredReply, bytes: 0 }),
  OPTION_HEADER.encode({ magic: OPTION_MAGIC, option: OPTION.exportName, bytes: 4 }),
  new TextEncoder().encode('disk'),
)

describe('NBD peers without manners', () => {
  it('never stop the server from serving others', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.boolean(), clientNoise, async (seed, chosen, noise) => {
        const host = createSimHost({ seed })
        const play = async (): Promise<void> => {
          const server = await startTestServer(host, testDisk(SIZE))
          const hostile = await host.sockets.connect(TEST_ADDRESS)
          const ended = endOf(hostile)
          await hostile.write(CLIENT_FLAGS.encode({ flags: 3 }))
          if (chosen) await hostile.write(choose)
          for (const piece of noise) await hostile.write(piece)
          hostile.end()
          await ended
          const client = await server.connect()
          await client.read(0, SIZE)
          await client.disconnect()
          await server.exports.closeAll()
        }
        await host.run(play(), undefined, 'the server')
      }),
      { numRuns: 150 },
    )
  })

  it('never make the client hang or give it data that did not come', async () => {
    const chunk = fc
      .tuple(fc.nat(2), fc.constantFrom(...Object.values(CHUNK), 9), fc.nat(3), bytes)
      .chain(([flags, type, cookie, junk]) =>
        payloadOf(type, junk).map((payload) =>
          concat(
            STRUCTURED_REPLY.encode({
              magic: STRUCTURED_REPLY_MAGIC,
              flags,
              type,
              cookie: BigInt(cookie),
              bytes: payload.length,
            }),
            payload,
          ),
        ),
      )
    const simple = fc
      .tuple(fc.constantFrom(0, 5, 22, 99), fc.nat(3))
      .map(([error, cookie]) =>
        SIMPLE_REPLY.encode({ magic: SIMPLE_REPLY_MAGIC, error, cookie: BigInt(cookie) }),
      )
    const replies = fc.array(fc.oneof(chunk, simple, bytes), { maxLength: 6 })
    await fc.assert(
      fc.asyncProperty(fc.nat(), replies, async (seed, noise) => {
        const host = createSimHost({ seed })
        await host.run(playServer(host, noise), undefined, 'the client')
      }),
      { numRuns: 200 },
    )
  })

  it('cannot confuse the handshake of the client', async () => {
    const reply = fc
      .tuple(
        fc.constantFrom(OPTION_REPLY_MAGIC, 5n),
        fc.constantFrom(...Object.values(OPTION), 77),
        fc.constantFrom(...Object.values(OPTION_REPLY), 9),
        fc.oneof(bytes, fc.constant(new Uint8Array([0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]))),
        fc.option(small),
      )
      .map(([magic, option, type, data, lie]) =>
        concat(
          OPTION_REPLY_HEADER.encode({ magic, option, type, bytes: lie ?? data.length }),
          data,
        ),
      )
    const greeting = fc.oneof(
      fc
        .nat(0xffff)
        .map((flags) =>
          GREETING.encode({ magic: GREETING_MAGIC, optionMagic: OPTION_MAGIC, flags }),
        ),
      bytes,
    )
    const server = fc.tuple(greeting, fc.array(fc.oneof(reply, bytes), { maxLength: 6 }))
    const greetingOf = (flags: number) =>
      GREETING.encode({ magic: GREETING_MAGIC, optionMagic: OPTION_MAGIC, flags })
    // A refusal that announces a long text, and no text.
    const endInsideRefusal = OPTION_REPLY_HEADER.encode({
      magic: OPTION_REPLY_MAGIC,
      option: OPTION.structuredReply,
      type: OPTION_REPLY.unsupported,
      bytes: 8257,
    })
    await fc.assert(
      fc.asyncProperty(fc.nat(), server, async (seed, [first, rest]) => {
        const host = createSimHost({ seed })
        const [here, there] = streamPair(host)
        const play = async (): Promise<void> => {
          there.onData(() => undefined)
          await there.write(concat(first, ...rest))
          there.end()
          await expectBlockError(
            NbdClient.connect(here, { metaContexts: [BASE_ALLOCATION] }).then(async (client) =>
              client.read(0, 1),
            ),
          )
        }
        await host.run(play(), undefined, 'the handshake')
      }),
      { numRuns: 200, examples: [[0, [greetingOf(3), [endInsideRefusal]]]] },
    )
  })

  it('do not make the server read more than it can use', async () => {
    const host = createSimHost()
    const play = async (): Promise<void> => {
      const server = await startTestServer(host, testDisk(SIZE))
      const hostile = await host.sockets.connect(TEST_ADDRESS)
      await hostile.write(CLIENT_FLAGS.encode({ flags: 3 }))
      await hostile.write(choose)
      let running = 0
      server.disk.before = () => {
        running += 1
        return new Promise(() => undefined)
      }
      const request = { magic: REQUEST_MAGIC, flags: 0, type: 0, cookie: 1n, offset: 0n, bytes: 9 }
      const flood = concat(...Array.from({ length: 2000 }, () => REQUEST.encode(request)))
      let taken = 0
      const push = (): void => {
        const full = hostile.write(flood)
        taken += flood.length
        if (full === undefined && taken < 2 ** 28) push()
      }
      push()
      await host.idle()
      assert(taken < 16 * 2 ** 20, 'the stream pushes back')
      assert.equal(running, 16)
    }
    await host.run(play())
  })
})

/** Answers the handshake as a good server would, then two requests with noise. */
async function playServer(host: SimHost, noise: readonly Uint8Array[]): Promise<void> {
  const [here, there] = streamPair(host)
  const handshake = concat(
    GREETING.encode({ magic: GREETING_MAGIC, optionMagic: OPTION_MAGIC, flags: 3 }),
    optionReply(OPTION.structuredReply, OPTION_REPLY.ack, new Uint8Array()),
    optionReply(
      OPTION.setMetaContext,
      OPTION_REPLY.metaContext,
      concat(new Uint8Array(4), new TextEncoder().encode(BASE_ALLOCATION)),
    ),
    optionReply(OPTION.setMetaContext, OPTION_REPLY.ack, new Uint8Array()),
    optionReply(
      OPTION.go,
      OPTION_REPLY.info,
      INFO_EXPORT.encode({ kind: INFO.export, size: SIZE, flags: 1 }),
    ),
    optionReply(OPTION.go, OPTION_REPLY.ack, new Uint8Array()),
  )
  there.onData(() => undefined)
  await there.write(handshake)
  const client = await NbdClient.connect(here, { metaContexts: [BASE_ALLOCATION] })
  const read = settled(client.read(0, 32))
  const status = settled(client.blockStatus(0, 512))
  await there.write(concat(...noise))
  there.end()
  const outcome = await read
  if (outcome instanceof Uint8Array) assert.equal(outcome.length, 32)
  await status
}

function optionReply(option: number, type: number, data: Uint8Array): Uint8Array {
  const header = { magic: OPTION_REPLY_MAGIC, option, type, bytes: data.length }
  return concat(OPTION_REPLY_HEADER.encode(header), data)
}

/** Payloads that fit their type more or less. */
function payloadOf(type: number, junk: Uint8Array): fc.Arbitrary<Uint8Array> {
  const place = fc.tuple(fc.oneof(fc.bigInt(0n, 40n), long), fc.oneof(fc.nat(40), word))
  switch (type) {
    case CHUNK.data:
      return place.map(([offset]) => concat(CHUNK_DATA.encode({ offset }), junk))
    case CHUNK.hole:
      return place.map(([offset, count]) => CHUNK_HOLE.encode({ offset, bytes: count }))
    case CHUNK.blockStatus:
      return fc
        .array(fc.tuple(fc.nat(600), fc.nat(4)), { maxLength: 4 })
        .map((extents) =>
          concat(
            CHUNK_STATUS.encode({ context: 0 }),
            ...extents.map(([count, flags]) => STATUS_EXTENT.encode({ bytes: count, flags })),
          ),
        )
    case CHUNK.error:
      return fc
        .tuple(fc.constantFrom(0, 5, 28), fc.nat(80))
        .map(([error, messageBytes]) => concat(CHUNK_ERROR.encode({ error, messageBytes }), junk))
    default:
      return fc.constant(junk)
  }
}

async function settled<T>(work: Promise<T>): Promise<T | BlockError> {
  try {
    return await work
  } catch (error) {
    assert(error instanceof BlockError, String(error))
    return error
  }
}

async function expectBlockError(work: Promise<unknown>): Promise<void> {
  assert((await settled(work)) instanceof BlockError, 'the stream ended, so something failed')
}

function endOf(stream: ByteStream): Promise<void> {
  return new Promise((resolve) => {
    stream.onData(() => undefined)
    stream.onEnd(resolve)
  })
}

// A done flag that fuzzing may set, named here so that the range above is no riddle.
assert.equal(CHUNK_FLAG_DONE, 1)
