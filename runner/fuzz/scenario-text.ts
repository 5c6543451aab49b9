/**
 * Writes a shrunk sequence down as a scenario: what the real target did is claimed step by step, so
 * that a run on the real one passes and a run on what differs fails at the difference.
 */
import { stringify } from 'yaml'
import { formatScenario } from '../../dsl/index.ts'
import type { Value } from '../../dsl/plan.ts'
import { isList, isMap, printJson } from '../json.ts'
import { type Difference, shapeOf } from './compare.ts'
import { imagesText, withBacking } from './images.ts'
import type { OpResult, StepRecord } from './record.ts'
import { EDGE } from './requests.ts'
import { type FuzzStep, type IoOp, showOp } from './step.ts'

export interface Found {
  readonly steps: readonly FuzzStep[]
  /** What the real target showed; fewer than the steps where it ended before. */
  readonly real: readonly StepRecord[]
  /** What the engine showed. */
  readonly ours: readonly StepRecord[]
  readonly difference: Difference
  /** How the sequence is drawn again: `--seed 1 --only 17`. */
  readonly again: string
}

export function scenarioText(found: Found): string {
  const { steps, difference } = found
  const played = steps.slice(0, difference.step + 1)
  const lines = [
    'scenario: 1',
    stringify({ title: titleOf(found) }, { lineWidth: 0 }).trimEnd(),
    ...aboutLines(found),
    'tags: [fuzz]',
    imagesText(withBacking(usedImages(played))).trimEnd(),
    'steps:',
    ...played.flatMap((step, at) => stepLines(step, found.real[at], found.ours[at])),
    ...lookLines(difference),
    ...afterLines(found),
  ]
  return formatScenario(`${lines.filter((line) => line !== '').join('\n')}\n`)
}

/** `017-nodes-blockdev-add`, without the number. */
export function nameOf({ steps, difference }: Pick<Found, 'steps' | 'difference'>): string {
  return `${difference.part}-${subjectOf(steps[difference.step])}`
}

function subjectOf(step: FuzzStep | undefined): string {
  if (step === undefined) return 'at-the-end'
  if (step.kind !== 'qmp') return step.kind
  const driver = step.args?.['driver']
  const suffix = typeof driver === 'string' && /^[a-z0-9-]+$/.test(driver) ? `-${driver}` : ''
  return `${step.command.replace(/[^a-z0-9-]/g, '-')}${suffix}`
}

function titleOf({ steps, difference }: Found): string {
  const subject = subjectOf(steps[difference.step])
  if (difference.part === 'died') return `the death of the target at ${subject}`
  if (difference.part === 'hung') return `no answer of the target at ${subject}`
  return `a difference in ${difference.part} at ${subject}`
}

/** What differed, and an empty slot for the reason. */
function aboutLines({ difference, again }: Found): string[] {
  const shown = (text: string): string =>
    shapeOf(text)
      .slice(0, 200)
      .replace(/[^\x20-\x7e]/g, '?')
  const about = [
    `Found by fuzz ${again}.`,
    `The real target: ${shown(difference.real)}.`,
    `The engine: ${shown(difference.ours)}.`,
    'Explanation: (to be written)',
  ].join(' ')
  return [stringify({ about }, { lineWidth: 100 }).trimEnd()]
}

function usedImages(steps: readonly FuzzStep[]): ReadonlySet<string> {
  const text = steps
    .map((step) => (step.kind === 'qmp' ? printJson(step.args ?? {}) : ''))
    .join('\n')
  return new Set([...text.matchAll(/\$img\.(\w+)/g)].map(([, name = '']) => name))
}

// --- Steps -------------------------------------------------------------------------------------

function stepLines(
  step: FuzzStep,
  record: StepRecord | undefined,
  ours: StepRecord | undefined,
): string[] {
  switch (step.kind) {
    case 'qmp': {
      const args = step.args === undefined ? 'null' : flow(step.args)
      return [`  - qmp: { ${JSON.stringify(step.command)}: ${args} }`, ...expectLines(record)]
    }
    case 'raw':
      return [`  - raw: ${JSON.stringify(step.text.replaceAll('$', '$$'))}`, ...expectLines(record)]
    case 'io':
      return ioLines(step.node, step.ops, record)
    case 'content':
      return record === undefined
        ? unsurvivedLines(step.node, ours)
        : contentLines(step.node, record)
  }
}

/** The value in YAML's flow form. */
function flow(value: Value): string {
  if (isList(value)) return `[${value.map(flow).join(', ')}]`
  if (!isMap(value)) return printJson(value)
  const members = Object.entries(value).map(
    ([name, inner]) => `${JSON.stringify(name)}: ${flow(inner)}`,
  )
  return `{ ${members.join(', ')} }`
}

