/** Every diagnostic: its code, at exactly the place that an author should look at. */
import assert from 'node:assert/strict'
import { CODES, type Code } from './codes.ts'
import { ACTOR_ROWS, FAULT_ROWS } from './codes-actors.test-data.ts'
import { LIMITS } from './limits.ts'
import { assertProblem, scenario, withIo, withStep, type TestOptions } from './testing.ts'

type Row = readonly [Code, string, TestOptions?]

const use = (text: string): TestOptions => ({ files: { 'f.yaml': text } })
const linted: TestOptions = { lint: true }
const steps = 'steps: [{phase: x}]'
const header = 'scenario: 1\ntitle: t\n'
const deepFlow = '['.repeat(LIMITS.nesting + 2)

const FILE_ROWS: readonly Row[] = [
  ['file-too-large', `‸${'# long comment\n'.repeat(20_000)}`],
  ['not-text', 'scenario: 1\ntitle: a‸\u0007b\n'],
  ['not-text', 'scenario: 1‸\rtitle: b\n'],
  ['not-text', 'title: ‸\ufffd\n'],
  ['empty-file', '‸# nothing but a comment\n'],
  ['too-deep', `define: ${deepFlow.slice(0, -1)}‸[`],
  ['several-documents', 'a: 1\n‸---\nb: 2\n'],
  ['alias-bomb', bomb()],
  ['alias-cycle', 'define: &x [‸*x]\n'],
  ['unknown-anchor', 'define: &xyz 1\ntitle: ‸*xyy\n'],
  ['duplicate-key', 'scenario: 1\ntitle: x\n‸title: y\n'],
  ['yaml-syntax', 'scenario: 1\ntitle: [a] ‸b\n'],
  ['yaml-tab', 'steps:\n‸\t- phase: x\n'],
  ['yaml-indent', 'steps:\n  - phase: x\n‸ - phase: y\n'],
  ['yaml-colon', 'title: ‸a: b\n'],
  ['yaml-block-in-flow', 'define: {a: ‸- b}\n'],
  ['yaml-multiline-key', 'scenario: 1\n‸title\nsteps: []\n'],
  ['yaml-scalar-start', 'title: ‸@here\n'],
  ['yaml-escape', 'title: "a ‸\\q"\n'],
  ['yaml-missing', 'define: {a: "x‸'],
  ['yaml-alias', 'define: [&a 1, &b ‸*a]\n'],
  ['yaml-directive', '‸%YAML 1.1\n---\na: 1\n'],
  ['yaml-tag', 'title: !!str ‸x\n'],
  ['yaml-key', 'define: {‸[a]: 1}\n'],
  ['yaml-merge', 'define:\n  <<: ‸x\n'],
  ['too-many-problems', tooMany()],
]

/** Nine levels of ten aliases each. */
function bomb(): string {
  const lines = ['define:', '  - &a0 [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]']
  for (let level = 1; level < 9; level++) {
    const alias = `*a${String(level - 1)}`
    const items = Array.from({ length: 10 }, (_, index) =>
      level === 4 && index === 1 ? `‸${alias}` : alias,
    )
    lines.push(`  - &a${String(level)} [${items.join(', ')}]`)
  }
  return lines.join('\n')
}

function tooMany(): string {
  const keys = Array.from(
    { length: LIMITS.problems + 5 },
    (_, index) => `${index === LIMITS.problems ? '‸' : ''}wrong${String(index)}: 1`,
  )
  return `${header}${steps}\n${keys.join('\n')}\n`
}

