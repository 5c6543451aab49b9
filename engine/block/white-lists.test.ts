/** White lists of drivers: who may write, who may be read, and who there is not. */
import assert from 'node:assert/strict'
import { defineDriver } from './define.ts'
import { checkLists, listedDrivers, mustOnlyRead, NO_LISTS } from './white-lists.ts'

function driver(name: string) {
  return defineDriver({
    name,
    kind: 'protocol',
    doc: '',
    options: {},
    children: {},
    create: { options: {}, needsFile: false, run: () => undefined, fromWords: () => ({}) },
    open: () => ({ length: () => 0, read: () => undefined, write: () => undefined }),
  })
}

const DRIVERS = [driver('a'), driver('b'), driver('c')]

const READING = { readOnly: true, autoReadOnly: false }
const WRITING = { readOnly: false, autoReadOnly: false }
const EITHER = { readOnly: false, autoReadOnly: true }

function accessIn(lists: Parameters<typeof listedDrivers>[1], readOnly: readonly string[] = []) {
  return listedDrivers(DRIVERS, lists, readOnly).map(({ access }) => access)
}

describe('white lists of drivers', () => {
  it('let all drivers do everything while there are none', () => {
    assert.equal(listedDrivers(DRIVERS, NO_LISTS, ['z']), DRIVERS)
    assert.deepEqual(accessIn(NO_LISTS), ['any', 'any', 'any'])
  })

  it('leave those that a profile only reads to it, unless they say otherwise', () => {
    assert.deepEqual(accessIn(NO_LISTS, ['b']), ['any', 'read-only', 'any'])
    assert.deepEqual(accessIn({ rw: ['b'], ro: [] }, ['b']), ['none', 'any', 'none'])
  })

  it('tell who may write, who may be read, and who may not be used at all', () => {
    const listed = listedDrivers(DRIVERS, { rw: ['a'], ro: ['b'] }, [])
    assert.deepEqual(
      listed.map(({ access }) => access),
      ['any', 'read-only', 'none'],
    )
    assert.deepEqual(
      listed.map(({ create }) => create !== undefined),
      [true, false, false],
    )
  })

  it('refuse whoever wants more, and let fall back who can', () => {
    const [any, reader, none] = listedDrivers(DRIVERS, { rw: ['a'], ro: ['b'] }, [])
    assert.ok(any && reader && none)
    assert.equal(mustOnlyRead(any, WRITING), false)
    assert.equal(mustOnlyRead(reader, READING), false)
    assert.equal(mustOnlyRead(reader, EITHER), true)
    assert.throws(() => mustOnlyRead(reader, WRITING), {
      message: "Driver 'b' can only be used for read-only devices",
    })
    assert.throws(() => mustOnlyRead(none, READING), { message: "Driver 'c' is not whitelisted" })
  })

  it('name drivers that there are', () => {
    checkLists(DRIVERS, { rw: ['a'], ro: ['c'] })
    assert.throws(
      () => {
        checkLists(DRIVERS, { rw: [], ro: ['z'] })
      },
      { message: "Unknown driver 'z'" },
    )
  })
})
