/** Tests of the order of members. */
import assert from 'node:assert/strict'
import { inKeyOrder, keyBucket } from './key-order.ts'

/** Buckets of names that a real QEMU 7.2 echoed. */
const OBSERVED = {
  driver: 239,
  'node-name': 212,
  file: 463,
  children: 206,
  'vote-threshold': 393,
  'read-pattern': 115,
  'rewrite-corrupted': 316,
  offset: 180,
  size: 318,
  filename: 313,
  'read-zeroes': 86,
  'throttle-group': 203,
  return: 401,
  error: 489,
  class: 211,
  desc: 377,
  event: 361,
  data: 505,
  timestamp: 26,
  QUORUM_FAILURE: 296,
  'virtual-size': 309,
  iops_rd: 11,
  QMP: 99,
  '[10]': 54,
  '3des': 414,
  UUID: 308,
}

describe('the order of members', () => {
  for (const [name, bucket] of Object.entries(OBSERVED)) {
    it(`puts ${name} where QEMU puts it`, () => {
      assert.equal(keyBucket(name), bucket)
    })
  }

  it('lists the later of two names in one bucket first', () => {
    assert.equal(keyBucket('COLO_EXIT'), keyBucket('DEVICE_DELETED'))
    const entries = [['COLO_EXIT', 1] as const, ['DEVICE_DELETED', 2] as const]
    assert.deepEqual(inKeyOrder(entries), entries.toReversed())
  })

  it('is the same for few members and for many', () => {
    const names = Array.from({ length: 1000 }, (_, index) => [`x${String(index)}`, index] as const)
    const few = names.slice(0, 30)
    const among = inKeyOrder(names).filter((entry) => few.includes(entry))
    assert.deepEqual(inKeyOrder(few), among)
  })
})
