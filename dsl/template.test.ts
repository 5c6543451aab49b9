/** What is sent: values with their variables, and what loops make of them. */
import assert from 'node:assert/strict'
import { firstStep, plain, problemsOf, scenario, withStep } from './testing.ts'

function args(text: string): unknown {
  return plain(firstStep('qmp', text).arguments)
}

describe('values that are sent', () => {
  it('keep variables that only the target knows', () => {
    assert.deepEqual(args(withStep('qmp: {x: {a: $img.a, b: $new.sock, c: "pre-$new.x"}}')), {
      a: '$img.a',
      b: '$new.sock',
      c: 'pre-$new.x',
    })
  })

  it('take plain sizes as numbers and quoted ones as text', () => {
    assert.deepEqual(
      args(withStep('qmp: {x: {a: 64k, b: "64k", c: 18446744073709551615, d: 1.5, e: $$x}}')),
      {
        a: 65_536,
        b: '64k',
        c: 18_446_744_073_709_551_615n,
        d: 1.5,
        e: '$x',
      },
    )
  })

  it('are not sent at all where only the command is written', () => {
    const written = ['qmp: query-block', 'qmp: {query-block: {}}'].map(
      (step) => firstStep('qmp', withStep(step)).hasArguments,
    )
    assert.deepEqual(written, [false, true])
  })

  it('follow members of loop values', () => {
    const loop = firstStep(
      'loop',
      scenario('steps:\n  - each: {m: [{n: 1}, {n: 2}]}\n    do: [{qmp: {x: {a: $m.n, b: $m}}}]'),
    )
    const values = loop.turns.map(({ steps }) =>
      steps[0]?.kind === 'qmp' ? steps[0].arguments : undefined,
    )
    assert.deepEqual(
      values.map((map) =>
        map?.kind === 'map'
          ? map.entries.map(({ value }) => (value.kind === 'variable' ? value.value : 0))
          : 0,
      ),
      [
        [1, { n: 1 }],
        [2, { n: 2 }],
      ],
    )
  })
})

describe('loops', () => {
  it('zip their lists and show their values', () => {
    const loop = firstStep(
      'loop',
      scenario(
        'steps:\n  - each: {n: [0, 1], size: [64k, 1M]}\n    do: [{node: {inc$n: {driver: null-co, size: $size}}}]',
      ),
    )
    assert.deepEqual(
      loop.turns.map(({ variables }) =>
        variables.map(({ name, text }) => `${name}=${text}`).join(' '),
      ),
      ['n=0 size=64k', 'n=1 size=1M'],
    )
    assert.deepEqual(
      loop.turns.map(({ steps }) => (steps[0]?.kind === 'node' ? steps[0].name : '')),
      ['inc0', 'inc1'],
    )
  })

  it('take whole scripts and steps as values', () => {
    const loop = firstStep(
      'loop',
      scenario(
        'steps:\n  - each: {script: ["write -P 1 0 4k", "flush"]}\n    do: [{io: n, do: $script}]',
      ),
    )
    assert.deepEqual(
      loop.turns.map(({ steps }) =>
        steps[0]?.kind === 'io' ? steps[0].script.lines[0]?.text : '',
      ),
      ['write -P 1 0..4k', 'flush'],
    )
  })

  it('point at the value when it is wrong, and at its use', () => {
    const [problem] = problemsOf(
      scenario('steps:\n  - each: {script: ["flush", "fluhs"]}\n    do: [{io: n, do: $script}]'),
    )
    assert.deepEqual(
      [problem?.span.line, problem?.span.column, problem?.notes.map(({ span }) => span.line)],
      [7, 31, [8]],
    )
  })
})
