/** What a profile leaves out of the schema, flags or refuses there. */
import assert from 'node:assert/strict'
import { checkMembers, checkValue } from '../block/check.ts'
import { opt, shape, type Members } from '../block/option.ts'
import { PROFILES, type ProfileName } from '../profiles/index.ts'
import { parseJsonText } from './json/text.ts'
import { defineCommand, type Command } from './command.ts'
import { commandsIn } from './in-profile.ts'

function command(name: string, about: Partial<Command> = {}, args: Members = {}): Command {
  return { ...defineCommand({ name, doc: '', args, run: () => undefined }), ...about }
}

function argsIn(profile: ProfileName, args: Members): Command['args'] {
  const made = commandsIn(PROFILES[profile], [command('c', {}, args)]).get('c')
  assert.ok(made)
  return made.args
}

function check(profile: ProfileName, args: Members, text: string): unknown {
  return checkMembers(argsIn(profile, args) as Members, parseJsonText(text))
}

describe('the commands of a profile', () => {
  const commands = [
    command('old', { when: 'legacyCommands', features: ['unstable'] }),
    command('new', { when: 'successors' }),
    command('older form', { when: ['legacyCommands', 'successors'] }),
    command('both', { unless: 'quorum.explicitNames', doc: 'by position' }),
    command('both', { when: 'quorum.explicitNames', doc: 'by name' }),
  ]

  it('are those that its switches let in', () => {
    const names = (profile: ProfileName) => [...commandsIn(PROFILES[profile], commands).keys()]
    assert.deepEqual(names('qemu'), ['old', 'both'])
    assert.deepEqual(names('note'), ['new', 'both'])
    assert.deepEqual(names('note-transition'), ['old', 'new', 'older form', 'both'])
  })

  it('are flagged on their way out, beside the features that they have', () => {
    const features = (profile: ProfileName) =>
      commandsIn(PROFILES[profile], commands).get('old')?.features
    assert.deepEqual(features('qemu'), ['unstable'])
    assert.deepEqual(features('note-transition'), ['deprecated', 'unstable'])
    const form = commandsIn(PROFILES['note-transition'], commands).get('older form')
    assert.deepEqual(form?.features, ['deprecated'])
  })

  it('may be other ones of the same name', () => {
    const doc = (profile: ProfileName) => commandsIn(PROFILES[profile], commands).get('both')?.doc
    assert.equal(doc('qemu'), 'by position')
    assert.equal(doc('note'), 'by name')
  })
})

describe('the schema of a profile', () => {
  const args = {
    speed: opt.int({ optional: true, when: 'jobs.speed', doc: '' }),
    nested: opt.list<unknown>(
      shape.struct('Nested', {
        base: opt.str({ optional: true, when: 'legacyCommands', doc: '' }),
      }),
    )({ optional: true, doc: '' }),
  }

  it('lacks the members that the profile lacks, at any depth', () => {
    assert.deepEqual(check('qemu', args, '{"speed": 1, "nested": [{"base": "b"}]}'), {
      speed: 1,
      nested: [{ base: 'b' }],
    })
    assert.throws(() => check('note', args, '{"speed": 1}'), {
      message: "Parameter 'speed' is unexpected",
    })
    assert.throws(() => check('note', args, '{"nested": [{"base": "b"}]}'), {
      message: "Parameter 'nested[0].base' is unexpected",
    })
  })

  it('flags members that are on their way out', () => {
    const { speed } = argsIn('note-transition', args) as Members
    assert.deepEqual(speed?.features, ['deprecated'])
    assert.equal((argsIn('qemu', args) as Members)['speed']?.features, undefined)
  })

  it('has the variants of those words that the profile has', () => {
    const union = {
      kind: 'union',
      name: 'U',
      tag: 'type',
      base: {
        type: opt.of<string>({
          kind: 'enum',
          name: 'E',
          values: [{ name: 'a' }, { name: 'b', when: 'legacyCommands' }],
        })({ doc: '' }),
      },
      variants: { a: {}, b: { x: opt.str({ doc: '' }) } },
    } as const
    const inProfile = (profile: ProfileName, text: string): unknown => {
      const made = commandsIn(PROFILES[profile], [command('c', { args: union })]).get('c')
      assert.ok(made)
      return checkValue(made.args as typeof union, parseJsonText(text))
    }
    assert.deepEqual(inProfile('qemu', '{"type": "b", "x": "1"}'), { type: 'b', x: '1' })
    assert.throws(() => inProfile('note', '{"type": "b", "x": "1"}'), {
      message: "Parameter 'type' does not accept value 'b'",
    })
  })

  it('refuses a negative number for an unsigned member where the profile does not let it wrap', () => {
    const sizes = { size: opt.size({ doc: '' }), delta: opt.int({ optional: true, doc: '' }) }
    assert.deepEqual(check('qemu', sizes, '{"size": -1}'), { size: -1 })
    assert.throws(() => check('note', sizes, '{"size": -1}'), {
      message: "Parameter 'size' expects a non-negative number below 2^64",
    })
    assert.deepEqual(check('note', sizes, '{"size": 1, "delta": -1}'), { size: 1, delta: -1 })
  })
})
