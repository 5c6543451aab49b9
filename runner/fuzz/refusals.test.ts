/**
 * What a refused command leaves behind: nothing. Sequences over all that is built are played on the
 * engine, and after each refusal the graph with its permissions, what is told of nodes, and the
 * exports are as they were. `BLOCKSPEC_REFUSALS` says how many sequences are played: 30 are enough for
 * each of the commands below to be refused in one of them.
 */
import assert from 'node:assert/strict'
import { shapeOf } from './compare.ts'
import type { StepRecord } from './record.ts'
import { type FuzzStep, showStep } from './step.ts'
import { drawSequence, engineTemplate } from './testing.ts'

const SEQUENCES = Number(process.env['BLOCKSPEC_REFUSALS'] ?? 30)
const STEPS = 40
const LOOKED_AT = ['graph', 'nodes', 'exports'] as const

/** Commands that change the graph, or what hangs on it: each must have been refused. */
const CHANGING = [
  'blockdev-add',
  'blockdev-del',
  'blockdev-reopen',
  'x-blockdev-change',
  'block_resize',
  'change-backing-file',
  'transaction',
  'block-export-add',
  'block-export-del',
  'x-blockdev-set-iothread',
  'block-dirty-bitmap-add',
  'object-del',
]

/** They put a filter in before they are refused: the edges that moved are back, as the newest ones, as in 7.2. */
const MOVING = [
  'block-stream',
  'block-commit',
  'blockdev-mirror',
  'blockdev-backup',
  'drive-backup',
  'drive-mirror',
  'transaction',
]

/** Their filter is above the source when it closes, and flushes it: what the source held back is written, as in 7.2. */
const FLUSHING = ['block-commit', 'blockdev-mirror', 'drive-mirror']

/** A stream that is refused for the images below leaves the top one in use, as in 7.2. */
function staysInUse(step: FuzzStep, text: string): boolean {
  return (
    step.kind === 'qmp' && step.command === 'block-stream' && text.startsWith('Permission conflict')
  )
}

/** A drained section lets jobs go on for a moment, which may end them. */
function jobsMoved(before: StepRecord, after: StepRecord): boolean {
  return JSON.stringify(before.jobs) !== JSON.stringify(after.jobs)
}

/** What a stream lets go keeps its claims until somebody looks at it, be it in vain, as in 7.2. */
function withoutClaims(graph: string): string {
  const lines = graph.split('\n')
  return lines.filter((line) => !/^\.edges\[\d+\]\.perm/.test(line)).join('\n')
}

/** Without what writing says of files. */
function unwritten(nodes: string): string {
  const lines = nodes.split('\n')
  return lines.filter((line) => !/dirty-bitmaps\[\d+\]\.count|virtual-size/.test(line)).join('\n')
}

/** The same graph whatever the order of its edges. */
function unordered(graph: string): string {
  const edges = new Map<string, string[]>()
  const rest: string[] = []
  for (const line of graph.split('\n')) {
    const [, index, fact] = /^\.edges\[(\d+)\](.*)$/.exec(line) ?? []
    if (index === undefined || fact === undefined) rest.push(line)
    else edges.set(index, [...(edges.get(index) ?? []), fact])
  }
  return [...rest, ...[...edges.values()].map((facts) => facts.join(' ')).sort()].join('\n')
}

describe('a refused command of whatever kind', function () {
  // Sequences by the hundred are for those who ask for them.
  this.timeout(Math.max(120_000, SEQUENCES * 6_000))

  it('leaves the graph, its nodes and exports as they were', async () => {
    const template = await engineTemplate()
    const refused = new Set<string>()
    const texts = new Set<string>()
    for (let index = 0; index < SEQUENCES; index += 1) {
      const { steps, records } = await drawSequence(8, index, STEPS, template)
      let before: StepRecord | undefined
      let hasStreamed = false
      for (const [at, record] of records.entries()) {
        const step = steps[at]
        hasStreamed ||= step?.kind === 'qmp' && step.command === 'block-stream'
        if (record.outcome.kind === 'error' && before !== undefined && step !== undefined) {
          if (step.kind === 'qmp') refused.add(step.command)
          texts.add(shapeOf(record.outcome.text))
          const isLeft = staysInUse(step, record.outcome.text) || jobsMoved(before, record)
          const parts = isLeft ? [] : LOOKED_AT
          for (const part of parts) {
            const isMoving = step.kind === 'qmp' && MOVING.includes(step.command)
            const isFlushing =
              step.kind === 'qmp' && (FLUSHING.includes(step.command) || record.jobs?.length !== 0)
            const told = (from: StepRecord): string | undefined => {
              const told = from.parts[part]
              const text = part === 'graph' && hasStreamed ? withoutClaims(told ?? '') : told
              if (part === 'graph' && isMoving) return unordered(text ?? '')
              return part === 'nodes' && isFlushing ? unwritten(text ?? '') : text
            }
            assert.equal(
              told(record),
              told(before),
              `${part} after ${showStep(step)}: ${record.outcome.text}`,
            )
          }
        }
        before = record
      }
    }
    assert.deepEqual(
      CHANGING.filter((command) => !refused.has(command)),
      [],
    )
    assert.ok(texts.size > 50, `only ${String(texts.size)} refusals differ`)
  })
})
