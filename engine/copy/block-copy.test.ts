/** Copying clusters: against a model of bytes, and the requests that are made of it. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { BlockStatus } from '../block/driver.ts'
import { createSimHost, type SimHost } from '../host/sim/index.ts'
import { BlockError, ioError } from '../util/errors.ts'
import { BlockCopy } from './block-copy.ts'

const CLUSTER = 64
const MIB = 2 ** 20

interface Request {
  readonly kind: 'read' | 'write' | 'zero' | 'discard'
  readonly offset: number
  readonly bytes: number
}

interface DiskAbout {
  readonly host: SimHost
  readonly content: Uint8Array
  /** Called with each request when it is carried out; may throw. */
  readonly meets?: (request: Request) => void
  readonly maxTransfer?: number
  /** What is there is not known at once. */
  readonly looksLater?: boolean
  readonly waitsForNobody?: boolean
}

/** A disk of memory, each of whose requests waits for its turn; equal bytes are a run of status. */
function disk(about: DiskAbout) {
  const { host, content, meets = () => undefined, maxTransfer = 0, looksLater = false } = about
  const { waitsForNobody = false } = about
  const requests: Request[] = []
  const running = { now: 0, most: 0 }
  const step = async (request: Request, run: () => void): Promise<void> => {
    requests.push(request)
    running.now += 1
    running.most = Math.max(running.most, running.now)
    await new Promise<void>((resolve) => {
      host.post(resolve)
    })
    running.now -= 1
    meets(request)
    run()
  }
  const status = (offset: number, bytes: number): BlockStatus => {
    const zero = content[offset] === 0
    let end = offset
    while (end < Math.min(offset + bytes, content.length) && (content[end] === 0) === zero) end++
    return { bytes: end - offset, zero, data: !zero, allocated: !zero, eof: end === content.length }
  }
  const limits = () => ({ ...NO_LIMITS, maxTransfer })
  return {
    content,
    requests,
    running,
    limits,
    waitsForNobody: () => waitsForNobody,
    readsAtOnce: () => waitsForNobody,
    length: () => content.length,
    status,
    statusAbove: (offset: number, bytes: number) =>
      looksLater ? Promise.resolve(status(offset, bytes)) : status(offset, bytes),
    read: (offset: number, into: Uint8Array) =>
      step({ kind: 'read', offset, bytes: into.length }, () => {
        into.set(content.subarray(offset, offset + into.length))
      }),
    write: (offset: number, data: Uint8Array) =>
      step({ kind: 'write', offset, bytes: data.length }, () => {
        content.set(data, offset)
      }),
    zero: (offset: number, bytes: number) =>
      step({ kind: 'zero', offset, bytes }, () => {
        content.fill(0, offset, offset + bytes)
      }),
    discard: (offset: number, bytes: number) =>
      step({ kind: 'discard', offset, bytes }, () => undefined),
  }
}

const NO_LIMITS = {
  requestAlignment: 1,
  maxTransfer: 0,
  optimalTransfer: 0,
  zeroAlignment: 1,
  maxZero: 0,
  discardAlignment: 1,
  maxDiscard: 0,
}

function copier(host: SimHost, source: ReturnType<typeof disk>, target: ReturnType<typeof disk>) {
  const ends = { source, target }
  const copy = new BlockCopy({ ends, clusterBytes: CLUSTER, clock: host.clock })
  copy.pending.mark(0, source.length())
  return copy
}

/** Runs of equal bytes of any length, zeroes among them. */
const CONTENT = fc
  .array(fc.tuple(fc.nat(3), fc.integer({ min: 1, max: 150 })), { minLength: 1, maxLength: 12 })
  .map((runs) =>
    Uint8Array.from(runs.flatMap(([byte, bytes]) => new Array<number>(bytes).fill(byte))),
  )

const PLACE = fc.nat(20)
const STEP = fc.oneof(
  fc.record({
    kind: fc.constant('copy' as const),
    from: PLACE,
    count: fc.integer({ min: 1, max: 20 }),
    workers: fc.integer({ min: 1, max: 4 }),
    maxChunk: fc.constantFrom(0, CLUSTER, 3 * CLUSTER),
    keepsSpeed: fc.boolean(),
    cancelAfter: fc.option(fc.nat(5)),
  }),
  fc.record({ kind: fc.constant('guest' as const), at: fc.nat(1200), byte: fc.nat(3) }),
  fc.record({ kind: fc.constant('forget' as const), from: PLACE }),
)

