/** Content told as runs of one byte and mixtures. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { checkExtents } from './content.ts'
import type { Device } from './device.ts'

const SPAN = { file: 'x', start: 0, end: 0, line: 1, column: 1, endLine: 1, endColumn: 1 }

async function wordsOf(bytes: Uint8Array): Promise<readonly string[]> {
  const device: Pick<Device, 'size' | 'read'> = {
    size: bytes.length,
    read: (offset, into) => {
      into.set(bytes.subarray(offset, offset + into.length))
      return Promise.resolve()
    },
  }
  // Nothing but reading is asked of it where nothing is claimed.
  const { words } = await checkExtents(device as Device, [], SPAN, () => new Uint8Array())
  return words
}

/** Runs, long ones included, that together are read at once. */
const RUNS = fc.array(fc.tuple(fc.integer({ min: 1, max: 100_000 }), fc.nat(3)), { maxLength: 8 })

describe('content', () => {
  it('is told as one word for each long run, whatever its length', async () => {
    await fc.assert(
      fc.asyncProperty(RUNS, async (runs) => {
        const long = runs
          .map(([bytes, byte]) => ({ bytes: bytes + 16, byte }))
          .filter(({ byte }, at, all) => at === 0 || all[at - 1]?.byte !== byte)
        const data = Buffer.concat(long.map(({ bytes, byte }) => Buffer.alloc(bytes, byte)))
        const words = await wordsOf(data)
        assert.deepEqual(
          words.map((word) => word.split('=')[1]),
          long.map(({ byte }) => `0x0${String(byte)}`),
        )
      }),
      { numRuns: 30 },
    )
  })

  it('finds the ends of long runs to the byte', async () => {
    const data = Buffer.concat([Buffer.alloc(100_003, 1), Buffer.alloc(17, 2), Buffer.alloc(5, 1)])
    const [first, second, third] = await wordsOf(data)
    assert.deepEqual([first, second], ['0..100003=0x01', '100003..100020=0x02'])
    assert.match(third ?? '', /^100020\.\.100025=mixed\(/)
  })
})
