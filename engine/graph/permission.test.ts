/** Tests of permission claims. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  ALL_PERMISSIONS,
  CONSISTENT_READ,
  permissionNames,
  permissionText,
  RESIZE,
  WRITE,
} from '../block/permission.ts'
import { checkClaims, cumulative, getAlong, type EdgeClaims } from './permission.ts'

function claim(parent: string, about: Partial<EdgeClaims>): EdgeClaims {
  return { parent, edge: 'file', uses: 0, shares: ALL_PERMISSIONS, ...about }
}

describe('permission claims', () => {
  it('refuse a writer beside a reader that does not share it, naming both edges', () => {
    const writer = claim("node 'w'", { uses: WRITE | RESIZE })
    const reader = claim("block device 'r'", { edge: 'root', shares: CONSISTENT_READ })
    assert.throws(
      () => {
        checkClaims('n', [writer, reader])
      },
      {
        name: 'BlockError',
        errno: 'EPERM',
        message:
          "Permission conflict on node 'n': permissions 'write, resize' are both required by " +
          "node 'w' (uses node 'n' as 'file' child) and unshared by " +
          "block device 'r' (uses node 'n' as 'root' child).",
      },
    )
  })

  it('let one parent keep for itself what it does not share', () => {
    checkClaims('n', [claim("node 'w'", { uses: WRITE, shares: 0 })])
  })

  it('report the newest owner first', () => {
    const owners = ['newest', 'older'].map((name) => claim(name, { shares: CONSISTENT_READ }))
    const user = claim('user', { uses: WRITE })
    assert.throws(() => {
      checkClaims('n', [...owners, user])
    }, /unshared by newest/)
  })

  it('add up: any use counts, sharing needs all', () => {
    const all = [claim('a', { uses: WRITE }), claim('b', { shares: ALL_PERMISSIONS & ~RESIZE })]
    assert.deepEqual(cumulative(all), { uses: WRITE, shares: ALL_PERMISSIONS & ~RESIZE })
  })

  it('list their names in one order for people and in another for queries', () => {
    assert.equal(permissionText(ALL_PERMISSIONS), 'consistent read, write, write unchanged, resize')
    assert.deepEqual(permissionNames(ALL_PERMISSIONS), [
      'resize',
      'write-unchanged',
      'write',
      'consistent-read',
    ])
  })

  it('are all looked at once, which finds a conflict wherever one of two is', () => {
    const some = fc.nat(ALL_PERMISSIONS)
    fc.assert(
      fc.property(fc.array(fc.record({ uses: some, shares: some }), { maxLength: 5 }), (claims) => {
        const inWords = claims.map((one) => ({ ...one, parent: 'p', edge: 'e' }))
        let pairs = true
        try {
          checkClaims('n', inWords)
        } catch {
          pairs = false
        }
        assert.equal(getAlong(claims), pairs)
      }),
    )
  })
})