describe('copying clusters', () => {
  it('leaves in the target what the source had, whatever goes on and fails meanwhile', () =>
    fc.assert(
      fc.asyncProperty(
        CONTENT,
        fc.array(STEP, { maxLength: 8 }),
        fc.array(fc.record({ cluster: PLACE, side: fc.constantFrom('read', 'write') })),
        fc.boolean(),
        fc.constantFrom(0, 10 * CLUSTER),
        fc.nat(),
        async (content, steps, faults, looksLater, bytesPerSecond, seed) => {
          const host = createSimHost({ seed })
          const before = content.slice()
          const copied = new Set<number>()
          const left = faults.map((fault) => ({ ...fault, armed: true }))
          const fails = ({ kind, offset, bytes }: Request): void => {
            for (const fault of left) {
              const at = fault.cluster * CLUSTER
              const side = kind === 'read' ? 'read' : 'write'
              const hit = fault.side === side && at >= offset && at < offset + bytes
              if (!hit || !fault.armed) continue
              fault.armed = false
              throw ioError('EIO')
            }
          }
          const source = disk({ host, content, meets: fails, looksLater })
          const target = disk({
            host,
            content: new Uint8Array(content.length).fill(9),
            meets(request) {
              fails(request)
              for (let at = request.offset; at < request.offset + request.bytes; at += CLUSTER) {
                assert.ok(!copied.has(at), 'a cluster is copied once')
                copied.add(at)
              }
            },
          })
          const copy = copier(host, source, target)
          copy.setSpeed(bytesPerSecond)
          let told = 0
          copy.progressed = (bytes) => (told += bytes)
          const forgotten = new Set<number>()
          const all = content.length

          const play = async (step: (typeof steps)[number]): Promise<void> => {
            if (step.kind === 'forget') {
              const at = step.from * CLUSTER
              if (at >= all || copy.pending.nextDirty(at, CLUSTER)?.offset !== at) return
              copy.forget(at, CLUSTER)
              forgotten.add(at)
            } else if (step.kind === 'guest') {
              const at = step.at % all
              const from = at - (at % CLUSTER)
              await copy.copy(from, CLUSTER)
              // What is still read for others must not be overwritten: whoever protects sees to it.
              if (source.running.now === 0) content[at] = step.byte
            } else {
              const from = Math.min(step.from * CLUSTER, all)
              const request = copy.request(step)
              const running = copy.copy(from, Math.min(step.count * CLUSTER, all - from), request)
              for (let turns = step.cancelAfter ?? Infinity; turns > 0 && turns < 9; turns--) {
                await new Promise<void>((resolve) => {
                  host.post(resolve)
                })
              }
              if (step.cancelAfter !== null) request.cancel()
              await running
              if (request.cancelled) return
              for (let at = from; at < Math.min(from + step.count * CLUSTER, all); at += CLUSTER) {
                assert.ok(copied.has(at) || forgotten.has(at), 'who waited has it copied')
              }
            }
          }
          const work = steps.map((step) =>
            play(step).catch((error: unknown) => {
              if (!(error instanceof BlockError)) throw error
            }),
          )
          await host.run(Promise.all(work))
          assert.equal(copy.remaining, copy.pending.count)
          assert.equal(told, copied.size * CLUSTER)
          for (let retry = 0; retry <= faults.length; retry++) {
            const whole = (async () => copy.copy(0, all))()
            await host.run(whole.catch(() => undefined))
          }
          assert.equal(copy.remaining, 0)
          assert.equal(source.running.now + target.running.now, 0)
          for (let at = 0; at < all; at += CLUSTER) {
            const expected = forgotten.has(at)
              ? new Uint8Array(Math.min(CLUSTER, all - at)).fill(9)
              : before.slice(at, at + CLUSTER)
            assert.deepEqual(target.content.slice(at, at + CLUSTER), expected, `at ${String(at)}`)
          }
        },
      ),
      { numRuns: 200 },
    ))
})

