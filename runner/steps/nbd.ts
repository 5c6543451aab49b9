/** `nbd`: what a client sees of an export that the scenario declares. */
import type { Context } from '../../dsl/context.ts'
import { evaluateRange, foldRange, type IoPlace } from '../../dsl/expr.ts'
import type { FlagAst, RangeAst } from '../../dsl/grammar/ast.ts'
import { makeOutcome } from '../../dsl/io-outcome.ts'
import { linesOf, parsePiece, type Piece, spanAt } from '../../dsl/mini.ts'
import { makePattern } from '../../dsl/pattern.ts'
import type { IoLine, IoOutcome, Pattern } from '../../dsl/plan-io.ts'
import type { Span, StepBody, StepCommon } from '../../dsl/plan.ts'
import { printNbdStatement } from '../../dsl/print.ts'
import { type StepInput, TEXT } from '../../dsl/steps/kind.ts'
import { checkName } from '../../dsl/subject.ts'
import { spanOf } from '../../dsl/tree.ts'
import { fillText } from '../../dsl/variables.ts'
import { BlockError, NbdClient } from '../../engine/client.ts'
import { showRange } from '../content.ts'
import { nbdDevice } from '../device.ts'
import type { Play } from '../play.ts'
import { StepError } from '../step-error.ts'
import { showNumber, showString } from '../notation.ts'
import { type LineResult, reportLine, ScriptRun } from '../script.ts'
import type { Detail } from '../transcript.ts'
import { readScriptForm } from './script-form.ts'
import { defineStep } from './step.ts'
import { scriptContext } from './subject.ts'

interface NbdStep {
  readonly kind: 'nbd'
  readonly export: string
  readonly lines: readonly NbdLine[]
}

type NbdLine = {
  readonly span: Span
  readonly text: string
  readonly outcome: IoOutcome
} & (
  | { readonly kind: 'info' | 'list' }
  | {
      readonly kind: 'meta'
      readonly context: string
      readonly offset?: number
      readonly bytes?: number
    }
  | {
      readonly kind: 'read' | 'write'
      readonly offset: number
      readonly bytes: number
      readonly pattern?: Pattern
    }
)

declare module '../../dsl/plan.ts' {
  interface StepBodies {
    readonly nbd: NbdStep
  }
}

type Step = NbdStep & StepCommon

const FLAGS = [
  [0x2, 'read-only'],
  [0x4, 'flush'],
  [0x8, 'fua'],
  [0x10, 'rotational'],
  [0x20, 'trim'],
  [0x40, 'write-zeroes'],
  [0x80, 'df'],
  [0x100, 'multi-conn'],
  [0x200, 'resize'],
  [0x400, 'cache'],
  [0x800, 'fast-zero'],
] as const

export const nbd = defineStep({
  kind: 'nbd',
  written: {
    doc: 'Speaks NBD to an export: info, list, meta CONTEXT, read, write; the script stands under do.',
    schema: TEXT,
    keys: { do: { doc: 'NBD script, one statement a line.', schema: TEXT } },
    build: buildNbd,
  },
  words: (step) => `nbd ${step.export}`,
  async run(step, play) {
    for (const line of step.lines) await playLine(play, step, line)
  },
  claimsEffect: ({ lines }) => lines.some(asksServer),
})

function asksServer(line: NbdLine): boolean {
  return (line.kind === 'read' && line.pattern !== undefined) || line.outcome.written
}

function buildNbd(context: Context, input: StepInput): readonly StepBody[] {
  const { name, script } = readScriptForm(context, input, 'nbd') ?? {}
  if (script === undefined || name === undefined) return []
  const lines = linesOf(script).flatMap((piece) => makeNbdLine(context, piece) ?? [])
  if (script.text.trim() === '') context.problem(script, 'io-empty', 'the script is empty')
  const fails = lines.length > 0 && lines.every(({ outcome }) => outcome.kind !== 'ok')
  const filled = fillText(context, name)?.text ?? name.text
  if (!fails) checkName(context, name, spanOf(name), 'export', filled.replace(/^nbd:/, ''))
  return lines.length === 0 ? [] : [{ kind: 'nbd', export: filled.replace(/^nbd:/, ''), lines }]
}

function makeNbdLine(context: Context, piece: Piece): NbdLine | undefined {
  const ast = parsePiece(context, 'nbd', piece)
  if (ast === undefined || ast === null) return undefined
  const span = spanAt(piece, ast)
  if (!context.spendIoLine(piece.node, span)) return undefined
  const place: IoPlace = { context, piece, loops: new Map() }
  const { statement } = ast
  const outcome = makeOutcome(place, statement, ast.outcome, span)
  if (outcome === undefined) return undefined
  if (statement.kind === 'info' || statement.kind === 'list') {
    return { kind: statement.kind, text: statement.kind, outcome, span }
  }
  const range = statement.range === null ? null : resolveRange(place, statement.range)
  if (range === undefined) return undefined
  if (statement.kind === 'meta') {
    const shown = { ...statement, range: range?.shown ?? null }
    return {
      kind: 'meta',
      context: statement.context,
      ...range?.resolved,
      text: printNbdStatement(shown),
      outcome,
      span,
    }
  }
  const pattern = patternOf(place, statement.flags)
  if (range === null || pattern === 'wrong') return undefined
  const text = printNbdStatement({ ...statement, range: range.shown })
  return {
    kind: statement.kind,
    ...range.resolved,
    ...(pattern === undefined ? {} : { pattern }),
    text,
    outcome,
    span,
  }
}

function resolveRange(place: IoPlace, ast: RangeAst) {
  const resolved = evaluateRange(place, ast)
  return resolved === undefined ? undefined : { resolved, shown: foldRange(place, ast, resolved) }
}

