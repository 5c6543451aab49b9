/** Faults of a node: `read 256k+64k => EIO once`, `write any => ENOSPC after 3`, `read any suspend as bp1`. */
import { readList, readText, shorten } from './check.ts'
import type { Context } from './context.ts'
import { ERRNO_NAMES } from './errno.ts'
import { evaluate, evaluateRange, fold, foldRange, type IoPlace } from './expr.ts'
import type { FaultAst, FaultEffectAst, FaultModeAst } from './grammar/ast.ts'
import { parsePiece, spanAt, wholeOf } from './mini.ts'
import type { FaultOperation, FaultRule } from './plan.ts'
import { printFault } from './print-fault.ts'
import { parseDuration } from './size.ts'
import { didYouMean } from './suggest.ts'
import type { Node, ScalarNode } from './tree.ts'

const SECTOR = 512
/** Each request that is let through costs a state of the injector. */
const MOST_AFTER = 100

/** Requests that an injector is told of before they come. */
const TOLD: ReadonlySet<string> = new Set(['read', 'write', 'zero', 'flush'])

/** A list of rules, or one alone. */
export function makeFaults(context: Context, node: Node, what: string): readonly FaultRule[] {
  if (node.kind === 'scalar') {
    const text = readText(context, node, what)
    return text === undefined ? [] : one(context, text)
  }
  const list = readList(context, node, what)
  const rules = (list?.items ?? []).flatMap((item) => {
    const text = readText(context, item, 'a fault')
    return text === undefined ? [] : one(context, text)
  })
  return rules
}

function one(context: Context, text: ScalarNode): readonly FaultRule[] {
  const rule = makeFault(context, text)
  if (rule === undefined) return []
  for (const need of needsOf(rule)) context.fields.needs.infer(need, rule.span)
  return [rule]
}

/** What a target must be able to do for the rule. */
export function needsOf({ operation, effect, once, after }: FaultRule): readonly string[] {
  if (effect.kind === 'suspend' && !TOLD.has(operation)) return [`fault.${operation}.suspend`]
  if (effect.kind === 'suspend') return ['driver.blkdebug', 'fault.suspend']
  if (effect.kind !== 'error') return [`fault.${operation}.${effect.kind}`]
  const modes = [...(once ? ['.once'] : []), ...(after > 0 ? ['.after'] : [])]
  const name = `fault.${operation}`
  return ['driver.blkdebug', ...(modes.length === 0 ? [name] : modes.map((mode) => name + mode))]
}

export function makeFault(context: Context, node: ScalarNode): FaultRule | undefined {
  const piece = wholeOf(node)
  const ast = parsePiece(context, 'fault', piece)
  if (ast === undefined) return undefined
  const place: IoPlace = { context, piece, loops: new Map() }
  const operation = ast.operation.name as FaultOperation
  const range = rangeOf(place, ast)
  const effect = effectOf(place, ast.effect)
  const modes = modesOf(place, ast)
  if (range === undefined || effect === undefined || modes === undefined) return undefined
  if (!fits(place, ast, range.resolved !== undefined)) return undefined
  if (effect.kind === 'suspend') rememberTag(place, ast.effect, effect.tag)
  return {
    operation,
    ...(range.resolved === undefined ? {} : { range: range.resolved }),
    effect,
    ...modes,
    text: printFault({ ...ast, range: range.shown, modes: modesShown(place, ast) }),
    span: spanAt(piece, ast),
  }
}

/** The range as a number and as the golden shows it; undefined after a report. */
function rangeOf(place: IoPlace, ast: FaultAst) {
  const { range } = ast
  if (ast.operation.name === 'flush') {
    if (range === null) return { shown: null }
    report(place, range, 'fault-range', 'a flush has no range')
    return undefined
  }
  if (range === null) {
    report(place, ast.operation, 'fault-range', `a ${ast.operation.name} names a range, or any`)
    return undefined
  }
  if (range.kind === 'any') return { shown: range }
  const resolved = evaluateRange(place, range)
  if (resolved === undefined) return undefined
  if (resolved.offset % SECTOR !== 0) {
    const message = `the range starts inside the sector at ${String(resolved.offset - (resolved.offset % SECTOR))}`
    place.context.doubtIn(place.piece.node, spanAt(place.piece, range), 'fault-aligned', message)
    return undefined
  }
  return { resolved, shown: foldRange(place, range, resolved) }
}

