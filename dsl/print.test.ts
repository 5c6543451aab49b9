/** Printing a tree of a mini-language and parsing it again gives the same tree. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { parseText, type Language, type Trees } from './mini.ts'
import { printLineAst, printNbdStatement } from './print.ts'
import { printFault } from './print-fault.ts'
import { printGraph } from './print-graph.ts'
import { printExpectation, printMatch } from './print-match.ts'
import { printSchedule } from './print-schedule.ts'
import { printValue } from './print-value.ts'

/** A tree without positions, which printing does not keep. */
function bare(tree: unknown): unknown {
  return JSON.parse(
    JSON.stringify(tree, (key, value: unknown) => {
      if (key === 'start' || key === 'end') return undefined
      return typeof value === 'bigint' ? `${String(value)}n` : value
    }),
  )
}

function parsed(language: Language, text: string): unknown {
  const result = parseText(new Map(), language, text)
  assert.ok('ast' in result, `${text}\n${'mistake' in result ? result.mistake.message : ''}`)
  return result.ast
}

const RUNS = { numRuns: 300 }

/** Words that mean something at the places where names stand. */
const KEYWORDS = new Set(
  'as in step rest hole lba same img nbd node not no only any absent present ok null true false type count set has exact about error crash'.split(
    ' ',
  ),
)
const ident = fc.stringMatching(/^[a-z_][a-z0-9_]{0,5}$/).filter((name) => !KEYWORDS.has(name))
const byte = fc.nat(255)
const size = fc.oneof(
  fc.nat(4096),
  fc.nat(64).map((n) => n * 65536),
  fc.maxSafeNat(),
)
const number = size.map((value) => ({ kind: 'number', value }))
const ref = ident.map((path) => ({ kind: 'ref', path }))
const atom = fc.oneof(number, ref)
const { expr } = fc.letrec((tie) => ({
  expr: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    atom,
    fc
      .array(fc.oneof(atom, tie('sub')), { minLength: 2, maxLength: 3 })
      .map((terms) => ({ kind: 'mul', terms })),
    tie('sub'),
  ),
  sub: fc.array(atom, { minLength: 2, maxLength: 3 }).map((terms) => ({ kind: 'sub', terms })),
}))
const range = fc.oneof(
  fc.record({ kind: fc.constant('range'), off: expr, to: expr }),
  fc.record({ kind: fc.constant('range'), off: expr, bytes: expr }),
)
const pattern = fc.oneof(
  byte.map((value) => ({ kind: 'byte', value: { kind: 'number', value } })),
  ref.map((value) => ({ kind: 'byte', value })),
  fc.record({ kind: fc.constantFrom('seq', 'rand'), value: expr }),
  fc.constant({ kind: 'lba' }),
  fc.stringMatching(/^([0-9a-f]{2}){1,4}$/).map((digits) => ({ kind: 'hex', digits })),
  fc.record({ kind: fc.constant('file'), path: ident, offset: fc.option(expr) }),
)
const letter = fc
  .constantFrom('z', 'u', 'n', 'c', 'f')
  .map((name) => ({ kind: 'letter', letter: name }))
const partFlags = fc.record({ s: expr, l: expr }).map(({ s, l }) => [
  { kind: 'partOffset', value: s },
  { kind: 'partBytes', value: l },
])
/** In the order in which they are printed. */
const flags = fc
  .tuple(fc.option(pattern), fc.option(letter), fc.option(partFlags))
  .map(([p, l, part]) => [
    ...(p === null ? [] : [{ kind: 'pattern', pattern: p }]),
    ...(l === null ? [] : [l]),
    ...(part ?? []),
  ])
const subject = fc.record({ kind: fc.constantFrom('img', 'node', 'nbd', null), name: ident })
const extent = fc.record({
  kind: fc.constant('extent'),
  range: fc.oneof(range, fc.constant({ kind: 'rest' })),
  want: fc.oneof(pattern, fc.constant({ kind: 'hole' })),
})
const want = fc.oneof(
  subject.map((as) => ({ kind: 'same', as })),
  fc.array(extent, { minLength: 1, maxLength: 3 }).map((extents) => ({ kind: 'extents', extents })),
)
const statement = fc.oneof(
  fc.record({
    kind: fc.constant('rw'),
    verb: fc.constantFrom('write', 'writev', 'read', 'readv', 'aio_write', 'aio_read'),
    flags,
    range,
    tag: fc.option(ident.map((name) => ({ name }))),
  }),
  fc.record({ kind: fc.constant('zero'), range, unmap: fc.boolean() }),
  fc.record({ kind: fc.constant('discard'), range }),
  fc.constant({ kind: 'flush' }),
  fc.record({ kind: fc.constant('truncate'), size: expr }),
  fc.record({ kind: fc.constant('map'), range: fc.option(range) }),
  fc
    .array(
      ident.map((name) => ({ name })),
      { minLength: 1, maxLength: 3 },
    )
    .map((tags) => ({ kind: 'await', tags })),
  want.map((wanted) => ({ kind: 'verify', want: wanted })),
)
const quoted = fc
  .string({ maxLength: 8 })
  .map((text) => JSON.stringify(text))
  .filter((text) => !text.includes('\n'))
