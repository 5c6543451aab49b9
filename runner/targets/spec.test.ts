/** Names of targets as typed. */
import assert from 'node:assert/strict'
import { parseTargetSpec, splitWords, TargetSpecError } from './spec.ts'

describe('the name of a target', () => {
  it('may be the engine', () => {
    assert.deepEqual(parseTargetSpec('engine'), { kind: 'engine', text: 'engine' })
  })

  it('may be the engine with one switch as another profile has it', () => {
    const spec = parseTargetSpec('engine:quorum.holes=qemu')
    assert.deepEqual(spec.kind === 'engine' && spec.other, {
      switch: 'quorum.holes',
      profile: 'qemu',
    })
  })

  it('may be a path or a command line, split as a shell would', () => {
    assert.deepEqual(parseTargetSpec("qsd:/usr/bin/q --object 'a b',id=x"), {
      kind: 'qsd',
      text: "qsd:/usr/bin/q --object 'a b',id=x",
      command: ['/usr/bin/q', '--object', 'a b,id=x'],
    })
  })

  it('may be a version below the prefix', () => {
    const spec = parseTargetSpec('system:7.2', '/p')
    assert.deepEqual(spec.kind === 'system' && spec.command, ['/p/qemu-7.2/bin/qemu-system-x86_64'])
  })

  it('may be a socket', () => {
    assert.deepEqual(parseTargetSpec('qmp:unix:/run/x'), {
      kind: 'qmp',
      text: 'qmp:unix:/run/x',
      path: '/run/x',
    })
  })

  for (const text of [
    'engine:',
    'engine:quorum.nothing=qemu',
    'engine:quorum.holes=nobody',
    'qsd',
    'qsd:',
    'qmp:/x',
    'qmp:unix:',
    'harness:./x',
    'image:x',
    'nothing',
    "qsd:'open",
  ]) {
    it(`is refused: ${text}`, () => {
      assert.throws(() => parseTargetSpec(text, undefined), TargetSpecError)
    })
  }

  it('needs the prefix for a bare version', () => {
    assert.throws(() => parseTargetSpec('qsd:7.2', ''), /BLOCKSPEC_QEMU_PREFIX/)
  })
})

describe('words of a command line', () => {
  for (const [line, words] of [
    ['a  b', ['a', 'b']],
    ['"a b" c', ['a b', 'c']],
    ["'a\\b'", ['a\\b']],
    ['a\\ b', ['a b']],
    ['"a\\"b"', ['a"b']],
    ["''", ['']],
    ['$HOME *', ['$HOME', '*']],
  ] as const) {
    it(`are split: ${line}`, () => {
      assert.deepEqual(splitWords(line), words)
    })
  }
})