function effectOf(place: IoPlace, ast: FaultEffectAst): FaultRule['effect'] | undefined {
  const { context, piece } = place
  switch (ast.kind) {
    case 'error':
      if (ERRNO_NAMES.has(ast.errno)) return { kind: 'error', errno: ast.errno }
      context.problemIn(
        piece.node,
        spanAt(piece, ast),
        'io-unknown-errno',
        `no errno is called ${ast.errno}`,
        { help: didYouMean(ast.errno, ERRNO_NAMES) },
      )
      return undefined
    case 'delay': {
      const ns = parseDuration(ast.duration)
      if (ns !== undefined) return { kind: 'delay', ns }
      report(place, ast, 'bad-duration', `'${shorten(ast.duration)}' is no duration`)
      return undefined
    }
    case 'suspend':
      return { kind: 'suspend', tag: ast.tag.name }
    case 'torn': {
      const bytes = evaluate(place, ast.bytes)
      if (bytes === undefined) return undefined
      if (bytes % SECTOR === 0 && bytes > 0) return { kind: 'torn', bytes }
      report(place, ast.bytes, 'fault-torn', 'a torn write ends at a whole sector')
      return undefined
    }
  }
}

function modesOf(place: IoPlace, ast: FaultAst) {
  const seen = new Set<string>()
  let after = 0
  for (const mode of ast.modes) {
    if (seen.has(mode.kind)) {
      report(place, mode, 'fault-mode', `'${mode.kind}' stands here twice`)
      return undefined
    }
    seen.add(mode.kind)
    if (mode.kind !== 'after') continue
    const count = evaluate(place, mode.count)
    if (count === undefined) return undefined
    if (count < 1 || count > MOST_AFTER) {
      report(place, mode.count, 'fault-after', `after takes 1 to ${String(MOST_AFTER)} requests`)
      return undefined
    }
    after = count
  }
  return { once: seen.has('once'), after }
}

/** Whether effect, range and modes go together; reports where they do not. */
function fits(place: IoPlace, ast: FaultAst, ranged: boolean): boolean {
  const after = ast.modes.find(({ kind }) => kind === 'after')
  const [first] = ast.modes
  if (ast.effect.kind !== 'error' && first !== undefined) {
    report(place, first, 'fault-mode', 'only errors come once or after others')
    return false
  }
  if (after !== undefined && ranged) {
    report(place, after, 'fault-after', 'after counts requests of the whole node: it goes with any')
    return false
  }
  if (ast.effect.kind === 'suspend' && ranged) {
    report(place, ast.range ?? ast, 'fault-range', 'a request is suspended wherever it goes: any')
    return false
  }
  if (ast.effect.kind === 'torn' && ast.operation.name !== 'write') {
    report(place, ast.effect, 'fault-torn', 'only a write can be torn')
    return false
  }
  return true
}

function modesShown(place: IoPlace, ast: FaultAst): readonly FaultModeAst[] {
  return ast.modes.map((mode) =>
    mode.kind === 'after' ? { ...mode, count: fold(place, mode.count) } : mode,
  )
}

function rememberTag(place: IoPlace, effect: FaultEffectAst, tag: string): void {
  const { context, piece } = place
  const before = context.names.find('breakpoint', tag)
  const span = spanAt(piece, effect.kind === 'suspend' ? effect.tag : effect)
  if (before !== undefined) {
    context.doubtIn(piece.node, span, 'fault-tag', `a fault suspends as '${tag}' already`, {
      notes: [{ message: 'the other one', span: before }],
    })
  }
  context.names.add('breakpoint', tag, span)
}

type FaultCode = 'fault-range' | 'fault-mode' | 'fault-after' | 'fault-torn' | 'bad-duration'

function report(
  { context, piece }: IoPlace,
  at: { readonly start: number; readonly end: number },
  code: FaultCode,
  message: string,
): void {
  context.problemIn(piece.node, spanAt(piece, at), code, message)
}

/** Where a fault names a sector that a request of the same kind does not touch: the lint rule's. */
export function isMissed(
  rule: FaultRule,
  request: { readonly operation: FaultOperation; readonly offset: number; readonly bytes: number },
): boolean {
  const { range } = rule
  if (range === undefined || rule.operation !== request.operation) return false
  const end = request.offset + request.bytes
  const overlaps = request.offset < range.offset + range.bytes && end > range.offset
  return overlaps && request.offset >= range.offset + SECTOR
}
