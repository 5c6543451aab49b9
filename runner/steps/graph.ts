/** `graph`: who points at whom, drawn for the golden or held against claims. */
import { readScalar } from '../../dsl/check.ts'
import { makeGraphLines } from '../../dsl/graph.ts'
import type { GraphLine } from '../../dsl/plan-claims.ts'
import type { Span } from '../../dsl/plan.ts'
import { TEXT } from '../../dsl/steps/kind.ts'
import { drawGraph, type Graph, graphMismatches, readGraph } from '../graph.ts'
import { isBare } from '../notation.ts'
import type { Play } from '../play.ts'
import { defineStep } from './step.ts'

interface GraphStep {
  readonly kind: 'graph'
  readonly show: 'picture' | 'claims'
  readonly lines: readonly GraphLine[]
}

declare module '../../dsl/plan.ts' {
  interface StepBodies {
    readonly graph: GraphStep
  }
}

export const graph = defineStep({
  kind: 'graph',
  written: {
    doc: 'Claims about the graph, one a line, or the word picture.',
    schema: TEXT,
    keys: {},
    build(context, { value }) {
      const text = readScalar(context, value, "'graph'")
      if (text === undefined) return []
      if (text.text.trim() === 'picture') return [{ kind: 'graph', show: 'picture', lines: [] }]
      const lines = makeGraphLines(context, text)
      return lines.length === 0 ? [] : [{ kind: 'graph', show: 'claims', lines }]
    },
  },
  facts: ({ lines }) => ({ changes: false, keepsGraph: true, judges: lines.length > 0 }),
  words: (step) => (step.show === 'picture' ? 'graph picture' : 'graph'),
  async run(step, play) {
    const found = await loadGraph(play, step.span)
    for (const mismatch of graphMismatches(found, step.lines)) play.blame('claim', mismatch)
    if (step.show !== 'picture') return
    const lines = drawGraph(found, {
      permissions: play.scenario.golden.graph.includes('perms'),
      show: (name) => {
        const word = play.normaliser.word(name)
        return isBare(word) ? word.text : name
      },
    })
    play.transcript.add({ kind: 'graph', lines })
  },
  claimsEffect: ({ lines }) => lines.length > 0,
})

export async function loadGraph(play: Play, span: Span): Promise<Graph> {
  const debug = await play.query('x-debug-query-block-graph', undefined, span)
  const named = await play.query('query-named-block-nodes', { flat: true }, span)
  return readGraph(debug, named)
}
