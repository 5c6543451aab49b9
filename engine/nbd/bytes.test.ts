/** Byte for byte: what our server and a real 7.2 answer to the same options and requests. */
import assert from 'node:assert/strict'
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  CHUNK_FLAG_DONE,
  COMMAND,
  COMMAND_FLAG,
  OPTION,
  OPTION_MAGIC,
  REQUEST_MAGIC,
  SIMPLE_REPLY_MAGIC,
} from './constants.ts'
import type { Server } from './testing.ts'
import { host, needing, qemu, startOurs, startTheirs } from './testing.ts'
import { concat, encodeText } from './text.ts'
import {
  CLIENT_FLAGS,
  LONG,
  OPTION_HEADER,
  REQUEST,
  SIMPLE_REPLY,
  STRUCTURED_REPLY,
  WORD,
} from './wire.ts'

const IMAGE_BYTES = 256 * 1024 + 1000

function option(number: number, ...data: readonly Uint8Array[]): Uint8Array {
  const all = concat(...data)
  return concat(
    OPTION_HEADER.encode({ magic: OPTION_MAGIC, option: number, bytes: all.length }),
    all,
  )
}

function sized(text: string): Uint8Array {
  const bytes = encodeText(text)
  return concat(LONG.encode({ value: bytes.length }), bytes)
}

function words(...values: readonly number[]): Uint8Array {
  return concat(...values.map((value) => WORD.encode({ value })))
}

function long(value: number): Uint8Array {
  return LONG.encode({ value })
}

function contexts(number: number, name: string, ...queries: readonly string[]): Uint8Array {
  return option(number, sized(name), long(queries.length), ...queries.map(sized))
}

const STRUCTURED = option(OPTION.structuredReply)
const ABORT = option(OPTION.abort)
const { listMetaContext, setMetaContext } = OPTION
const QUERIES = [
  'base:',
  'base:allocation',
  'base:alloc',
  'qemu:',
  'qemu:dirty-bitmap:x',
  'a:b',
  '',
]

/** Each is followed by an abort, so that both servers come to an end. */
const handshakes: Readonly<Record<string, Uint8Array>> = {
  list: option(OPTION.list),
  'list with data': option(OPTION.list, encodeText('abc')),
  'an unknown option': option(99, encodeText('data')),
  'an old option': option(4),
  tls: option(OPTION.startTls),
  'tls with data': option(OPTION.startTls, words(1)),
  'structured replies twice': concat(STRUCTURED, STRUCTURED),
  'structured replies with data': option(OPTION.structuredReply, words(1)),
  info: option(OPTION.info, sized('e'), words(0)),
  'all info': option(OPTION.info, sized('e'), words(4, 3, 2, 1, 0)),
  'info after structured replies': concat(STRUCTURED, option(OPTION.info, sized('e'), words(0))),
  'info of nothing': option(OPTION.info, sized('nope'), words(0)),
  'info of a long name': option(OPTION.info, sized('x'.repeat(4096)), words(0)),
  'info of too long a name': option(OPTION.info, sized('x'.repeat(4097)), words(0)),
  'short info': option(OPTION.info, words(0)),
  'info without its kinds': option(OPTION.info, sized('e'), words(3, 0)),
  'info with more than its kinds': option(OPTION.info, sized('e'), words(0, 0)),
  'go to nothing': option(OPTION.go, sized('nope'), words(0)),
  'contexts before structured replies': concat(
    contexts(listMetaContext, 'e'),
    contexts(setMetaContext, 'e'),
  ),
  'all contexts': concat(STRUCTURED, contexts(listMetaContext, 'e'), contexts(setMetaContext, 'e')),
  ...Object.fromEntries(
    QUERIES.map((query) => [
      `contexts for '${query}'`,
      concat(
        STRUCTURED,
        contexts(listMetaContext, 'e', query),
        contexts(setMetaContext, 'e', query, query),
      ),
    ]),
  ),
  'contexts of nothing': concat(STRUCTURED, contexts(setMetaContext, 'nope', 'base:allocation')),
  'contexts that are not all there': concat(
    STRUCTURED,
    option(listMetaContext, sized('e'), long(3), sized('base:')),
  ),
  'contexts and more': concat(STRUCTURED, option(listMetaContext, sized('e'), long(0), words(7))),
}

