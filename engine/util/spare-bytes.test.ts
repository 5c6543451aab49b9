/** Tests of memory that is used again. */
import assert from 'node:assert/strict'
import { giveBytes, takeBytes, takeZeroes } from './spare-bytes.ts'

describe('spare memory', () => {
  it('is taken again, and is zeroes for who wants that', () => {
    const bytes = takeBytes(12288).fill(7)
    giveBytes(bytes)
    assert.equal(takeZeroes(12288), bytes)
    assert(bytes.every((byte) => byte === 0))
  })

  it('belongs to one at a time', () => {
    giveBytes(takeBytes(12288))
    assert.notEqual(takeBytes(12288), takeBytes(12288))
  })

  it('keeps what was given last where there is too much', () => {
    for (let left = 2 ** 26; left > 0; left -= 2 ** 20) giveBytes(new Uint8Array(2 ** 20))
    const bytes = new Uint8Array(12288)
    giveBytes(bytes)
    assert.equal(takeBytes(12288), bytes)
  })

  it('is not kept where it is little, or more than enough', () => {
    for (const length of [512, 2 ** 26]) {
      const bytes = takeBytes(length)
      giveBytes(bytes)
      assert.notEqual(takeBytes(length), bytes)
    }
  })
})