const HEADER_ROWS: readonly Row[] = [
  ['no-version', `‸title: x\nsteps: []\n`],
  ['bad-version', 'scenario: ‸one\ntitle: x\n'],
  ['newer-version', 'scenario: ‸2\ntitle: x\n'],
  ['newer-version', 'scenario: ‸1.7\ntitle: x\n'],
  ['unknown-key', `${header}‸step: []\n${steps}\n`],
  ['missing-key', `‸scenario: 1\n${steps}\n`],
  ['missing-key', `‸scenario: 1\ntitle: x\n`],
  ['wrong-type', `${header}steps: ‸{phase: x}\n`],
  ['wrong-type', `‸- a\n- b\n`],
  ['wrong-type', `${header}steps: [‸phase]\n`],
  ['not-built-yet', `${header}‸devices: {}\n${steps}\n`],
  ['not-built-yet', `${header}profile: ‸legacy\n${steps}\n`],
  ['title-line', `scenario: 1\ntitle: ‸|\n  a\n  b\n${steps}\n`],
  [
    'unknown-clause',
    `${header}spec: [QUO-1, ‸QUO-99]\n${steps}\n`,
    { clauses: new Set(['QUO-1']) },
  ],
  ['bad-clause', `${header}spec: [‸"3 QUO"]\n${steps}\n`],
  ['duplicate-item', `${header}spec: [QUO-1, ‸QUO-1]\n${steps}\n`],
  ['duplicate-item', `${header}tags: [quick, ‸quick]\n${steps}\n`],
  ['bad-tag', `${header}tags: [‸Quick!]\n${steps}\n`],
  ['quarantine-reason', `${header}tags: [‸quarantine]\n${steps}\n`],
  [
    'quarantine-reason',
    `${header}tags: [quarantine: ‸{link: here, until: 2030-01-01}]\n${steps}\n`,
  ],
  ['unknown-profile', `${header}profile: [qemu, ‸qmeu]\n${steps}\n`],
  [
    'unknown-preset',
    `${header}preset: ‸qds\n${steps}\n`,
    { files: { 'blockspec.config.yaml': 'presets: {qsd: {needs: []}}' } },
  ],
  ['unknown-time', `${header}time: ‸fast\n${steps}\n`],
  ['real-time-slow', `${header}time: ‸real\n${steps}\n`],
  ['bad-duration', `${header}budget: ‸10\n${steps}\n`],
  ['golden-option', `${header}golden: {order: ‸strickt}\n${steps}\n`],
  ['tidy-reason', `${header}tidy: {leaks: ‸false}\n${steps}\n`],
  ['need-syntax', `${header}needs: [driver.quorum, ‸quorum]\n${steps}\n`],
  ['matrix-empty', `${header}matrix: ‸{a: [1], exclude: [{a: 1}]}\nsteps: [{phase: $a}]\n`],
  [
    'too-many-cases',
    `${header}matrix:\n  ‸a: &l [${range(30)}]\n  b: *l\n  c: *l\nsteps: [{phase: $a$b$c}]\n`,
  ],
  ['duplicate-case', `${header}‸matrix: {a: [1, "1"]}\nsteps: [{qmp: {x: {y: $a}}}]\n`],
  [
    'unknown-variable',
    `${header}matrix: {mode: [1, 2], exclude: [{‸mod: 1}]}\nsteps: [{phase: $mode}]\n`,
  ],
  [
    'exclude-nothing',
    `${header}matrix: {mode: [1, 2], exclude: [‸{mode: 3}]}\nsteps: [{phase: $mode}]\n`,
  ],
  [
    'include-nothing',
    `${header}matrix: {mode: [1, 2], include: [‸{mode: 2}]}\nsteps: [{phase: $mode}]\n`,
  ],
  ['unused-variable', `${header}matrix: {‸mode: [1, 2]}\n${steps}\n`],
  [
    'undefined-variable',
    `${header}matrix: {mode: [1, 2]}\nsteps: [{phase: $mode}, {phase: 'x ‸$mdoe'}]\n`,
  ],
  ['duplicate-variable', `${header}params: {x: 1}\nmatrix: {‸x: [1, 2]}\n${steps}\n`],
  ['bad-name', `${header}params: {‸img: 1}\n${steps}\n`],
  ['bad-name', `${header}images: {‸"a b": raw 1M}\n${steps}\n`],
]

function range(count: number): string {
  return Array.from({ length: count }, (_, index) => String(index)).join(', ')
}

