/** The plan of steps that are no commands, and what every step may carry. */
import assert from 'node:assert/strict'
import { casesOf, firstStep, HEADER, plain, scenario, withStep } from './testing.ts'

describe('other steps', () => {
  it('speak NBD', () => {
    const step = firstStep(
      'nbd',
      scenario(
        'exports: {e: {type: nbd, node-name: n}}\nsteps:\n  - nbd: e\n    do: |\n      list\n      meta base:allocation 0 1M\n      read -P 0 0 64k => EINVAL',
      ),
    )
    assert.deepEqual(
      step.lines.map(({ text, outcome }) => `${text} ${outcome.kind}`),
      ['list ok', 'meta base:allocation 0..1M ok', 'read -P 0 0..64k errno'],
    )
  })

  it('run the image tool', () => {
    const step = firstStep('img', withStep('img: resize a +1M'))
    assert.deepEqual(
      [step.action, step.words.map(plain), step.text],
      ['resize', ['a', '+1M'], 'resize a +1M'],
    )
    const rebase = firstStep('img', withStep('img: rebase -u a a'))
    assert.deepEqual([rebase.action, rebase.words.map(plain)], ['rebase', ['-u', 'a', 'a']])
  })

  it('wait', () => {
    const texts = [
      'job j0 pending or concluded',
      'event A_B',
      'graph top -file->  x',
      'quiet',
      'exit',
    ].map((wait) => firstStep('wait', withStep(`wait: ${wait}`)).text)
    assert.deepEqual(texts, [
      'job j0 pending or concluded',
      'event A_B',
      'graph top -file-> x',
      'quiet',
      'exit',
    ])
  })

  it('wait for a status that a variable names', () => {
    const text = `${HEADER}matrix: {s: [ready, standby]}\nsteps: [{wait: job j $s or concluded}]\n`
    assert.deepEqual(
      casesOf(text).map(({ steps }) => (steps[0]?.kind === 'wait' ? steps[0].text : '')),
      ['job j ready or concluded', 'job j standby or concluded'],
    )
  })

  it('ask for introspection', () => {
    const step = firstStep(
      'schema',
      withStep('schema: {command: block-commit, arg: base, features: "~ has [deprecated]"}'),
    )
    assert.deepEqual(
      [step.of, step.present, step.features?.match.kind, step.text],
      [
        { kind: 'command', name: 'block-commit', argument: 'base' },
        true,
        'has',
        'command block-commit arg base',
      ],
    )
  })

  it('carry what every step may carry', () => {
    const step = firstStep(
      'qmp',
      withStep(
        'qmp: query-block\nid: x\nnote: why\nwithin: 2s\ngolden: false\nclause: QUO-1\nsave: {r: ".x[0]"}\nevents: [A]',
      ),
    )
    assert.deepEqual(
      [
        step.id,
        step.note,
        step.withinMs,
        step.golden,
        step.clause?.id,
        step.save?.[0]?.path,
        step.events?.length,
      ],
      [
        'x',
        'why',
        2000,
        false,
        'QUO-1',
        {
          hops: [
            { kind: 'member', name: 'x' },
            { kind: 'index', index: 0 },
          ],
        },
        1,
      ],
    )
  })

  it('delete what they are told is gone', () => {
    const step = firstStep('node', withStep('node: {n: gone}'))
    assert.deepEqual([step.name, step.options, step.configured], ['n', undefined, false])
  })

  it('send bytes as they are', () => {
    assert.equal(
      firstStep('raw', withStep(`raw: '{"execute": }'\nexpect: error GenericError`)).text,
      '{"execute": }',
    )
  })
})
