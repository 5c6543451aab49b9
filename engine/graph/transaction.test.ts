/** Tests of a transaction. */
import assert from 'node:assert/strict'
import { Transaction } from './transaction.ts'

function recorder(): { log: string[]; note: (name: string) => Parameters<Transaction['add']>[0] } {
  const log: string[] = []
  return {
    log,
    note: (name) => ({
      commit: () => log.push(`commit ${name}`),
      abort: () => log.push(`abort ${name}`),
      clean: () => log.push(`clean ${name}`),
    }),
  }
}

describe('a transaction', () => {
  it('commits what was prepared, newest first, then cleans up', () => {
    const { log, note } = recorder()
    const result = Transaction.run((transaction) => {
      transaction.add(note('first'))
      transaction.add(note('second'))
      return 7
    })
    assert.equal(result, 7)
    assert.deepEqual(log, ['commit second', 'commit first', 'clean second', 'clean first'])
  })

  it('takes back what was prepared when preparing fails, and says why', () => {
    const { log, note } = recorder()
    assert.throws(
      () =>
        Transaction.run((transaction) => {
          transaction.add(note('first'))
          throw new Error('no')
        }),
      /^Error: no$/,
    )
    assert.deepEqual(log, ['abort first', 'clean first'])
  })
})
