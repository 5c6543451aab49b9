/** Errno names, numbers and texts. */
import assert from 'node:assert/strict'
import { errnoFromNumber, errnoNumber, errnoText } from './errors.ts'

describe('an errno', () => {
  it('has the name, the number and the text of the C library', () => {
    assert.equal(errnoFromNumber(28), 'ENOSPC')
    assert.equal(errnoNumber('ENOSPC'), 28)
    assert.equal(errnoText('ENOSPC'), 'No space left on device')
  })

  for (const number of [41, 4096, -(2 ** 31)]) {
    it(`is kept by its number where that has no name: ${String(number)}`, () => {
      const errno = errnoFromNumber(number)
      assert.equal(errnoNumber(errno), number)
      assert.equal(errnoText(errno), `Unknown error ${String(number)}`)
    })
  }
})
