/** What scenario files mean as a whole: names, defaults, presets, fragments, and the setup. */
import assert from 'node:assert/strict'
import { STEPS } from '../runner/steps/index.ts'
import { compileScenario, compileSuite } from './compile.ts'
import { EXAMPLES } from './examples.test-data.ts'
import type { Step } from './plan.ts'
import { renderProblem } from './problem.ts'
import { casesOf, firstStep, HEADER, problemsOf, scenario, withStep } from './testing.ts'

describe('the examples of the design', () => {
  for (const [id, text] of Object.entries(EXAMPLES)) {
    it(`${id} compiles`, () => {
      const { problems } = compileScenario(
        { path: `s/${id}.yaml`, text },
        { kinds: STEPS, root: 's' },
      )
      const found = problems.map(
        ({ span, code }) => `${String(span.line)}:${String(span.column)} ${code}`,
      )
      assert.deepEqual(found, [])
    })
  }
})

describe('a scenario', () => {
  it('is named by its path below the root', () => {
    const { suite } = compileSuite(
      [{ path: 'x/scenarios/a/b.yaml', text: scenario('steps: [{phase: p}]') }],
      { kinds: STEPS, root: 'x/scenarios' },
    )
    assert.equal(suite.scenarios[0]?.id, 'a/b')
  })

  it('with mistakes is left out, the others stay', () => {
    const good = { path: 's/good.yaml', text: scenario('steps: [{phase: p}]') }
    const bad = { path: 's/bad.yaml', text: 'scenario: 1' }
    const { suite, problems } = compileSuite([bad, good], { kinds: STEPS, root: 's' })
    assert.deepEqual(
      suite.scenarios.map(({ id }) => id),
      ['good'],
    )
    assert.ok(problems.every(({ span }) => span.file === 's/bad.yaml'))
  })

  it('reports all its problems in the order of their places', () => {
    const text = `${HEADER}wrong: 1\nsteps:\n  - qpm: x\n  - io: n\n    do: |\n      wriet 0 1\n      read -P 300 0 64k\n`
    const lines = problemsOf(text).map(({ span }) => span.line)
    assert.deepEqual(
      lines,
      lines.toSorted((a, b) => a - b),
    )
    assert.deepEqual([...new Set(lines)], [3, 5, 6, 8, 9])
  })

  it('with a misspelt key has that one problem, not one for each name that it would have made', () => {
    const text = withStep('io: n\ndo: flush').replace('images:', 'imgaes:')
    assert.deepEqual(
      problemsOf(text).map(({ code }) => code),
      ['unknown-key'],
    )
  })

  it('with a misspelt key is not told that it lacks what was meant', () => {
    for (const [right, wrong] of [
      ['steps:', 'stepz:'],
      ['title:', 'titel:'],
    ] as const) {
      const codes = problemsOf(withStep('phase: p').replace(right, wrong)).map(({ code }) => code)
      assert.deepEqual(codes, ['unknown-key'])
    }
  })

  it('has the defaults of the language', () => {
    const { scenario: made } = compileScenario(
      { path: 's.yaml', text: scenario('steps: [{phase: p}]') },
      { kinds: STEPS, root: '' },
    )
    assert.deepEqual(
      [made?.profiles, made?.time, made?.budgetMs, made?.golden, made?.tidy],
      [
        ['qemu'],
        'virtual',
        10_000,
        { enabled: true, order: 'lanes', graph: [] },
        { jobs: true, exports: true, leaks: true, check: true },
      ],
    )
  })

  it('takes needs and defaults from a preset, the area before the suite', () => {
    const files = {
      'blockspec.config.yaml': 'presets: {p: {budget: 1s}, q: {needs: [net.tcp], budget: 3s}}',
      'area/blockspec.config.yaml': 'presets: {p: {needs: [target.kill], budget: 2s}}',
    }
    const compile = (name: string) =>
      compileScenario(
        { path: 's/area/x.yaml', text: `${HEADER}preset: ${name}\nsteps: [{phase: x}]` },
        { kinds: STEPS, root: 's', readFragment: (path) => files[path as keyof typeof files] },
      ).scenario
    assert.deepEqual(
      ['p', 'q'].map((name) => compile(name)?.budgetMs),
      [2000, 3000],
    )
    assert.deepEqual(
      compile('p')?.cases[0]?.needs.map(({ text }) => text),
      ['target.kill'],
    )
  })
})

describe('fragments', () => {
  const files = {
    'lib/fill.yaml':
      'fragment: 1\ninputs: [node, {byte: 0x5a}]\nsteps:\n  - io: $node\n    do: write -P $byte 0 64k\n',
  }

  it('play their steps with what they are given', () => {
    const use = firstStep('use', scenario('steps:\n  - use: lib/fill.yaml\n    with: {node: n}'), {
      files,
    })
    const [step] = use.steps
    assert.ok(step?.kind === 'io')
    assert.deepEqual(
      [use.file, step.subject.name, step.script.lines[0]?.text, step.span.file],
      ['suite/lib/fill.yaml', 'n', 'write -P 0x5a 0..64k', 'suite/lib/fill.yaml'],
    )
  })

  it('name their own file and the place of use in mistakes', () => {
    const [problem] = problemsOf(withStep('use: f.yaml'), {
      files: { 'f.yaml': 'fragment: 1\nsteps: [{io: n, do: fluhs}]' },
    })
    assert.ok(problem !== undefined)
    assert.match(
      renderProblem(problem),
      /^suite\/f\.yaml:2:21: error\[io-unknown-verb\][^]*note: suite\/area\/case\.yaml:7:10: used here/,
    )
  })

  it('hand their text to the suite, for excerpts', () => {
    const { suite } = compileSuite(
      [{ path: 's/x.yaml', text: scenario('steps: [{use: lib/fill.yaml, with: {node: n}}]') }],
      { kinds: STEPS, root: 's', readFragment: (path) => files[path as keyof typeof files] },
    )
    assert.equal(suite.sources['s/lib/fill.yaml'], files['lib/fill.yaml'])
  })
})

describe('setup', () => {
  it('creates, fills and adds in the order of the sections', () => {
    const text = `${HEADER}nodes: {n: {driver: file, img: a}}\nexports: {e: {type: nbd, node-name: n}}\nobjects: {o: {qom-type: throttle-group}}\nseed: {a: {as: raw, do: write -P 1 0 64k}}\nimages: {a: qcow2 1M cluster=64k, b: {format: qcow2, backing: a}}\nsteps: [{phase: x}]\n`
    const setup: readonly Step[] = casesOf(text)[0]?.setup ?? []
    assert.deepEqual(
      setup.map(({ kind }) => kind),
      ['create', 'create', 'seed', 'object', 'node', 'export'],
    )
    const images = setup.flatMap((step) =>
      step.kind === 'create' ? [[step.image.bytes, step.image.options]] : [],
    )
    assert.deepEqual(images, [
      [2 ** 20, [{ name: 'cluster', value: '64k' }]],
      [undefined, [{ name: 'backing', value: 'a' }]],
    ])
  })
})