const regexBody = fc.stringMatching(/^[a-z0-9 .*+^$]{1,8}$/)
const outcome = fc.oneof(
  fc.constantFrom('ok', 'pending', 'any').map((kind) => ({ kind })),
  fc.constantFrom('EIO', 'ENOSPC', 'EINVAL').map((errno) => ({ kind: 'errno', errno })),
  fc.record({ kind: fc.constant('mismatch'), offset: fc.option(expr) }),
  fc.record({
    kind: fc.constant('refused'),
    claim: fc.option(
      fc.oneof(
        quoted.map((text) => ({ kind: 'text', quoted: text })),
        regexBody.map((body) => ({ kind: 'regex', body, flags: '' })),
      ),
    ),
  }),
)
const plain = fc.record({ kind: fc.constant('line'), statement, outcome: fc.option(outcome) })
const { line } = fc.letrec((tie) => ({
  line: fc.oneof({ maxDepth: 2 }, plain, tie('loop')),
  loop: fc.record({
    kind: fc.constant('for'),
    variable: ident,
    from: expr,
    to: expr,
    step: fc.option(expr),
    body: tie('line'),
  }),
}))

const limit = fc.oneof(
  size,
  size.map((value) => -value),
)
const { match } = fc.letrec((tie) => {
  const several = fc.array(tie('match'), { maxLength: 3 })
  return {
    match: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      fc.constantFrom('any', 'absent', 'present').map((kind) => ({ kind })),
      fc.constantFrom(null, true, false).map((value) => ({ kind: 'equal', value })),
      limit.map((value) => ({ kind: 'equal', value: value === 0 ? 0 : value })),
      ident.map((value) => ({ kind: 'equal', value, words: true })),
      quoted.map((text) => ({ kind: 'quoted', quoted: text })),
      ident.map((path) => ({ kind: 'variable', path })),
      fc.record({ kind: fc.constant('regex'), body: regexBody, flags: fc.constantFrom('', 'i') }),
      fc.record({ kind: fc.constant('between'), low: size, high: size }),
      fc.record({
        kind: fc.constant('compare'),
        operator: fc.constantFrom('<', '<=', '>', '>=', '==', '!='),
        to: fc.oneof(
          size,
          ident.map((path) => ({ path })),
        ),
      }),
      fc.record({ kind: fc.constant('about'), value: size, percent: fc.nat(100) }),
      fc
        .constantFrom('string', 'int', 'bool', 'object', 'array')
        .map((type) => ({ kind: 'type', type })),
      fc.record({ kind: fc.constantFrom('seq', 'set', 'has'), items: several }),
      fc.record({ kind: fc.constant('not'), match: tie('match') }),
      fc.record({
        kind: fc.constantFrom('one', 'all'),
        matches: fc.array(tie('match'), { minLength: 2, maxLength: 3 }),
      }),
      fc.record({
        kind: fc.constant('object'),
        exact: fc.boolean(),
        members: fc.array(
          fc.record({ key: ident.map((name) => ({ name })), match: tie('match') }),
          { maxLength: 3 },
        ),
      }),
      fc.record({
        kind: fc.constant('count'),
        match: fc.record({ kind: fc.constant('between'), low: size, high: size }),
      }),
    ),
  }
})

