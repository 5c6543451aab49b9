/** What scenario files mean: cases, variables, loops, needs, fragments, and the plan of each step. */
import assert from 'node:assert/strict'
import { STEPS } from '../runner/steps/index.ts'
import { compileScenario, compileSuite } from './compile.ts'
import { EXAMPLES } from './examples.test-data.ts'
import type { Match, Step, Template } from './plan.ts'
import { place, renderProblem } from './problem.ts'
import { casesOf, firstStep, problemsOf, scenario, stepsOf, withIo, withStep } from './testing.ts'

const HEADER = 'scenario: 1\ntitle: t\n'

function ioTexts(text: string): readonly string[] {
  return firstStep('io', text).script.lines.map((line) => line.text)
}

/** A template as the plain value it becomes, variables as `$path`. */
function plain(template: Template | undefined): unknown {
  switch (template?.kind) {
    case undefined:
      return undefined
    case 'scalar':
      return template.value
    case 'variable':
      return `$${template.path}`
    case 'text':
      return template.parts
        .map((part) => (typeof part === 'string' ? part : `$${part.path}`))
        .join('')
    case 'list':
      return template.items.map(plain)
    case 'map':
      return Object.fromEntries(template.entries.map(({ key, value }) => [key, plain(value)]))
  }
}

function args(text: string): unknown {
  return plain(firstStep('qmp', text).arguments)
}

function returned(claim: string): Match {
  const match = firstStep('qmp', withStep(`qmp: query-block\nreturn: ${claim}`)).returns?.match
  assert.ok(match !== undefined)
  return match
}

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

describe('claims', () => {
  it('compare maps as subsets and lists as they are', () => {
    const match = returned('[{device: m0, offset: ~ 0..1M, len: 1M, x: null}]')
    const members =
      match.kind === 'seq' && match.items[0]?.kind === 'object' ? match.items[0].members : []
    assert.deepEqual(
      members.map((member) => `${member.key} ${member.match.kind}`),
      ['device equal', 'offset between', 'len equal', 'x equal'],
    )
  })

  it('take whole expressions', () => {
    const match = returned(
      '"~ has [{node-name: disk, bitmaps: [{name: b0, count: >= 64k}]}] & not exact {}"',
    )
    assert.ok(match.kind === 'all')
    assert.deepEqual(
      match.matches.map(({ kind }) => kind),
      ['has', 'not'],
    )
  })

  it('leave saved values to the run', () => {
    const steps = stepsOf(
      scenario(
        'steps:\n  - save: {b: "query-block[device=x].count"}\n  - qmp: query-block\n    return: {count: $b.count, other: "~ $b"}',
      ),
    )
    const match = steps[1]?.kind === 'qmp' ? steps[1].returns?.match : undefined
    assert.deepEqual(
      match?.kind === 'object' ? match.members.map((member) => member.match.kind) : [],
      ['variable', 'variable'],
    )
  })

  it('write a literal tilde with two', () => {
    const match = returned('{a: ~~x}')
    assert.deepEqual(
      match.kind === 'object'
        ? match.members[0]?.match.kind === 'equal' && match.members[0].match.value
        : '',
      '~x',
    )
  })

  it('fill variables into words and quoted text, not into expressions', () => {
    const [first] = casesOf(
      scenario(
        'matrix: {v: [x1]}\nsteps:\n  - qmp: query-block\n    return: {a: "~ \\"is $v\\"", b: "~ n-$v", c: "~ /^a$/", d: in-$v}',
      ),
    )
    const match = first?.steps[0]?.kind === 'qmp' ? first.steps[0].returns?.match : undefined
    const values =
      match?.kind === 'object'
        ? match.members.map((member) =>
            member.match.kind === 'equal'
              ? member.match.value
              : String(member.match.kind === 'regex' ? member.match.regex : ''),
          )
        : []
    assert.deepEqual(values, ['is x1', 'n-x1', '/^a$/', 'in-x1'])
  })

  it('accept the death of the target beside an error', () => {
    const { expect } = firstStep('qmp', withStep('qmp: x\nexpect: error | crash'))
    assert.deepEqual(expect.kind === 'error' && expect.orCrash, true)
  })

  it('are made about events in every form', () => {
    const step = firstStep(
      'events',
      withStep(
        'events:\n  - A: {x: 1}\n  - B\n  - ordered: [A, {B: {y: ~ any}}]\n  - set: [A, B]\n  - never: C\n  - times 3: {D: {}}\n  - optional: E\n  - only: [A, B]\n  - any: F',
      ),
    )
    assert.deepEqual(
      step.claims.map(({ kind }) => kind),
      ['occurs', 'occurs', 'ordered', 'set', 'never', 'times', 'optional', 'only', 'occurs'],
    )
  })

  it('are made about the graph', () => {
    const step = firstStep(
      'graph',
      withStep(
        'graph: |\n  # a comment\n  top -backing-> thr(throttle) -file-> base{ro}\n  not top ... mid\n  a -file[wr,cr/wu]-> a-file\n  only top, thr\n  no node cf\n  node x(raw)',
      ),
    )
    assert.deepEqual(
      step.lines.map(({ text }) => text),
      [
        'top -backing-> thr(throttle) -file-> base{ro}',
        'not top ... mid',
        'a -file[wr,cr/wu]-> a-file',
        'only top, thr',
        'no node cf',
        'node x(raw)',
      ],
    )
    const [, , edge] = step.lines
    assert.deepEqual(
      edge?.kind === 'path' && edge.hops[0]?.kind === 'edge' ? edge.hops[0].permissions : {},
      { used: 'cwr', shared: 'wu' },
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