const { read, write, flush, trim, cache, writeZeroes, blockStatus } = COMMAND
const { fua, noHole, df, oneExtent, fastZero } = COMMAND_FLAG
const END = IMAGE_BYTES + 24

type Ask = readonly [type: number, flags: number, offset: bigint | number, bytes: number]

/** In order, on one connection: later ones see what earlier ones wrote. */
const requests: readonly Ask[] = [
  [read, 0, 0, END],
  [read, df, 0, END],
  [read, 0, 5, 100_000],
  [read, 0, 0, 0],
  [read, 0, END, 0],
  [read, 0, END + 1, 0],
  [read, 0, END - 1, 2],
  [read, 0, 2n ** 64n - 1n, 10],
  [read, fua, 0, 512],
  [read, noHole, 0, 512],
  [read, 0x8000, 0, 512],
  [read, 0, 0, 2 ** 25 + 1],
  [99, 0, 0, 0],
  [99, 0, 0, 5],
  [write, 0, 1000, 5000],
  [write, fua, 0, 0],
  [write, df, 0, 512],
  [write, 0, END - 10, 20],
  [write, 0, END - 20, 10],
  [flush, 0, 5, 7],
  [flush, fua, 0, 0],
  [trim, 0, 1, 100],
  [trim, 0, 0, 65_536],
  [trim, 0, END - 10, 20],
  [trim, noHole, 0, 512],
  [cache, 0, 0, 4096],
  [cache, 0, END, 1],
  [writeZeroes, 0, 70_000, 9000],
  [writeZeroes, noHole, 131_072, 4096],
  [writeZeroes, fastZero, 140_000, 4096],
  [writeZeroes, df, 0, 512],
  [writeZeroes, 0, END, 1],
  [read, 0, 0, END],
  [blockStatus, 0, 0, END],
  [blockStatus, oneExtent, 0, END],
  [blockStatus, 0, 99_999, 1],
  [blockStatus, 0, 0, 0],
  [blockStatus, 0, END, 1],
  [blockStatus, 0, 0, 0xffff_ffff],
  [blockStatus, noHole, 0, 512],
]

function encode([type, flags, offset, bytes]: Ask, cookie: bigint): Uint8Array {
  const header = { magic: REQUEST_MAGIC, flags, type, cookie, offset: BigInt(offset), bytes }
  const data = new Uint8Array(type === write ? bytes : 0).fill(0x5a)
  return concat(REQUEST.encode(header), data)
}

/** Sends all and returns all that came until the server closed the stream. */
async function converse(server: Server, ...pieces: readonly Uint8Array[]): Promise<string> {
  const stream = await host.sockets.connect({ type: 'unix', path: server.socket })
  const got: Uint8Array[] = []
  stream.onData((chunk) => got.push(chunk))
  const ended = new Promise<void>((resolve) => {
    stream.onEnd(resolve)
  })
  await stream.write(concat(CLIENT_FLAGS.encode({ flags: 3 }), ...pieces))
  await ended
  return Buffer.concat(got).toString('hex')
}

/** Bytes of the whole reply at the start of `got`, or nothing while some are missing. */
function replyBytes(got: Buffer, [type, , , bytes]: Ask): number | undefined {
  let at = 0
  while (got.length >= at + SIMPLE_REPLY.size) {
    const { magic, error } = SIMPLE_REPLY.decode(got, at)
    if (magic === SIMPLE_REPLY_MAGIC) {
      const end = at + SIMPLE_REPLY.size + (type === read && error === 0 ? bytes : 0)
      return got.length < end ? undefined : end
    }
    if (got.length < at + STRUCTURED_REPLY.size) return undefined
    const chunk = STRUCTURED_REPLY.decode(got, at)
    at += STRUCTURED_REPLY.size + chunk.bytes
    if ((chunk.flags & CHUNK_FLAG_DONE) !== 0) return got.length < at ? undefined : at
  }
  return undefined
}