const nodeName = fc
  .stringMatching(/^[a-z#][a-z0-9#_-]{0,6}[a-z0-9]$/)
  .filter((name) => !KEYWORDS.has(name) && !/^(no|not|only|node)\b/.test(name))
const graphNode = fc.record({
  name: nodeName,
  driver: fc.option(fc.stringMatching(/^[a-z][a-z0-9-]{0,5}$/)),
  mode: fc.option(fc.constantFrom('ro', 'rw')),
})
const childName = fc.oneof(
  fc.constantFrom('file', 'backing', 'data-file'),
  fc.nat(9).map((n) => `children.${String(n)}`),
)
const letters = fc.subarray(['c', 'w', 'u', 'r']).map((some) => some.join(''))
const hop = fc.oneof(
  fc.record({
    kind: fc.constant('edge'),
    child: childName,
    permissions: fc.option(fc.record({ used: letters, shared: letters })),
    to: graphNode,
  }),
  fc.record({ kind: fc.constant('reach'), to: graphNode }),
)
const graph = fc.oneof(
  fc.record({
    kind: fc.constant('path'),
    negated: fc.boolean(),
    from: graphNode,
    hops: fc.array(hop, { minLength: 1, maxLength: 3 }),
  }),
  fc.array(graphNode, { minLength: 1, maxLength: 3 }).map((roots) => ({ kind: 'only', roots })),
  nodeName.map((name) => ({ kind: 'absent', name })),
  graphNode.map((node) => ({ kind: 'present', node })),
)

/** The trees are made without positions, which the printers do not read. */
function roundTrip<L extends Language>(
  language: L,
  arbitrary: fc.Arbitrary<unknown>,
  print: (tree: NonNullable<Trees[L]>) => string,
): void {
  fc.assert(
    fc.property(arbitrary, (tree) => {
      const text = print(tree as NonNullable<Trees[L]>)
      assert.deepEqual(bare(parsed(language, text)), bare(tree), text)
    }),
    RUNS,
  )
}

describe('printing and parsing', () => {
  it('agree on I/O lines', () => {
    roundTrip('io', line, printLineAst)
  })

  it('agree on NBD lines', () => {
    const nbd = fc.oneof(
      fc.constantFrom('info', 'list').map((kind) => ({ kind })),
      fc.record({
        kind: fc.constant('meta'),
        context: fc.constant('base:allocation'),
        range: fc.option(range),
      }),
      fc.record({
        kind: fc.constantFrom('read', 'write'),
        flags: fc.option(pattern).map((p) => (p === null ? [] : [{ kind: 'pattern', pattern: p }])),
        range,
      }),
    )
    const nbdLine = nbd.map((item) => ({ kind: 'line', statement: item, outcome: null }))
    roundTrip('nbd', nbdLine, (tree) => printNbdStatement(tree.statement))
  })

  it('agree on matches', () => {
    roundTrip('match', match.map(flattened), printMatch)
  })

  it('agree on expectations', () => {
    const expectation = fc.oneof(
      fc.constantFrom('ok', 'any').map((kind) => ({ kind })),
      fc.record({
        kind: fc.constant('error'),
        class: fc.option(
          fc.constantFrom('GenericError', 'DeviceNotFound').map((name) => ({ name })),
        ),
        text: fc.option(
          fc.oneof(
            quoted.map((text) => ({ kind: 'quoted', quoted: text })),
            regexBody.map((body) => ({ kind: 'regex', body, flags: '' })),
          ),
        ),
        orCrash: fc.boolean(),
      }),
    )
    roundTrip('expectation', expectation, printExpectation)
  })

  it('agree on graph claims', () => {
    roundTrip('graph', graph, printGraph)
  })
})

/** `a | (b | c)` is printed with brackets, so nested lists of one kind stay apart. */
function flattened(tree: unknown): unknown {
  return tree
}

describe('faults and schedules', () => {
  const effect = fc.oneof(
    fc.constantFrom('EIO', 'ENOSPC').map((errno) => ({ kind: 'error', errno })),
    fc.constantFrom('2s', '1.5ms').map((duration) => ({ kind: 'delay', duration })),
    ident.map((name) => ({ kind: 'suspend', tag: { name } })),
    expr.map((bytes) => ({ kind: 'torn', bytes })),
  )
  const modes = fc
    .tuple(fc.boolean(), fc.option(expr))
    .map(([once, count]) => [
      ...(once ? [{ kind: 'once' }] : []),
      ...(count === null ? [] : [{ kind: 'after', count }]),
    ])
  const words = new Set(['delay', 'suspend', 'torn', 'once', 'after', 'any'])
  const names = (tree: unknown): boolean => {
    const text = JSON.stringify(tree)
    return [...words].every((word) => !text.includes(`"path":"${word}"`))
  }

  it('agree on faults', () => {
    const fault = fc
      .record({
        kind: fc.constant('fault'),
        operation: fc
          .constantFrom('read', 'write', 'zero', 'discard', 'flush', 'status')
          .map((name) => ({ name })),
        range: fc.oneof(range, fc.constant({ kind: 'any' }), fc.constant(null)),
        effect,
        modes,
      })
      .filter(names)
    roundTrip('fault', fault, printFault)
  })

  it('agree on schedules', () => {
    const whole = fc.nat(5000).map((value) => ({ value }))
    const schedule = fc.oneof(
      fc.constant({ kind: 'free' }),
      fc.record({ kind: fc.constant('all'), bound: fc.option(whole) }),
      fc.record({ kind: fc.constant('seed'), seed: whole }),
      fc.record({
        kind: fc.constant('fixed'),
        order: fc.array(
          ident.map((name) => ({ name })),
          { minLength: 1, maxLength: 5 },
        ),
        tasks: fc.array(fc.record({ at: fc.nat(99), pick: fc.nat(9) }), { maxLength: 3 }),
      }),
    )
    roundTrip('schedule', schedule, printSchedule)
  })
})

describe('golden notation of values', () => {
  const rows: readonly (readonly [Parameters<typeof printValue>[0], string])[] = [
    ['qcow2', 'qcow2'],
    ['', '""'],
    ['a b', '"a b"'],
    ['true', '"true"'],
    [65536, '64k'],
    [1000, '1000'],
    [null, 'null'],
    [[1, 'a'], '[1 a]'],
    [{ driver: 'raw', 'read-only': true }, '{driver=raw read-only=true}'],
  ]
  for (const [value, text] of rows) {
    it(`prints ${JSON.stringify(value)}`, () => {
      assert.equal(printValue(value), text)
    })
  }
})