describe('the requests of a copy', () => {
  const big = (bytes: number, about: Partial<DiskAbout> = {}) => {
    const host = createSimHost()
    const source = disk({ host, content: new Uint8Array(bytes).fill(1) })
    const target = disk({ host, content: new Uint8Array(bytes), ...about })
    const clusterBytes = 65536
    const copy = new BlockCopy({ ends: { source, target }, clusterBytes, clock: host.clock })
    copy.pending.mark(0, bytes)
    const whole = async (request?: Parameters<BlockCopy['copy']>[2]): Promise<void> => {
      await host.run(Promise.resolve(copy.copy(0, bytes, request)))
    }
    return { host, source, target, copy, whole }
  }
  const sizes = (requests: readonly Request[]) => requests.map(({ bytes }) => bytes)

  it('move a MiB, or what the ends can move, or what was asked for in whole clusters', async () => {
    const plain = big(2.5 * MIB)
    await plain.whole(plain.copy.request({ workers: 1 }))
    assert.deepEqual(sizes(plain.source.requests), [MIB, MIB, MIB / 2])
    const limited = big(MIB / 2, { maxTransfer: 200_000 })
    await limited.whole()
    assert.deepEqual(sizes(limited.target.requests), [196_608, 196_608, 131_072])
    const narrow = big(131_072, { maxTransfer: 4096 })
    await narrow.whole()
    assert.deepEqual(sizes(narrow.target.requests), [65_536, 65_536])
    const asked = big(MIB / 4)
    await asked.whole(asked.copy.request({ maxChunk: 100_000 }))
    assert.deepEqual(sizes(asked.source.requests), [131_072, 131_072])
  })

  it('have so many bytes in memory at the most', async () => {
    const { host, source, target } = big(4 * 65_536)
    const copy = new BlockCopy({
      ends: { source, target },
      clusterBytes: 65_536,
      clock: host.clock,
      bufferedBytes: 131_072,
    })
    copy.pending.mark(0, 4 * 65_536)
    await host.run(Promise.resolve(copy.copy(0, 4 * 65_536, copy.request({ maxChunk: 65_536 }))))
    assert.equal(source.running.most, 2)
  })

  it('go out so many at a time', async () => {
    const few = big(MIB)
    await few.whole(few.copy.request({ workers: 3, maxChunk: 65_536 }))
    assert.equal(few.source.running.most, 3)
    const many = big(200 * 65_536)
    await many.whole(many.copy.request({ maxChunk: 65_536 }))
    assert.equal(many.source.running.most, 64)
  })

  it('zero what is zero in whole clusters, and copy the rest of a cluster with its data', async () => {
    const { source, target, whole } = big(4 * 65_536)
    source.content.fill(0, 65_536 + 100, 3 * 65_536 + 100)
    await whole()
    assert.deepEqual(
      target.requests
        .toSorted((a, b) => a.offset - b.offset)
        .map(({ kind, offset, bytes }) => [kind, offset / 65_536, bytes / 65_536]),
      [
        ['write', 0, 1],
        ['write', 1, 1],
        ['zero', 2, 1],
        ['write', 3, 1],
      ],
    )
  })

  it('copy a last run of zeroes that is no whole cluster, and zero a longer one to the end', async () => {
    const kinds = async (bytes: number, data: number) => {
      const { source, target, whole } = big(bytes)
      source.content.fill(0, data)
      await whole()
      return target.requests.toSorted((a, b) => a.offset - b.offset).map(({ kind }) => kind)
    }
    assert.deepEqual(await kinds(1024, 0), ['write'])
    assert.deepEqual(await kinds(65_536 + 1024, 65_536), ['write', 'write'])
    assert.deepEqual(await kinds(2 * 65_536 + 1024, 65_536), ['write', 'zero'])
  })

  it('begin no more once one has failed, and say which side it was', async () => {
    const { copy, target, whole } = big(8 * 65_536, {
      meets: () => {
        throw ioError('ENOSPC')
      },
    })
    const request = copy.request({ workers: 2, maxChunk: 65_536 })
    await assert.rejects(whole(request), { errno: 'ENOSPC' })
    assert.equal(request.failure?.side, 'write')
    assert.ok(target.requests.length <= 3)
    assert.equal(copy.remaining, 8 * 65_536)
  })

  it('are all under way before one fails, be it at once', async () => {
    const { host, source, target } = big(8 * 65_536)
    const read = (offset: number, into: Uint8Array) => {
      if (offset === 0) throw ioError('EIO')
      return source.read(offset, into)
    }
    const copy = new BlockCopy({
      ends: { source: { ...source, read }, target },
      clusterBytes: 65_536,
      clock: host.clock,
    })
    copy.pending.mark(0, 8 * 65_536)
    const copying = copy.copy(0, 8 * 65_536, copy.request({ maxChunk: 65_536 }))
    await assert.rejects(host.run(Promise.resolve(copying)), { errno: 'EIO' })
    assert.equal(copy.remaining, 65_536)
  })

  it('end with the first that fails where neither end waits for the host', async () => {
    const host = createSimHost()
    const content = new Uint8Array(8 * 65_536).fill(1)
    let reads = 0
    const end = {
      ...disk({ host, content, waitsForNobody: true }),
      read() {
        reads += 1
        throw ioError('EIO')
      },
    }
    const copy = new BlockCopy({
      ends: { source: end, target: end },
      clusterBytes: 65_536,
      clock: host.clock,
    })
    copy.pending.mark(0, 8 * 65_536)
    const copying = copy.copy(0, 8 * 65_536, copy.request({ maxChunk: 65_536 }))
    await assert.rejects(host.run(Promise.resolve(copying)), { errno: 'EIO' })
    assert.equal(reads, 1)
    assert.equal(copy.remaining, 8 * 65_536)
  })

  it('end with the first run of zeroes that is refused, since nothing is read for it', async () => {
    const host = createSimHost()
    const source = disk({ host, content: new Uint8Array(4 * MIB) })
    let zeroed = 0
    const target = {
      ...disk({ host, content: new Uint8Array(4 * MIB) }),
      zero() {
        zeroed += 1
        throw ioError('ENOTSUP')
      },
    }
    const copy = new BlockCopy({
      ends: { source, target },
      clusterBytes: 65_536,
      clock: host.clock,
    })
    copy.pending.mark(0, 4 * MIB)
    // Whoever waited for the next run would wait for days.
    copy.setSpeed(1)
    const began = host.clock.nowNs()
    const copying = copy.copy(0, 4 * MIB, copy.request({ keepsSpeed: true }))
    await assert.rejects(host.run(Promise.resolve(copying)), { errno: 'ENOTSUP' })
    assert.equal(zeroed, 1)
    assert.equal(host.clock.nowNs(), began)
  })

  it('keep to a speed where they are to, and hurry when it changes', async () => {
    const { host, copy, source } = big(3 * MIB)
    copy.setSpeed(MIB)
    const request = copy.request({ keepsSpeed: true })
    const running = Promise.resolve(copy.copy(0, 3 * MIB, request))
    await host.advance(0)
    assert.equal(source.requests.length, 1)
    await host.advance(1_100_000_000)
    assert.equal(source.requests.length, 2)
    copy.setSpeed(0)
    request.hurry()
    await host.run(running, 0)
    assert.equal(source.requests.length, 3)
  })

  it('do not wait for the speed any more once they are given up', async () => {
    const { host, copy } = big(MIB)
    const request = copy.request({ keepsSpeed: true })
    request.cancel()
    await host.run(request.sleep(host.clock, 3_600_000_000_000), 0)
  })

  it('leave out what the source does not have itself', async () => {
    const { copy, source, target, whole } = big(4 * 65_536)
    source.content.fill(0, 65_536, 3 * 65_536)
    copy.onlyAllocatedAbove = { base: 'b' }
    await whole()
    assert.deepEqual(
      target.requests.map(({ offset }) => offset / 65_536),
      [0, 3],
    )
  })

  it('are none for clusters that the source turned out not to have', async () => {
    const { copy, source } = big(4 * 65_536 - 512)
    source.content.fill(0, 65_536 + 512, 3 * 65_536)
    const steps: [number, number][] = []
    for (let at = 0; at < copy.pending.size;) {
      const bytes = await copy.forgetUnallocated(at)
      steps.push([at / 65_536, bytes / 65_536])
      at += bytes
    }
    assert.deepEqual(steps, [
      [0, 2],
      [2, 1],
      [3, 1],
    ])
    assert.deepEqual(copy.pending.nextDirty(2 * 65_536, MIB), {
      offset: 3 * 65_536,
      bytes: 65_024,
    })
  })
})
