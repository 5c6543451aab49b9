/** Tests of how a driver's own options are taken out of those that were given. */
import assert from 'node:assert/strict'
import { opt, shape } from '../block/option.ts'
import { takeOwnOptions } from './coerce.ts'
import { flatten } from './flat.ts'

const MEMBERS = {
  level: opt.of<string>({
    kind: 'alternate',
    name: 'Level',
    branches: [
      shape.enum('LevelWord', ['low', 'high']),
      shape.struct('LevelParts', { head: opt.bool({ optional: true, doc: 'Head.' }) }),
    ],
  })({ default: 'low', doc: 'A word or parts.' }),
  parts: opt.list<number>(shape.int)({ optional: true, doc: 'Numbers.' }),
}

describe('own options', () => {
  it('without members mean their default where a word could stand', () => {
    const options = flatten({ level: {} })
    assert.deepEqual(takeOwnOptions(MEMBERS, options).checked, { level: 'low', parts: undefined })
    assert.equal(options.size, 0)
  })

  it('without members are left, for a complaint, where none could', () => {
    const options = flatten({ parts: [] })
    takeOwnOptions(MEMBERS, options)
    assert.deepEqual([...options.keys()], ['parts'])
  })
})