const STEP_ROWS: readonly Row[] = [
  ['runtime-variable', withStep('phase: at ‸$img.a')],
  ['variable-in-text', scenario('params: {m: {a: 1}}\nsteps:\n  - phase: at ‸$m now')],
  ['name-twice', withStep('node: {x: {driver: null-co, ‸node-name: y}}')],
  ['duplicate-name', withStep('node: {‸n: {driver: null-co}}')],
  ['unknown-node', withStep('io: ‸m\ndo: flush')],
  ['unknown-node', withStep('node: {q: {driver: quorum, children: [n, ‸x], vote-threshold: 1}}')],
  ['unknown-node', withStep('node: {‸x: gone}')],
  ['unknown-image', withStep('node: {x: {driver: file, img: ‸c}}')],
  ['unknown-image', withStep('qmp: {blockdev-add: {driver: file, filename: ‸$img.c}}')],
  ['unknown-export', withStep('nbd: ‸e0\ndo: info')],
  ['unknown-object', withStep('object: {‸tg: gone}')],
  ['bad-subject', withStep('io: ‸a b\ndo: flush')],
  ['path-outside', withStep('use: ‸../secret.yaml')],
  ['path-outside', withStep('use: ‸/etc/passwd')],
  ['unknown-step', withStep('‸qpm: {query-block: {}}')],
  ['unknown-step', withStep('‸note: only a note')],
  ['unknown-key', withStep('phase: x\n‸within: 3s')],
  ['two-step-kinds', withStep('phase: x\n‸qmp: query-block')],
  [
    'too-many-steps',
    `${header}steps:\n  - each: &l {a: [${range(200)}]}\n    do:\n      - each: ‸{b: [${range(200)}]}\n        do: [{phase: x}]\n`,
  ],
  ['too-many-io-lines', withIo('for i in 0..99999: ‸write -P 1 0 512')],
  ['no-sleep', withStep('‸sleep: 1s')],
  ['no-sleep', withStep('wait: ‸1s')],
  ['no-sleep', `${header}time: real\ntags: [slow]\nsteps: [{advance: ‸1s}]\n`],
  ['phase-line', withStep('phase: ‸""')],
  ['qmp-two-commands', withStep('qmp: {execute: query-block, ‸arguments: {}}')],
  ['bad-command', withStep('qmp: {‸"query block": {}}')],
  ['return-with-error', withStep('qmp: query-block\nexpect: error\nreturn: ‸[]')],
  ['by-variable', withStep('qmp: query-block\nexpect: {a: ok}\nby: ‸mode')],
  [
    'by-missing',
    scenario(
      'matrix: {mode: [x, y]}\nsteps:\n  - qmp: query-block\n    expect: ‸{x: ok}\n    by: $mode',
    ),
  ],
  ['unknown-channel', withStep('io: n\nvia: ‸qmp\ndo: flush')],
  ['restart-how', withStep('restart: ‸dirty')],
  ['schema-subject', withStep('schema: ‸{arg: base}')],
  ['schema-absent', withStep('schema: ‸{command: x, present: false, features: []}')],
  ['match-without-event', withStep('wait: quiet\n‸match: {}')],
  ['each-empty', withStep('each: {a: ‸[]}\ndo: []')],
  ['each-lengths', withStep('each: {a: [1, 2], b: ‸[1]}\ndo: [{phase: $a $b}]')],
  ['no-fragment', withStep('use: ‸f.yaml')],
  ['no-fragment', withStep('use: f.yaml'), use('‸steps: []')],
  ['broken-fragment', withStep('use: ‸f.yaml'), use('a: [')],
  ['cyclic-use', withStep('use: f.yaml'), use('fragment: 1\nsteps:\n  - use: ‸f.yaml')],
  ['use-too-deep', withStep('use: f0.yaml'), { files: deepFragments() }],
  [
    'unknown-input',
    withStep('use: f.yaml\nwith: {‸nod: n}'),
    use('fragment: 1\ninputs: [{node: x}]\nsteps: []'),
  ],
  [
    'missing-input',
    withStep('use: f.yaml\n‸with: {}'),
    use('fragment: 1\ninputs: [node]\nsteps: []'),
  ],
  [
    'undefined-variable',
    scenario('params: {p: 1}\nsteps: [{phase: $p}, {use: f.yaml}]'),
    use('fragment: 1\nsteps:\n  - phase: ‸$p'),
  ],
  ['event-name', withStep('events: [‸block-job-ready]')],
  ['event-name', withStep('wait: event ‸job-ready')],
  ['events-unknown', withStep('events: [{‸nevr: X}]')],
  ['events-two-keys', withStep('events: [{A: {}, ‸B: {}}]')],
  ['events-too-few', withStep('events: [ordered: ‸[A]]')],
  ['events-times', withStep('events: [{‸times 0: A}]')],
  ['not-built-yet', withStep('‸hmp: info')],
  ['not-built-yet', withStep('img: ‸convert a b')],
  ['not-built-yet', withStep('nbd: nbd:e\ndo: ‸trim 0 64k')],
  ['unknown-param', scenario(steps), {}],
]

function deepFragments(): Record<string, string> {
  const files: Record<string, string> = {}
  for (let depth = 0; depth <= LIMITS.useDepth; depth++) {
    const mark = depth === LIMITS.useDepth - 1 ? '‸' : ''
    files[`f${String(depth)}.yaml`] =
      `fragment: 1\nsteps:\n  - use: ${mark}f${String(depth + 1)}.yaml`
  }
  return files
}

