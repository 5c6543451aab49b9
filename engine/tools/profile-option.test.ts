/** `--profile`: where it may stand, and what is wrong with it. */
import assert from 'node:assert/strict'
import { takeProfile } from './profile-option.ts'

describe('the option of a profile', () => {
  it('is taken off the command line in either form, the last one counts', () => {
    assert.deepEqual(takeProfile(['--a', '--profile', 'note', 'b']), {
      profile: 'note',
      argv: ['--a', 'b'],
    })
    assert.equal(takeProfile(['--profile=note', '--profile=qemu']).profile, 'qemu')
    assert.deepEqual(takeProfile(['--p', 'x']), { profile: 'qemu', argv: ['--p', 'x'] })
  })

  it('is left alone behind --', () => {
    const argv = ['--', '--profile', 'nosuch']
    assert.deepEqual(takeProfile(argv), { profile: 'qemu', argv })
  })

  it('says what is wrong with it', () => {
    assert.equal(takeProfile(['--profile']).problem, "option '--profile' requires an argument")
    assert.match(
      takeProfile(['--profile=x']).problem ?? '',
      /^there is no profile 'x'; profiles are /,
    )
  })
})
