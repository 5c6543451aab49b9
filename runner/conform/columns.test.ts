/** Tests of how columns are asked for. */
import assert from 'node:assert/strict'
import { playedIn, readColumns } from './columns.ts'

describe('columns', () => {
  it('are the profiles qemu and note of a target, unless one is named', () => {
    assert.deepEqual(readColumns(['engine', 'qsd:7.2@note']), [
      { target: 'engine', profiles: ['qemu', 'note'] },
      { target: 'qsd:7.2', profiles: ['note'] },
    ])
  })

  it('of one target are played together', () => {
    assert.deepEqual(readColumns(['engine@note', 'qsd:7.2', 'engine@qemu']), [
      { target: 'engine', profiles: ['note', 'qemu'] },
      { target: 'qsd:7.2', profiles: ['qemu', 'note'] },
    ])
  })

  it('leave an @ to the path that it stands in', () => {
    const [first] = readColumns(['qsd:/opt/q@7/bin/daemon'])
    assert.equal(first?.target, 'qsd:/opt/q@7/bin/daemon')
    const [second] = readColumns(['qsd:/opt/q@7/bin/daemon@note'])
    assert.deepEqual(second, { target: 'qsd:/opt/q@7/bin/daemon', profiles: ['note'] })
  })

  it('have a profile that exists, once', () => {
    assert.throws(
      () => readColumns(['engine@notes']),
      /unknown profile 'notes'.*did you mean 'note'/,
    )
    assert.throws(() => readColumns(['engine@']), /unknown profile ''/)
    assert.throws(() => readColumns(['engine', 'engine@note']), /'engine@note' is asked for twice/)
  })
})

describe('a case', () => {
  const both = { profiles: ['qemu', 'note'] } as const
  const note = { profiles: ['note'] } as const

  it('is played in the profile that is asked for where the target has it', () => {
    assert.equal(playedIn(both, 'note', ['qemu', 'note']), 'note')
  })

  it('is played once for all its profiles on a target that plays as it is', () => {
    assert.equal(playedIn(both, 'note', ['qemu']), 'qemu')
    assert.equal(playedIn(note, 'note', ['qemu']), 'note')
  })
})
