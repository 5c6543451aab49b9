/** Which cases there are, with which values, and what each of them needs. */
import assert from 'node:assert/strict'
import { STEPS } from '../runner/steps/index.ts'
import { compileScenario, compileSuite } from './compile.ts'
import { place } from './problem.ts'
import { casesOf, HEADER, problemsOf, scenario, stepsOf } from './testing.ts'

describe('the matrix', () => {
  const ids = (matrix: string) =>
    casesOf(`${HEADER}matrix: ${matrix}\nsteps: [{phase: $a$b}]\n`).map(({ id }) =>
      id.replace(/.*\[/, '['),
    )

  it('multiplies its variables, the last running fastest', () => {
    assert.deepEqual(ids('{a: [1, 2], b: [x, y]}'), [
      '[a=1,b=x]',
      '[a=1,b=y]',
      '[a=2,b=x]',
      '[a=2,b=y]',
    ])
  })

  it('drops what fits an excluded map and adds included ones', () => {
    assert.deepEqual(ids('{a: [1, 2], b: [x, y], exclude: [{a: 1}], include: [{a: 3, b: z}]}'), [
      '[a=2,b=x]',
      '[a=2,b=y]',
      '[a=3,b=z]',
    ])
  })

  it('spells sizes as written and gives them as numbers', () => {
    const [first] = casesOf(`${HEADER}matrix: {a: [64k, 1M]}\nsteps: [{phase: $a}]\n`)
    assert.deepEqual(first?.variables, [{ name: 'a', value: 65_536, text: '64k' }])
  })

  it('decides conditions and the needs of each case', () => {
    const text = `${HEADER}matrix: {d: [null-co, quorum]}\nsteps:\n  - if: $d == quorum\n    do: [{qmp: query-block}]\n    else: [{node: {n: {driver: $d}}}]\n`
    const cases = casesOf(text)
    assert.deepEqual(
      cases.map(({ steps }) => steps.map(({ kind }) => kind)),
      [['node'], ['qmp']],
    )
    assert.deepEqual(
      cases.map(({ needs }) => needs.map((need) => need.text)),
      [['qmp.blockdev-add', 'driver.null-co'], ['qmp.query-block']],
    )
  })

  it('tells mistakes of branches that no case takes', () => {
    const text = `${HEADER}matrix: {a: [1, 2]}\nsteps:\n  - if: $a == 3\n    do: [{io: n, do: wriet}]\n  - phase: $a\n`
    assert.deepEqual(
      problemsOf(text).map(({ code }) => code),
      ['io-unknown-verb'],
    )
  })

  it('chooses expectations by a variable', () => {
    const text = `${HEADER}matrix: {a: [1, 2]}\nsteps:\n  - qmp: x\n    expect: {1: ok, 2: error GenericError}\n    by: $a\n`
    assert.deepEqual(
      casesOf(text).map(({ steps }) => (steps[0]?.kind === 'qmp' ? steps[0].expect.kind : '')),
      ['ok', 'error'],
    )
  })
})

describe('parameters', () => {
  const text = `${HEADER}params: {size: 64k}\nsteps: [{qmp: {x: {y: $size}}}]\n`
  const value = (params: Record<string, string>) => {
    const { scenario: made } = compileScenario(
      { path: 's.yaml', text },
      { kinds: STEPS, root: '', params },
    )
    const step = made?.cases[0]?.steps[0]
    const argument =
      step?.kind === 'qmp' && step.arguments.kind === 'map'
        ? step.arguments.entries[0]?.value
        : undefined
    return argument?.kind === 'variable' ? argument.value : undefined
  }

  it('have their value, or the one of the command line', () => {
    assert.deepEqual(
      [value({}), value({ size: '1M' }), value({ size: 'true' })],
      [65_536, 2 ** 20, true],
    )
  })

  it('that no scenario has are reported', () => {
    const { problems } = compileSuite([{ path: 's.yaml', text }], {
      kinds: STEPS,
      root: '',
      params: { sise: '1' },
    })
    assert.deepEqual(
      problems.map((problem) => `${place(problem.span)} ${problem.code} ${problem.help ?? ''}`),
      ["--set:1:1 unknown-param did you mean 'size'?"],
    )
  })
})

describe('conditions', () => {
  it('that only the target decides stay in the plan', () => {
    const steps = stepsOf(
      scenario(
        'steps:\n  - if: has driver.luks and not version < 8.2\n    do: [{phase: x}]\n  - phase: y\n    unless: has fmt.qcow2',
      ),
    )
    assert.deepEqual([steps[0]?.kind, steps[1]?.when?.kind], ['group', 'not'])
  })

  it('make names uncertain', () => {
    assert.deepEqual(
      problemsOf(
        scenario(
          'steps:\n  - node: {x: {driver: null-co}}\n    if: has driver.luks\n  - io: x\n    do: flush\n  - io: y\n    do: flush',
        ),
      ),
      [],
    )
  })

  it('infer no needs', () => {
    const [only] = casesOf(`${HEADER}steps:\n  - qmp: query-foo\n    if: has qmp.query-foo\n`)
    assert.deepEqual(only?.needs, [])
  })
})

describe('needs', () => {
  const needs = (step: string) =>
    casesOf(`${HEADER}steps:\n  - ${step}\n`)[0]?.needs.map(({ text }) => text)

  it('follow from commands and their members', () => {
    assert.deepEqual(needs('qmp: {block-commit: {device: x, filter-node-name: f}}'), [
      'qmp.block-commit',
      'qmp.block-commit.device',
      'qmp.block-commit.filter-node-name',
    ])
  })

  it('follow from the drivers inside a node', () => {
    assert.deepEqual(
      needs('qmp: {blockdev-add: {driver: raw, node-name: r, file: {driver: null-co}}}'),
      ['qmp.blockdev-add', 'driver.raw', 'driver.null-co'],
    )
  })

  it('do not follow from what should fail', () => {
    assert.deepEqual(needs('{qmp: {no-such-command: {}}, expect: error CommandNotFound}'), [])
  })

  it('follow from objects, exports, time, restarts and channels', () => {
    const text = scenario(
      'steps:\n  - object: {o: {qom-type: throttle-group}}\n  - export: {e: {type: nbd, node-name: n}}\n  - advance: 1s\n  - restart: clean\n  - io: n\n    via: hmp\n    do: flush',
    )
    const all = casesOf(text)[0]?.needs.map((need) => need.text) ?? []
    for (const need of [
      'fmt.raw',
      'driver.file',
      'object.throttle-group',
      'export.nbd',
      'time.virtual',
      'target.restart',
      'via.hmp',
    ])
      assert.ok(all.includes(need), need)
  })
})
