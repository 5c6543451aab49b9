/** Tests of the option parser. */
import assert from 'node:assert/strict'
import { choice, many, one, parseFlags, text, toggle, whole } from './flags.ts'
import { CommandError } from './verb.ts'

const TABLE = {
  target: one({ value: 'T', example: 'engine', doc: '', parse: text }),
  jobs: one({ short: 'j', value: 'N', example: '4', doc: '', parse: whole(1, 64) }),
  tag: many({ short: 't', value: 'TAG', example: 'quick', doc: '', parse: text }),
  keep: one({
    value: 'W',
    example: 'all',
    bare: 'failed',
    doc: '',
    parse: choice('failed', 'all'),
  }),
  quiet: toggle({ short: 'q', doc: '' }),
}

const parse = (...argv: string[]) => parseFlags(TABLE, argv, ['shard'])

function message(...argv: string[]): string {
  try {
    parse(...argv)
  } catch (error) {
    assert.ok(error instanceof CommandError)
    return error.message
  }
  throw new Error('was accepted')
}

describe('the option parser', () => {
  it('takes values behind a blank, an equals sign or a short name', () => {
    assert.equal(parse('--jobs', '4').flags.jobs, 4)
    assert.equal(parse('--jobs=4').flags.jobs, 4)
    assert.equal(parse('-j4').flags.jobs, 4)
    assert.equal(parse('-j', '4').flags.jobs, 4)
  })

  it('keeps words apart from flags, in order', () => {
    const { words, flags } = parse('a', '--quiet', 'b', '--', '--jobs')
    assert.deepEqual(words, ['a', 'b', '--jobs'])
    assert.equal(flags.quiet, true)
  })

  it('collects flags that may be repeated', () => {
    assert.deepEqual(parse('-t', 'a', '--tag=b').flags.tag, ['a', 'b'])
    assert.deepEqual(parse().flags.tag, [])
  })

  it('lets a flag stand bare and takes only a following word that fits', () => {
    assert.equal(parse('--keep').flags.keep, 'failed')
    assert.equal(parse('--keep', 'all').flags.keep, 'all')
    const { flags, words } = parse('--keep', 'quorum')
    assert.equal(flags.keep, 'failed')
    assert.deepEqual(words, ['quorum'])
  })

  it('suggests the flag that was meant', () => {
    assert.equal(message('--taget', 'x'), "unknown flag '--taget'; did you mean '--target'?")
  })

  it('says of a planned flag that it is not built yet', () => {
    assert.equal(message('--shard', '1/2'), "flag '--shard' is not built yet")
  })

  it('asks for a missing value with an example', () => {
    assert.equal(message('--jobs'), "flag '--jobs' needs a value: N, for example '--jobs 4'")
    assert.equal(message('--jobs', '-q'), "flag '--jobs' needs a value: N, for example '--jobs 4'")
  })

  it('refuses bad values by name', () => {
    assert.equal(message('-j', '0'), "flag '-j': wants a whole number 1 to 64, not '0'")
    assert.equal(message('-j', '1e1'), "flag '-j': wants a whole number 1 to 64, not '1e1'")
    assert.equal(
      message('--keep=al'),
      "flag '--keep': wants failed, all; did you mean 'all'?, not 'al'",
    )
  })

  it('refuses a value for a switch and a second value for one', () => {
    assert.equal(message('--quiet=1'), "flag '--quiet' takes no value")
    assert.equal(message('-j1', '-j2'), "flag '-j' is given twice")
    assert.equal(message('-qx'), "unknown flag '-qx'")
  })

  it('does not take members of every object for flags', () => {
    assert.equal(message('--constructor'), "unknown flag '--constructor'")
  })
})
