/** Tests of the files with rules. What is taken and refused was measured on a real 7.2. */
import assert from 'node:assert/strict'
import { parseRules } from './config.ts'

const EVENT = 'event = "none"\n'

describe('a file with rules', () => {
  it('has sections of rules, comments and empty lines', () => {
    const rules = parseRules(
      `# rules\n\n[set-state]\n${EVENT}new_state = "2"\n[inject-error "x"]\n${EVENT}errno = "0x1c"\n` +
        'once = "on"\nsector = "010"\n',
    )
    assert.deepEqual(
      rules.map(({ action }) => action.kind),
      ['inject', 'set-state'],
    )
    const [first] = rules
    assert(first?.action.kind === 'inject')
    assert.deepEqual(
      [first.action.failure.errno, first.action.failure.once, first.action.failure.offset],
      ['ENOSPC', true, 8n * 512n],
    )
  })

  const TAKEN: readonly (readonly [what: string, text: string])[] = [
    ['nothing', ''],
    ['a last line without a line feed', '[inject-error]\nevent = "none"'],
    ['anything after a value', '[inject-error]\nevent = "none" garbage\n'],
    ['anything after a heading', '[inject-error] junk\nevent = "none"\n'],
    ['DOS line ends', '[inject-error]\r\nevent = "none"\r\n'],
    ['the last of two values', `[inject-error]\nevent = "bogus"\n${EVENT}`],
    ['no new state', `[set-state]\n${EVENT}`],
  ]
  for (const [what, text] of TAKEN) {
    it(`may have ${what}`, () => {
      parseRules(text)
    })
  }

  const REFUSED: readonly (readonly [text: string, message: string])[] = [
    ['[inject-error]\nerrno = "5"\n', 'Missing event name for rule'],
    ['[inject-error]\nevent = "foo"\n', 'invalid parameter value: foo'],
    ['[inject-error]\nevent = none\n', 'invalid parameter value: '],
    ['[inject-error]\nevent\n', 'invalid parameter value: '],
    [`[inject-error]\n${EVENT}iotype = "foo"\n`, 'invalid parameter value: foo'],
    ['[foo]\nevent = "none"\n', "There is no option group 'foo'"],
    ['[inject-error\nevent="none"\n', "There is no option group 'inject-error\n'"],
    ['event = "none"\n', 'no group defined'],
    [' [inject-error]\n', 'no group defined'],
    [`[inject-error]\n${EVENT}garbage\n`, "Invalid parameter 'garbage'"],
    ['[inject-error]\nevent="none"\n', 'Invalid parameter \'event="none"\''],
    [`[inject-error]\n${EVENT}errno = "x"\n`, "Parameter 'errno' expects a number"],
    [
      `[inject-error]\n${EVENT}errno = "99999999999999999999"\n`,
      "Value '99999999999999999999' is too large for parameter 'errno'",
    ],
    [`[inject-error]\n${EVENT}once = "maybe"\n`, "Parameter 'once' expects 'on' or 'off'"],
    [`[inject-error "1 x"]\n${EVENT}`, "Parameter 'id' expects an identifier"],
    [
      `[inject-error "x"]\n${EVENT}[inject-error "x"]\n${EVENT}`,
      "Duplicate ID 'x' for inject-error",
    ],
    [`[inject-error]\n${EVENT}   \n`, 'parse error'],
    ['[inject-error]\n\0\n', 'parse error'],
    [`#${'x'.repeat(2000)}\n`, 'no group defined'],
  ]
  for (const [text, message] of REFUSED) {
    it(`is refused as ${JSON.stringify(text).slice(0, 60)}`, () => {
      assert.throws(() => parseRules(text), { message })
    })
  }
})
