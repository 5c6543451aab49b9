/** What is claimed of replies, errors, events and the graph. */
import assert from 'node:assert/strict'
import type { Match } from './plan-claims.ts'
import { casesOf, firstStep, scenario, stepsOf, withStep } from './testing.ts'

function returned(claim: string): Match {
  const match = firstStep('qmp', withStep(`qmp: query-block\nreturn: ${claim}`)).returns?.match
  assert.ok(match !== undefined)
  return match
}

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