function patternOf(place: IoPlace, flags: readonly FlagAst[]): Pattern | undefined | 'wrong' {
  const wrong = flags.find((flag) => flag.kind !== 'pattern')
  if (wrong !== undefined) {
    place.context.problemIn(
      place.piece.node,
      spanAt(place.piece, wrong),
      'io-flag-conflict',
      'an nbd step takes -P alone',
    )
    return 'wrong'
  }
  const [flag, second] = flags
  if (second !== undefined) {
    place.context.problemIn(
      place.piece.node,
      spanAt(place.piece, second),
      'io-flag-twice',
      'option -P stands here twice',
    )
  }
  return flag?.kind === 'pattern' ? (makePattern(place, flag.pattern) ?? 'wrong') : undefined
}

async function playLine(play: Play, step: Step, line: NbdLine): Promise<void> {
  const subject = { kind: 'nbd', name: step.export, span: step.span } as const
  const context = scriptContext(play, 'nbd', subject)
  const named = { ...context, subject: step.export }
  const found = play.hidden.find(step.export)
  if (found === undefined) throw new StepError('no NBD server runs', line.span)
  if (line.kind === 'list') {
    const result = await play.limit(listExports(play, found.address), 'the list of exports')
    reportLine(named, asIoLine(line), result)
    return
  }
  const contexts = line.kind === 'meta' ? [line.context] : ['base:allocation']
  let client: NbdClient
  try {
    const stream = await play.station.host.sockets.connect(found.address)
    client = await play.limit(
      NbdClient.connect(stream, { export: found.name, metaContexts: contexts }),
      'the NBD connection',
    )
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    const text = play.normaliser.prose(error.message)
    reportLine(named, asIoLine(line), { kind: 'refused', text })
    return
  }
  try {
    if (line.kind === 'meta') {
      reportLine(named, asIoLine(line), await play.limit(showMeta(client, line), line.text))
    } else if (line.kind === 'info') {
      reportLine(named, asIoLine(line), showInfo(client))
    } else {
      await new ScriptRun(named, nbdDevice(client), []).play([asIoLine(line)])
    }
  } finally {
    await play.limit(client.disconnect(), 'the NBD client')
  }
}

/** Reading and writing mean what they mean in `io`. */
function asIoLine(line: NbdLine): IoLine {
  const { text, span, outcome } = line
  const common = {
    async: false,
    vectored: false,
    zero: false,
    unmap: false,
    noFallback: false,
    compressed: false,
    fua: false,
  }
  if (line.kind !== 'read' && line.kind !== 'write') {
    return { text, span, outcome, statement: { kind: 'flush' } }
  }
  const { offset, bytes, pattern } = line
  return {
    text,
    span,
    outcome,
    statement: {
      kind: 'rw',
      write: line.kind === 'write',
      offset,
      bytes,
      ...common,
      ...(pattern === undefined ? {} : { pattern }),
    },
  }
}

async function listExports(
  play: Play,
  address: Parameters<Play['station']['host']['sockets']['connect']>[0],
): Promise<LineResult> {
  const stream = await play.station.host.sockets.connect(address)
  const list = await NbdClient.list(stream)
  const names = list
    .filter((entry) => !entry.name.startsWith('blockspec-'))
    .map(
      (entry) =>
        showString(entry.name) +
        (entry.description === '' ? '' : ` ${showString(entry.description)}`),
    )
    .sort()
  return { kind: 'ok', details: names.map((text): Detail => ({ kind: 'line', text })) }
}

function showInfo(client: NbdClient): LineResult {
  const { info } = client
  const flags = FLAGS.flatMap(([bit, name]) => ((info.flags & bit) === 0 ? [] : [name]))
  const words = [
    `size=${showNumber(info.size)}`,
    `flags=[${flags.join(' ')}]`,
    `block=${[info.minimumBlock, info.preferredBlock, info.maximumPayload].map(showNumber).join('/')}`,
  ]
  if (info.description !== undefined && info.description !== '') {
    words.push(`description=${showString(info.description)}`)
  }
  return { kind: 'ok', details: [{ kind: 'line', text: words.join(' ') }] }
}

async function showMeta(
  client: NbdClient,
  line: Extract<NbdLine, { readonly kind: 'meta' }>,
): Promise<LineResult> {
  if (!client.info.metaContexts.includes(line.context)) {
    return { kind: 'refused', text: `no meta context ${line.context}` }
  }
  const offset = line.offset ?? 0
  const end = offset + (line.bytes ?? client.info.size - offset)
  const words: string[] = []
  let last: { start: number; flags: number } | undefined
  let at = offset
  while (at < end) {
    const replies = await client.blockStatus(at, Math.min(end - at, 2 ** 31))
    const extents = replies.find((reply) => reply.context === line.context)?.extents ?? []
    if (extents.length === 0) break
    for (const extent of extents) {
      const bytes = Math.min(extent.bytes, end - at)
      if (last !== undefined && last.flags !== extent.flags) {
        words.push(showExtent(line.context, last.start, at, last.flags))
        last = undefined
      }
      last ??= { start: at, flags: extent.flags }
      at += bytes
      if (bytes <= 0) break
    }
  }
  if (last !== undefined) words.push(showExtent(line.context, last.start, at, last.flags))
  return { kind: 'ok', details: [{ kind: 'line', text: words.join(' ') }] }
}

function showExtent(context: string, start: number, end: number, flags: number): string {
  const range = showRange(start, end - start)
  if (context !== 'base:allocation') return `${range}=${String(flags)}`
  const words = [(flags & 1) !== 0 ? 'hole' : '', (flags & 2) !== 0 ? 'zero' : '']
  return `${range}=${words.filter((word) => word !== '').join(',') || 'data'}`
}
