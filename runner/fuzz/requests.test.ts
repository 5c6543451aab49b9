/** Tests of what is said of a node's content. */
import assert from 'node:assert/strict'
import type { Device } from '../device.ts'
import { contentWords, wordsWithoutOrder } from './requests.ts'

const BYTES = 4096

/** A device that begins with the text and goes on with zeroes. */
function device(start: string): Device {
  const content = Buffer.alloc(BYTES)
  content.write(start, 'latin1')
  const refuse = (): Promise<never> => Promise.reject(new Error('read only'))
  return {
    size: BYTES,
    read: (offset, into) => {
      into.set(content.subarray(offset, offset + into.length))
      return Promise.resolve()
    },
    write: refuse,
    zero: refuse,
    discard: refuse,
    flush: refuse,
    status: (_offset, bytes) => Promise.resolve([{ bytes, hole: false, zero: false }]),
  }
}

describe('content whose order is up to the machine', () => {
  it('is the length of an image that is seen as it is', async () => {
    assert.deepEqual(await wordsWithoutOrder(device('QFI\xfb\0\0\0\x03')), [
      `an image of ${String(BYTES)} bytes`,
    ])
  })

  it('is all of anything else', async () => {
    const other = device('QFI')
    assert.deepEqual(await wordsWithoutOrder(other), await contentWords(other))
  })
})