const expectStep = (text: string) => withStep(`qmp: query-block\nexpect: ${text}`)
const returnStep = (text: string) => withStep(`qmp: query-block\nreturn: ${text}`)

const IO_ROWS: readonly Row[] = [
  ['mini-too-deep', withIo(`write -P ${'('.repeat(LIMITS.miniNesting)}‸(1`)],
  ['single-quotes', withIo("flush => refused ‸'no'")],
  ['open-quote', withIo('flush => refused ‸"no')],
  ['open-regex', withIo('flush => refused ‸/no')],
  ['quoted-escape', withIo('flush => refused ‸"\\q"')],
  ['io-syntax', withIo('await ‸1')],
  ['io-empty', withStep('io: n\ndo: ‸""')],
  ['io-unknown-verb', withIo('‸wirte -P 1 0 64k')],
  ['io-unknown-verb', withIo('flush\n‸sleep 100')],
  ['io-unknown-flag', withIo('write ‸-q -P 1 0 64k')],
  ['io-flag-twice', withIo('write -P 1 ‸-P 2 0 64k')],
  ['io-flag-conflict', withIo('write ‸-z -P 1 0 64k')],
  ['io-flag-conflict', withIo('read ‸-u 0 64k')],
  ['io-flag-conflict', withIo('write ‸-u -P 1 0 64k')],
  ['io-flag-conflict', withIo('read ‸-s 0 -l 4k 0 64k')],
  ['io-missing-length', withIo('write -P 1 0‸')],
  ['io-missing-length', withIo('read -P 0 64k ‸=> EIO')],
  ['io-size-suffix', withIo('write -P 1 0 ‸64kb')],
  ['io-size-suffix', withIo('write -P 1 ‸1m 64k')],
  ['io-negative', withIo('write -P 1 ‸-1 64k')],
  ['io-negative', withIo('write -P 1 ‸0-64k 64k')],
  ['io-empty-range', withIo('write -P 1 ‸64k..0')],
  ['io-empty-range', withIo('write -P 1 ‸0 0')],
  ['io-three-dots', withIo('write -P 1 0‸...64k')],
  ['io-blanks', withIo('write -P 1 1M‸ - 64k 64k')],
  ['io-division', withIo('write -P 1 0 1M‸/2')],
  ['number-too-large', withIo('write -P 1 ‸9007199254740993 64k')],
  ['not-a-size', scenario('params: {p: much}\nsteps:\n  - io: n\n    do: write -P 1 0 ‸$p')],
  ['undefined-variable', withIo('for i in 0..3: write -P 1 ‸j*64k 64k')],
  ['runtime-variable', withIo('write -P 1 0 ‸$img.a')],
  ['io-pattern-range', withIo('write -P ‸256 0 64k')],
  ['io-unknown-pattern', withIo('write -P ‸random(1) 0 64k')],
  ['io-hex', withIo('write -P ‸hex(abc) 0 64k')],
  ['path-outside', withIo('write -P ‸file(/etc/passwd) 0 64k')],
  ['io-part-outside', withIo('read -P 1 -s 60k ‸-l 8k 0 64k')],
  ['io-arrow', withIo('read -P 1 0 64k ‸-> EIO')],
  ['io-arrow', withIo('read -P 1 0 64k ‸= EIO')],
  ['io-errno-case', withIo('read -P 1 0 64k => ‸eio')],
  ['io-unknown-errno', withIo('read -P 1 0 64k ‸=> EOI')],
  ['io-unknown-outcome', withIo('read -P 1 0 64k => ‸failed')],
  ['io-impossible-outcome', withIo('flush ‸=> mismatch')],
  ['io-verify-equals', withIo('verify 0..64k ‸== 1')],
  ['io-extent-separator', withIo('verify 0..64k = 1‸, rest = 0')],
  ['io-extents-overlap', withIo('verify 0..64k = 1 | ‸32k..96k = 2')],
  ['io-rest-twice', withIo('verify rest = 1 | ‸rest = 2')],
  ['io-comment', withIo('‸// nothing')],
  ['io-tag-needs-aio', withIo('write -P 1 0 64k as ‸w')],
  ['io-aio-needs-tag', withIo('‸aio_write -P 1 0 64k')],
  ['io-pending-needs-aio', withIo('‸write -P 1 0 64k => pending')],
  ['io-unknown-tag', withIo('aio_write -P 1 0 64k as w1\nawait ‸w2')],
  ['io-duplicate-tag', withIo('aio_write -P 1 0 64k as w\naio_write -P 1 0 64k as ‸w')],
  ['io-awaited-twice', withIo('aio_write -P 1 0 64k as w\nawait w, ‸w')],
  ['io-loop-step', withIo('‸for i in 0..3 step 0: flush')],
  ['io-loop-empty', withIo('‸for i in 3..0: flush')],
  [
    'duplicate-variable',
    withIo(
      '‸for i in 0..1: for i in 0..1: flush'
        .replace('‸', '')
        .replace('for i in 0..1: flush', '‸for i in 0..1: flush'),
    ),
  ],
  ['io-three-dots', withIo('for i in 0‸...15: flush')],
  ['nbd-syntax', withStep('nbd: e\ndo: meta ‸!')],
  ['nbd-unknown-verb', withStep('nbd: e\ndo: ‸lst')],
]

