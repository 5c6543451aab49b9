/** `graph`: who points at whom, drawn for the golden or held against claims. */
import type { Span } from '../../dsl/plan.ts'
import { drawGraph, type Graph, graphMismatches, readGraph } from '../graph.ts'
import { isBare } from '../notation.ts'
import type { Play } from '../play.ts'
import { defineStep } from './step.ts'

export const graph = defineStep({
  kind: 'graph',
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
})

export async function loadGraph(play: Play, span: Span): Promise<Graph> {
  const debug = await play.query('x-debug-query-block-graph', undefined, span)
  const named = await play.query('query-named-block-nodes', { flat: true }, span)
  return readGraph(debug, named)
}