/** One request at a time; the replies, after what the handshake gave. */
async function converseInTurns(server: Server, setup: Uint8Array): Promise<string[]> {
  const stream = await host.sockets.connect({ type: 'unix', path: server.socket })
  let got = Buffer.alloc(0)
  let wake: () => void = () => undefined
  stream.onData((chunk) => {
    got = Buffer.concat([got, chunk])
    wake()
  })
  const taken = async (bytes: () => number | undefined): Promise<string> => {
    let end: number | undefined
    while ((end = bytes()) === undefined) {
      await new Promise<void>((resolve) => (wake = resolve))
    }
    const text = got.subarray(0, end).toString('hex')
    got = got.subarray(end)
    return text
  }
  const mark: Ask = [flush, 0, 0, 0]
  const reply = Buffer.from(
    SIMPLE_REPLY.encode({ magic: SIMPLE_REPLY_MAGIC, error: 0, cookie: 7n }),
  )
  await stream.write(concat(CLIENT_FLAGS.encode({ flags: 3 }), setup, encode(mark, 7n)))
  const replies = [
    await taken(() => {
      const index = got.indexOf(reply)
      return index < 0 ? undefined : index + reply.length
    }),
  ]
  for (const ask of requests) {
    await stream.write(encode(ask, 7n))
    replies.push(await taken(() => replyBytes(got, ask)))
  }
  stream.destroy()
  return replies
}

describe('NBD server, byte for byte', function () {
  let folder = ''
  const servers: Server[] = []
  before(needing(qemu('qemu-storage-daemon')))
  before(async () => {
    folder = fs.mkdtempSync(join(tmpdir(), 'nbd-'))
    for (const start of [startOurs, startTheirs]) {
      const image = join(folder, `${start.name}.raw`)
      const fd = fs.openSync(image, 'w')
      fs.ftruncateSync(fd, IMAGE_BYTES)
      fs.writeSync(fd, Buffer.alloc(50_000, 0x11), 0, 50_000, 40_960)
      fs.writeSync(fd, Buffer.alloc(1000, 0x22), 0, 1000, IMAGE_BYTES - 1000)
      fs.closeSync(fd)
      servers.push(await start(folder, image))
    }
  })
  after(async () => {
    for (const server of servers) await server.stop()
    if (folder !== '') fs.rmSync(folder, { recursive: true })
  })

  async function both<T>(play: (server: Server) => Promise<T>): Promise<readonly T[]> {
    const results: T[] = []
    for (const server of servers) results.push(await play(server))
    return results
  }

  for (const [name, pieces] of Object.entries(handshakes)) {
    it(`answers ${name}`, async () => {
      const [ours, theirs] = await both((server) => converse(server, pieces, ABORT))
      assert.equal(ours, theirs)
    })
  }

  const go = option(OPTION.go, sized('e'), words(1, 3))
  const allocation = contexts(setMetaContext, 'e', 'base:allocation')
  const modes: readonly [string, Uint8Array][] = [
    ['structured replies and status', concat(STRUCTURED, allocation, go)],
    ['structured replies alone', concat(STRUCTURED, go)],
    ['simple replies', go],
    ['simple replies and the old way in', option(OPTION.exportName, encodeText('e'))],
  ]
  for (const [name, setup] of modes) {
    it(`answers requests with ${name}`, async () => {
      const [ours = [], theirs = []] = await both((server) => converseInTurns(server, setup))
      for (const [index, reply] of theirs.entries()) {
        assert.equal(ours[index], reply, `after request ${requests[index - 1]?.join(' ') ?? ''}`)
      }
    })
  }
})