const MATCH_ROWS: readonly Row[] = [
  ['regex-invalid', expectStep('error ‸/(/')],
  ['regex-flags', expectStep('error ‸/x/g')],
  ['regex-too-long', expectStep(`error ‸/${'x'.repeat(LIMITS.regexLength + 1)}/`)],
  ['regex-dangerous', expectStep('error ‸/(a+)+b/')],
  ['match-syntax', returnStep('{a: "~ 1 ‸2"}')],
  ['match-bare-tilde', returnStep('{a: ‸~}')],
  ['match-tilde-blank', returnStep('{a: ‸~>5}')],
  ['match-missing-tilde', returnStep('{a: ‸/x+/}')],
  ['match-words', returnStep('{a: ~ 1‸ or 2}')],
  ['match-words', returnStep('{a: "~ ‸!1"}')],
  ['match-equals', returnStep('{a: ~ ‸= 5}')],
  ['match-number', returnStep('{a: ~ >= ‸64kb}')],
  [
    'match-unknown-type',
    returnStep('{a: ‸~ type number}'.replace('‸', '').replace('type', '‸type')),
  ],
  ['match-compare-text', returnStep('{a: ~ > ‸abc}'.replace('‸', '').replace('abc', '‸abc'))],
  ['match-percent', returnStep('{a: ‸~ about 1M 5}'.replace('‸', '').replace('about', '‸about'))],
  ['match-reversed', returnStep('{a: ~ ‸5..1}')],
  ['match-duplicate-key', returnStep('"~ {a: 1, ‸a: 2}"')],
  ['single-quotes', returnStep(`"~ ‸'x'"`)],
  ['expect-syntax', expectStep('error GenericError ‸GenericError')],
  ['expect-class', expectStep('error ‸genericerror')],
  ['expect-unknown-class', expectStep('error ‸GenricError')],
  ['expect-unknown', expectStep('‸fail')],
  ['expect-error-word', expectStep('‸GenericError')],
  ['expect-crash', expectStep('‸crash')],
  ['wrong-type', expectStep('‸{a: ok}')],
]

const SMALL_ROWS: readonly Row[] = [
  ['graph-syntax', withStep('graph: n -file-> ‸(x)')],
  ['graph-edge-name', withStep('graph: n‸ -> a')],
  ['graph-edge-name', withStep('graph: |\n  n -file-> a\n  n‸ => b')],
  ['graph-blanks', withStep('graph: n‸-file-> a')],
  ['graph-dots', withStep('graph: n‸ .. a')],
  ['graph-lonely-node', withStep('graph: ‸n')],
  ['graph-no-node', withStep('graph: ‸no n')],
  ['graph-mode', withStep('graph: n‸{r} -file-> a')],
  ['graph-permissions', withStep('graph: n -file‸[wr,x/]-> a')],
  ['condition-syntax', withStep('phase: x\nif: $a ‸b')],
  ['condition-words', withStep('phase: x\nif: a == b‸ && c == d')],
  ['condition-equals', withStep('phase: x\nif: a ‸= b')],
  ['condition-order', withStep('phase: x\nif: ‸a < b')],
  ['path-syntax', withStep('save: {x: "‸#"}')],
  ['path-member', withStep('save: {x: "query-block‸.[0]"}')],
  ['path-index', withStep('save: {x: "query-block‸[-1]"}')],
  ['path-where', withStep('save: {x: "query-block‸[device: a]"}')],
  ['path-bracket', withStep('save: {x: "query-block‸[a=b"}')],
  ['image-syntax', `${header}images: {a: ‸"=x"}\n${steps}\n`.replace('‸"', '"‸')],
  ['image-format', `${header}images: {a: ‸qcow3 1M}\n${steps}\n`],
  ['image-size', `${header}images: {a: ‸raw}\n${steps}\n`],
  ['bad-size', `${header}images: {a: raw ‸1X}\n${steps}\n`],
  ['image-blanks', `${header}images: {a: raw 1M ‸cluster = 64k}\n${steps}\n`],
  ['image-option', `${header}images: {a: raw 1M ‸clustre=64k}\n${steps}\n`],
  ['image-twice', `${header}images: {a: raw 1M ‸2M}\n${steps}\n`],
  ['unknown-image', `${header}images: {a: qcow2 ‸backing=b, b: raw 1M}\n${steps}\n`],
  ['img-syntax', withStep('img: ‸"5"').replace('‸"', '"‸')],
  ['img-action', withStep('img: ‸chek a')],
  ['img-option', withStep('img: check ‸--fix a')],
  ['img-words', withStep('img: compare a‸')],
  ['img-words', withStep('img: rebase -u a‸')],
  ['img-words', withStep('img: check a ‸b')],
  ['wait-syntax', withStep('wait: job j0 ‸5')],
  ['wait-unknown', withStep('wait: ‸jobs')],
  ['wait-status', withStep('wait: job j0 ‸redy')],
  ['wait-or', withStep('wait: job j0 pending‸, concluded')],
]