function expectLines(record: StepRecord | undefined): string[] {
  // The target has not survived it, or has not answered.
  if (record === undefined) return ['    expect: error | crash']
  const { outcome } = record
  if (outcome.kind !== 'error') return []
  const claim = `error ${outcome.class}${claimedText(outcome.text)}`
  return [`    expect: ${JSON.stringify(claim)}`]
}

/** The words, unless there is something in them that differs from run to run. */
function claimedText(text: string): string {
  const isPlain = /^[\x20-\x7e]*$/.test(text) && !/[/\\"$]|#block/.test(text)
  return isPlain && text.length < 200 ? ` "${text}"` : ''
}

function ioLines(node: string, ops: readonly IoOp[], record: StepRecord | undefined): string[] {
  const results = record?.outcome.kind === 'ops' ? record.outcome.results : []
  const [first] = results
  const script =
    first?.kind === 'refused'
      ? ops.slice(0, 1).map((op) => `${showOp(op)} => refused`)
      : ops.flatMap((op, at) => opLines(op, results[at]))
  return [`  - io: ${node}`, '    do: |', ...script.map((line) => `      ${line}`)]
}

function opLines(op: IoOp, result: OpResult | undefined): string[] {
  const line = showOp(op)
  if (result === undefined) return [`${line} => any`]
  if (result.kind === 'errno') return [`${line} => ${result.errno}`]
  if (op.verb !== 'read' || result.kind === 'refused') return [line]
  const runs = readRuns(result.words)
  if (runs === undefined || runs.length > 16) return [line]
  return runs.map(
    ({ from, to, byte }) => `read -P ${byte} ${String(op.offset + from)} ${String(to - from)}`,
  )
}

interface Run {
  readonly from: number
  readonly to: number
  readonly byte: string
}

const UNIT = { '': 1, k: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 } as const

/** Runs from words such as `0..64k=0x11`; nothing where there are others among them. */
export function readRuns(words: readonly string[]): readonly Run[] | undefined {
  const runs: Run[] = []
  for (const word of words) {
    const [, from, fromUnit, to, toUnit, byte] =
      /^(\d+)([kMGT]?)\.\.(\d+)([kMGT]?)=(0x[0-9a-f]{2})$/.exec(word) ?? []
    if (from === undefined || to === undefined || byte === undefined) return undefined
    const bytes = (digits: string, unit: string | undefined): number =>
      Number(digits) * UNIT[(unit ?? '') as keyof typeof UNIT]
    runs.push({ from: bytes(from, fromUnit), to: bytes(to, toUnit), byte })
  }
  return runs
}

/** All that was read of the node, as long as the engine found it: the target did not survive some of it. */
function unsurvivedLines(node: string, ours: StepRecord | undefined): string[] {
  const words = ours?.outcome.kind === 'content' ? ours.outcome.words : []
  const large = /^(\d+) bytes:$/.exec(words[0] ?? '')?.[1]
  const size = /\.\.(\d+[kMGT]?)=/.exec(words.at(-1) ?? '')?.[1]
  const ranges =
    large === undefined
      ? [`0 ${size ?? '512'}`]
      : [`0 ${String(EDGE)}`, `${String(Number(large) - EDGE)} ${String(EDGE)}`]
  return [`  - io: ${node}`, '    do: |', ...ranges.map((range) => `      read ${range} => any`)]
}

function contentLines(node: string, { outcome }: StepRecord): string[] {
  const words = outcome.kind === 'content' ? outcome.words : []
  const runs = readRuns(words)
  if (runs === undefined || runs.length === 0) {
    const isRefused = outcome.kind === 'ops' && outcome.results[0]?.kind === 'refused'
    return [`  - io: ${node}`, `    do: read 0 512 => ${isRefused ? 'refused' : 'any'}`]
  }
  return [`  - verify: { ${node}: ${words.join(' | ')} }`]
}

// --- The end -----------------------------------------------------------------------------------

/** The query whose answer differed, for the golden. */
function lookLines({ part }: Difference): string[] {
  const query = {
    graph: 'x-debug-query-block-graph',
    nodes: 'query-named-block-nodes',
    exports: 'query-block-exports',
    jobs: 'query-jobs',
  } as const
  return part in query ? [`  - qmp: { ${query[part as keyof typeof query]}: {} }`] : []
}

/** Raw images of which the files differ; of others only what is in them can be claimed. */
function afterLines({ real, difference }: Found): string[] {
  if (difference.part !== 'files') return []
  const [, name, rest] = /^(f\d) \d+ bytes (.*)$/.exec(difference.real) ?? []
  const used = real.at(-1)?.parts.files
  if (name === undefined || rest === undefined || used === undefined) return []
  if (readRuns(rest.split(' ')) === undefined) return []
  return ['after:', `  - verify: { ${name}: ${rest.split(' ').join(' | ')} }`]
}
