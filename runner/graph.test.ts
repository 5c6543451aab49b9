/** Graphs: pictures and claims over what a target shows. */
import assert from 'node:assert/strict'
import { drawGraph, type Graph, graphMismatches, readGraph } from './graph.ts'
import { graphOf, textAt, withSteps } from './test-plan.ts'

/** t -file-> r -file-> a, q -children.0-> a, q -children.1-> b, f -file-> (unnamed). */
function sample(): Graph {
  const names = ['t', 'r', 'a', 'q', 'b', 'f', '#block123']
  const drivers = ['throttle', 'raw', 'file', 'quorum', 'file', 'raw', 'file']
  const edge = (parent: number, child: number, name: string): object => ({
    parent,
    child,
    name,
    perm: ['consistent-read', 'write'],
    'shared-perm': ['consistent-read', 'write-unchanged'],
  })
  const debug = {
    nodes: [
      ...names.map((name, id) => ({ id, name, type: 'block-driver' })),
      { id: 99, name: '', type: 'block-backend' },
    ],
    edges: [
      edge(0, 1, 'file'),
      edge(1, 2, 'file'),
      edge(3, 4, 'children.10'),
      edge(3, 2, 'children.9'),
      edge(5, 6, 'file'),
      edge(99, 0, 'root'),
    ],
  }
  const named = names.map((name, id) => ({
    'node-name': name,
    drv: drivers[id] ?? '',
    ro: name === 'b',
  }))
  return readGraph(JSON.parse(JSON.stringify(debug)) as never, named)
}

function blamed(lines: string): string[] {
  const text = withSteps(`- graph: |\n${lines.replace(/^/gm, '    ')}`)
  return graphMismatches(sample(), graphOf(lines)).map(({ span }) => textAt(span, text))
}

describe('a picture of the graph', () => {
  it('has roots by name, children by number, repeated nodes marked and unnamed files hidden', () => {
    const show = (name: string): string => name
    assert.deepEqual(drawGraph(sample(), { permissions: false, show }), [
      'f raw',
      'q quorum',
      '  children.9 -> a file',
      '  children.10 -> b{ro} file',
      't throttle',
      '  file -> r raw',
      '    file -> a ^',
    ])
  })

  it('shows permissions on request', () => {
    const [, line] = drawGraph(sample(), { permissions: true, show: (name) => name }).slice(1)
    assert.equal(line, '  children.9[cw/cu] -> a file')
  })
})

describe('claims about the graph', () => {
  for (const lines of [
    't -file-> r -file-> a',
    't(throttle) -file-> r(raw)',
    'q -children.10-> b{ro}',
    't ... a',
    'not t ... b',
    'not t -file-> a',
    'no node x',
    'node q(quorum)',
    'only t, q, f',
    'q -children.9[cw/cu]-> a',
    'f -file-> *(file)',
  ]) {
    it(`holds: ${lines}`, () => {
      assert.deepEqual(blamed(lines), [])
    })
  }

  for (const [lines, leaf] of [
    ['t -file-> r -file-> b', 'b'],
    ['t -file-> r(quorum)', 'r(quorum)'],
    ['q -children.9-> a{ro}', 'a{ro}'],
    ['t ... b', '... b'],
    ['not t ... a', 'not t ... a'],
    ['no node a', 'no node a'],
    ['node x', 'x'],
    ['only t, q', 'only t, q'],
    ['x -file-> a', 'x'],
    ['not x -file-> a', 'x'],
  ] as const) {
    it(`blames ${leaf} of ${lines}`, () => {
      assert.deepEqual(
        blamed(lines).map((text) => text.trim()),
        [leaf],
      )
    })
  }

  it('says what is there instead', () => {
    const [mismatch] = graphMismatches(sample(), graphOf('t -backing-> r'))
    assert.equal(mismatch?.message, "node 't' has no child 'backing'; it has file -> r")
  })
})