const LINT_ROWS: readonly Row[] = [
  ['golden-only', `${header}spec: [‸QUO-1]\n${steps}\n`, linted],
  [
    'refuses-nothing',
    `${header}refuses: [‸QUO-1]\nsteps: [{qmp: query-block, expect: ok}]\n`,
    linted,
  ],
  [
    'many-claims',
    `scenario: 1\ntitle: ‸t\nsteps: [${Array.from({ length: 26 }, () => '{qmp: query-block, expect: ok}').join(', ')}]\n`,
    linted,
  ],
  ['no-clause', `scenario: 1\ntitle: ‸t\n${steps}\n`, linted],
  [
    'ambiguous-name',
    `${header}images: {a: raw 1M}\nnodes: {a: {driver: file, img: a}}\nsteps: [{io: ‸a, do: flush}]\n`,
    linted,
  ],
  ['unused-param', `${header}params: {‸p: 1}\n${steps}\n`, linted],
  ['unused-image', `${header}images: {‸a: raw 1M}\n${steps}\n`, linted],
  ['never-awaited', withIo('‸aio_write -P 1 0 64k as w'), linted],
  [
    'no-phase',
    `scenario: 1\ntitle: ‸t\nsteps: [${Array.from({ length: 13 }, () => '{qmp: query-block}').join(', ')}]\n`,
    linted,
  ],
  ['duplicate-phase', `${header}steps: [{phase: x}, ‸{phase: x}]\n`, linted],
  ['duplicate-id', `${header}steps: [{qmp: a, id: x}, ‸{qmp: b, id: x}]\n`, linted],
  ['title-style', `scenario: 1\ntitle: ‸Ends here.\n${steps}\n`, linted],
  [
    'wide-matrix',
    `${header}‸matrix: {a: [1], b: [1], c: [1], d: [1]}\nsteps: [{phase: $a$b$c$d}]\n`,
    linted,
  ],
  [
    'hidden-step',
    `scenario: 1\ntitle: ‸t\nsteps: [{qmp: a, golden: false}, {qmp: b, golden: false}]\n`,
    linted,
  ],
  ['any-outcome', expectStep('‸any'), linted],
]

const ROWS = [
  ...FILE_ROWS,
  ...HEADER_ROWS,
  ...STEP_ROWS,
  ...IO_ROWS,
  ...MATCH_ROWS,
  ...SMALL_ROWS,
  ...LINT_ROWS,
  ...FAULT_ROWS,
  ...ACTOR_ROWS,
]

/** Codes that only a caller can provoke, each with its own test. */
const ELSEWHERE: readonly Code[] = ['unknown-param', 'size-syntax', 'unknown-save']

describe('diagnostics', () => {
  for (const [index, [code, text, options]] of ROWS.entries()) {
    if (ELSEWHERE.includes(code)) continue
    it(`reports ${code} at its place (${String(index)})`, () => {
      assertProblem(code, text, options)
    })
  }

  it('covers every code', () => {
    const covered = new Set<string>([...ROWS.map(([code]) => code), ...ELSEWHERE])
    assert.deepEqual(
      Object.keys(CODES).filter((code) => !covered.has(code)),
      [],
    )
  })
})
