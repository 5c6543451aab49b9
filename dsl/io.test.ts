/** What I/O scripts mean. */
import assert from 'node:assert/strict'
import { casesOf, firstStep, problemsOf, scenario, withIo, withStep } from './testing.ts'

function ioTexts(text: string): readonly string[] {
  return firstStep('io', text).script.lines.map((line) => line.text)
}

describe('I/O scripts', () => {
  it('are spelled canonically', () => {
    assert.deepEqual(
      ioTexts(
        withIo(
          'write 0 64k -P 0xA5 -f # half\nread -P 1 1M+64k => EIO\nwrite -zu 0..1M\nalloc\nawait_()'.replace(
            '\nawait_()',
            '',
          ),
        ),
      ),
      ['write -P 0xa5 -f 0..64k', 'read -P 1 1M..1088k', 'write -z -u 0..1M', 'map'],
    )
  })

  it('unroll loops with their end', () => {
    assert.deepEqual(ioTexts(withIo('for i in 0..4 step 2: write -P i*16 i*64k 64k')), [
      'write -P 0 0..64k',
      'write -P 0x20 128k..192k',
      'write -P 0x40 256k..320k',
    ])
  })

  it('show variables of the matrix, and count with their values', () => {
    const [first] = casesOf(
      scenario(
        'matrix: {p: [1, 2]}\nsteps:\n  - io: n\n    do: "for i in 0..1: write -P $p i*64k-0 $p*64k"',
      ),
    )
    const step = first?.steps[0]
    assert.ok(step?.kind === 'io')
    assert.deepEqual(
      step.script.lines.map(({ text }) => text),
      ['write -P $p 0+$p*64k', 'write -P $p 64k+$p*64k'],
    )
    assert.deepEqual(
      step.script.lines.map(({ statement }) =>
        statement.kind === 'rw' ? [statement.offset, statement.bytes] : [],
      ),
      [
        [0, 65_536],
        [65_536, 65_536],
      ],
    )
  })

  it('take patterns from variables', () => {
    const cases = casesOf(
      scenario(
        'matrix: {p: [0x5a, seq(4), lba, "hex(00FF)"]}\nsteps:\n  - io: n\n    do: write -P $p 0 64k',
      ),
    )
    const kinds = cases.map(({ steps }) => {
      const statement = steps[0]?.kind === 'io' ? steps[0].script.lines[0]?.statement : undefined
      return statement?.kind === 'rw' ? statement.pattern?.kind : ''
    })
    assert.deepEqual(kinds, ['byte', 'seq', 'lba', 'hex'])
  })

  it('may speak of a subject that is refused', () => {
    const step = firstStep('io', withStep('io: nosuch\ndo: flush => refused /Cannot find/'))
    assert.deepEqual(
      [step.subject.kind, step.subject.name, step.script.lines[0]?.outcome.kind],
      ['node', 'nosuch', 'refused'],
    )
  })

  it('name nodes in steps and images in after', () => {
    const [only] = casesOf(
      scenario(
        'steps:\n  - verify: {n: rest = 0}\nafter:\n  - verify: {a: rest = 0, b: same as a}',
      ),
    )
    const kinds = [...(only?.steps ?? []), ...(only?.after ?? [])].map((step) =>
      step.kind === 'verify' ? step.subject.kind : '',
    )
    assert.deepEqual(kinds, ['node', 'img', 'img'])
  })

  it('await requests of an earlier step', () => {
    assert.deepEqual(
      problemsOf(
        scenario(
          'steps:\n  - io: n\n    do: aio_write -P 1 0 4k as w => pending\n  - io: n\n    do: await w',
        ),
      ),
      [],
    )
  })
})
