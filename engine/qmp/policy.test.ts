/** Policies: what is refused, hidden or died of, and the words for them. */
import assert from 'node:assert/strict'
import {
  ACCEPT_ALL,
  checkCompat,
  checkInput,
  isShown,
  isShownInSchema,
  PolicyCrash,
} from './policy.ts'

describe('a policy', () => {
  const reject = { ...ACCEPT_ALL, 'deprecated-input': 'reject' } as const

  it('accepts and shows everything unless it says otherwise', () => {
    checkInput(ACCEPT_ALL, ['deprecated', 'unstable'], 'command', 'c')
    assert.equal(isShown(ACCEPT_ALL, ['deprecated', 'unstable']), true)
  })

  it('refuses what has the feature, a command as if it were not there', () => {
    assert.throws(() => checkInput(reject, ['deprecated'], 'command', 'c'), {
      class: 'CommandNotFound',
      message: 'Deprecated command c disabled by policy',
    })
    assert.throws(() => checkInput(reject, ['deprecated'], 'parameter', 'p'), {
      class: 'GenericError',
      message: 'Deprecated parameter p disabled by policy',
    })
    checkInput(reject, ['unstable'], 'command', 'c')
    checkInput(reject, undefined, 'command', 'c')
  })

  it('ends the program where a client asked for that', () => {
    const crash = { ...ACCEPT_ALL, 'unstable-input': 'crash' } as const
    assert.throws(() => checkInput(crash, ['unstable'], 'command', 'c'), PolicyCrash)
  })

  it('hides what has the feature', () => {
    const hide = { ...ACCEPT_ALL, 'deprecated-output': 'hide' } as const
    assert.equal(isShown(hide, ['deprecated']), false)
    assert.equal(isShown(hide, ['unstable']), true)
  })

  it('does not hide from introspection what is to come', () => {
    const hide = { 'deprecated-output': 'hide', 'unstable-output': 'hide' } as const
    assert.equal(isShownInSchema({ ...ACCEPT_ALL, ...hide }, ['unstable']), true)
    assert.equal(isShownInSchema({ ...ACCEPT_ALL, ...hide }, ['deprecated']), false)
    assert.equal(isShown({ ...ACCEPT_ALL, ...hide }, ['unstable']), false)
  })

  it('has words that are checked', () => {
    assert.deepEqual(checkCompat({ 'deprecated-input': 'reject' }), {
      'deprecated-input': 'reject',
    })
    assert.throws(() => checkCompat({ 'deprecated-input': 'bogus' }), {
      message: "Parameter 'deprecated-input' does not accept value 'bogus'",
    })
  })
})
