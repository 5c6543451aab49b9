/**
 * Packing by the system's libz and libzstd, so that the packed bytes are those that other programs
 * of the machine make. The same on every host: it depends on nothing but the data.
 *
 * Without libz, Node's own deflate packs: other bytes, of the same meaning. Without libzstd there
 * is no zstd. Source: zlib's and zstd's manuals; parameters as observed in files of QEMU 7.2.
 */
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib'
import { BlockError } from '../util/errors.ts'
import { le32, le64, reserved, struct } from '../util/struct.ts'
import type { Compression, Packing } from './host.ts'
import { loadKoffi, type Call, type Koffi } from './native.ts'

const WINDOW_BITS = 12
const MEMORY_LEVEL = 9

export const systemCompression: Compression = {
  packing: (kind) => (kind === 'deflate' ? deflate : zstd()),
}

const deflate: Packing = {
  pack(data, most) {
    libz ??= bindLibz()
    return libz(data, most)
  },
  unpack(packed, bytes) {
    try {
      const data = inflateRawSync(packed, {
        windowBits: WINDOW_BITS,
        finishFlush: constants.Z_SYNC_FLUSH,
        maxOutputLength: bytes,
      })
      return data.length === bytes ? data : undefined
    } catch {
      return undefined
    }
  },
}

let libz: Packing['pack'] | undefined

/** Where a stream's input or output lies: two places of `struct z_stream`, one after the other. */
const BUFFER = struct(16, { address: le64(0), bytes: le32(8), gap: reserved(12, 4) })
const Z_STREAM = { bytes: 112, input: 0, output: 24 } as const
const Z_DEFLATED = 8
const Z_FINISH = 4
const Z_STREAM_END = 1

function bindLibz(): Packing['pack'] {
  try {
    return packWith(loadKoffi())
  } catch {
    return packWithoutLibz
  }
}

function packWith(koffi: Koffi): Packing['pack'] {
  // Node's own functions of the same names must not take the place of the library's.
  const library = koffi.load('libz.so.1', { deep: true })
  const version = library.func('const char *zlibVersion()') as unknown as () => string
  const init = library.func(
    'int deflateInit2_(void *, int, int, int, int, int, const char *, int)',
  ) as Call
  const run = library.func('int deflate(void *, int)') as Call
  const reset = library.func('int deflateReset(void *)') as Call
  const stream: unknown = koffi.alloc('uint8_t', Z_STREAM.bytes)
  const record = new Uint8Array(koffi.view(stream, Z_STREAM.bytes))
  record.fill(0)
  const done = init(
    ...[stream, constants.Z_DEFAULT_COMPRESSION, Z_DEFLATED, -WINDOW_BITS, MEMORY_LEVEL],
    ...[constants.Z_DEFAULT_STRATEGY, version(), Z_STREAM.bytes],
  )
  if (done !== constants.Z_OK) throw new Error(`deflateInit2 returned ${String(done)}`)
  const point = (at: number, buffer: Uint8Array): void => {
    const address = koffi.address(buffer)
    BUFFER.encodeInto(record, at, { address, bytes: buffer.length, gap: undefined })
  }
  return (data, most) => {
    const packed = new Uint8Array(most)
    point(Z_STREAM.input, data)
    point(Z_STREAM.output, packed)
    const result = run(stream, Z_FINISH)
    const left = BUFFER.decode(record, Z_STREAM.output).bytes
    reset(stream)
    return result === Z_STREAM_END ? packed.subarray(0, most - left) : undefined
  }
}

function packWithoutLibz(data: Uint8Array, most: number): Uint8Array | undefined {
  const packed = deflateRawSync(data, { windowBits: WINDOW_BITS, memLevel: MEMORY_LEVEL })
  return packed.length > most ? undefined : packed
}

let libzstd: Packing | { readonly reason: string } | undefined

function zstd(): Packing {
  libzstd ??= bindLibzstd()
  if ('pack' in libzstd) return libzstd
  throw new BlockError(`zstd is not available: ${libzstd.reason}`, { errno: 'ENOTSUP' })
}

function bindLibzstd(): NonNullable<typeof libzstd> {
  try {
    return zstdWith(loadKoffi())
  } catch (error) {
    return { reason: (error as Error).message }
  }
}

const ZSTD_END = 2
const ZSTD_RESET_SESSION = 1

function zstdWith(koffi: Koffi): Packing {
  const library = koffi.load('libzstd.so.1', { deep: true })
  const make = (what: string): unknown => (library.func(`void *${what}()`) as () => unknown)()
  const flow = 'void *, void *, size_t, _Inout_ size_t *, const void *, size_t, _Inout_ size_t *'
  const compress = library.func(`size_t ZSTD_compressStream2_simpleArgs(${flow}, int)`) as Call
  const decompress = library.func(`size_t ZSTD_decompressStream_simpleArgs(${flow})`) as Call
  const isError = library.func('uint32_t ZSTD_isError(size_t)') as Call
  const resetPacker = library.func('size_t ZSTD_CCtx_reset(void *, int)') as Call
  const resetUnpacker = library.func('size_t ZSTD_DCtx_reset(void *, int)') as Call
  const packer = make('ZSTD_createCCtx')
  const unpacker = make('ZSTD_createDCtx')
  return {
    pack(data, most) {
      resetPacker(packer, ZSTD_RESET_SESSION)
      const packed = new Uint8Array(most)
      const written = [0]
      const left = compress(packer, packed, most, written, data, data.length, [0], ZSTD_END)
      return left === 0 ? packed.subarray(0, written[0]) : undefined
    },
    unpack(packed, bytes) {
      resetUnpacker(unpacker, ZSTD_RESET_SESSION)
      const data = new Uint8Array(bytes)
      const written: [number] = [0]
      const taken: [number] = [0]
      let left = 0
      while (written[0] < bytes) {
        const before = written[0] + taken[0]
        left = decompress(unpacker, data, bytes, written, packed, packed.length, taken)
        if (isError(left) !== 0 || written[0] + taken[0] === before) return undefined
      }
      return left === 0 ? data : undefined
    },
  }
}
