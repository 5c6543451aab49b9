/** `blockspec fuzz` as it is called: what it refuses, and what it says of itself. */
import assert from 'node:assert/strict'
import { testShell, type TestShell } from './test-shell.ts'

describe('blockspec fuzz', () => {
  let shell: TestShell
  before(() => {
    shell = testShell()
  })
  after(() => {
    shell.remove()
  })

  for (const [words, message] of [
    [[], /needs --against TARGET/],
    [['--against', 'engine'], /wants qsd:PATH, not 'engine'/],
    [['--against', 'nothing'], /unknown target 'nothing'/],
    [['--against', 'qsd:/x', 'more'], /fuzz does not take 'more'/],
    [['--against', 'qsd:/x', '--sequences', '0'], /wants a whole number 1 to/],
    [['--against', 'qsd:/x', '--seed', '-1'], /'--seed' needs a value/],
    [['--against', 'qsd:/x', '--sequence', '5'], /unknown flag '--sequence'.*--sequences/],
  ] as const) {
    it(`refuses: fuzz ${words.join(' ')}`, async () => {
      const { status, stderr } = await shell.run('fuzz', ...words)
      assert.equal(status, 2)
      assert.match(stderr, message)
    })
  }

  it('cannot do without the program', async () => {
    const { status, stderr } = await shell.run('fuzz', '--against', 'qsd:/nonexistent/daemon')
    assert.equal(status, 3)
    assert.match(stderr, /cannot start/)
  })

  it('explains itself', async () => {
    const { status, stdout } = await shell.run('fuzz', '--help')
    assert.equal(status, 0)
    assert.match(stdout, /--sequences N/)
  })
})
