/**
 * Canonical spelling of the mini-languages: what goldens and headings show. Printing what a grammar
 * built and parsing it again gives the same tree.
 */
import type {
  Expr,
  ExtentAst,
  FlagAst,
  LineAst,
  NbdStatementAst,
  OutcomeAst,
  PatternAst,
  RangeAst,
  StatementAst,
  SubjectAst,
  WantAst,
} from './grammar/ast.ts'
import type { IoLine, Pattern } from './plan-io.ts'
import { printSize } from './size.ts'

// --- expressions -------------------------------------------------------------------------------

/** How references are shown; by default as they are written. */
export type ShowRef = (path: string) => string

const asWritten: ShowRef = (path) => `$${path}`

export function printExpr(expr: Expr, show: ShowRef = asWritten): string {
  switch (expr.kind) {
    case 'number':
      return printSize(expr.value)
    case 'ref':
      return show(expr.path)
    case 'mul':
      return expr.terms
        .map((term) => bracketed(term, term.kind !== 'number' && term.kind !== 'ref', show))
        .join('*')
    case 'sub':
      return expr.terms.map((term) => bracketed(term, term.kind === 'sub', show)).join('-')
  }
}

function bracketed(expr: Expr, needed: boolean, show: ShowRef): string {
  return needed ? `(${printExpr(expr, show)})` : printExpr(expr, show)
}

export function printRangeAst(range: RangeAst, show: ShowRef = asWritten): string {
  const from = printExpr(range.off, show)
  if (range.to !== undefined) return `${from}..${printExpr(range.to, show)}`
  if (range.bytes === undefined) return from
  return `${from}+${bracketed(range.bytes, range.bytes.kind === 'sub', show)}`
}

/** `0..64k`, half-open. */
export function printRange(range: { readonly offset: number; readonly bytes: number }): string {
  return `${printSize(range.offset)}..${printSize(range.offset + range.bytes)}`
}

// --- patterns ----------------------------------------------------------------------------------

/** A byte as goldens show it: small ones as digits, others in hexadecimal. */
export function printByte(byte: number): string {
  return byte < 10 ? String(byte) : `0x${byte.toString(16).padStart(2, '0')}`
}

export function printPatternAst(pattern: PatternAst, show: ShowRef = asWritten): string {
  switch (pattern.kind) {
    case 'byte':
      return pattern.value.kind === 'number' && pattern.value.value < 256
        ? printByte(pattern.value.value)
        : printExpr(pattern.value, show)
    case 'seq':
    case 'rand':
      return `${pattern.kind}(${printExpr(pattern.value, show)})`
    case 'lba':
      return 'lba'
    case 'hex':
      return `hex(${pattern.digits})`
    case 'file':
      return pattern.offset === null
        ? `file(${pattern.path})`
        : `file(${pattern.path}@${printExpr(pattern.offset, show)})`
  }
}

export function printPattern(pattern: Pattern): string {
  switch (pattern.kind) {
    case 'byte':
      return printByte(pattern.byte)
    case 'seq':
      return `seq(${String(pattern.start)})`
    case 'rand':
      return `rand(${String(pattern.seed)})`
    case 'lba':
      return 'lba'
    case 'hex':
      return `hex(${pattern.bytes})`
    case 'file':
      return pattern.offset === 0
        ? `file(${pattern.path})`
        : `file(${pattern.path}@${printSize(pattern.offset)})`
  }
}

// --- I/O statements ----------------------------------------------------------------------------

const FLAG_ORDER = ['pattern', 'z', 'u', 'n', 'c', 'f', 'partOffset', 'partBytes']

function flagRank(flag: FlagAst): number {
  return FLAG_ORDER.indexOf(flag.kind === 'letter' ? flag.letter : flag.kind)
}

/** Each with a blank behind it. */
function printFlags(flags: readonly FlagAst[], show: ShowRef): string {
  const sorted = flags.toSorted((a, b) => flagRank(a) - flagRank(b))
  return sorted.map((flag) => `${printFlag(flag, show)} `).join('')
}

function printFlag(flag: FlagAst, show: ShowRef): string {
  switch (flag.kind) {
    case 'letter':
      return `-${flag.letter}`
    case 'pattern':
      return `-P ${printPatternAst(flag.pattern, show)}`
    case 'partOffset':
      return `-s ${printExpr(flag.value, show)}`
    case 'partBytes':
      return `-l ${printExpr(flag.value, show)}`
  }
}

export function printStatement(statement: StatementAst, show: ShowRef = asWritten): string {
  switch (statement.kind) {
    case 'rw': {
      const tag = statement.tag === null ? '' : ` as ${statement.tag.name}`
      const range = printRangeAst(statement.range, show)
      return `${statement.verb} ${printFlags(statement.flags, show)}${range}${tag}`
    }
    case 'zero':
      return `zero ${printRangeAst(statement.range, show)}${statement.unmap ? ' unmap' : ''}`
    case 'discard':
      return `discard ${printRangeAst(statement.range, show)}`
    case 'flush':
      return 'flush'
    case 'truncate':
      return `truncate ${printExpr(statement.size, show)}`
    case 'map':
      return statement.range === null ? 'map' : `map ${printRangeAst(statement.range, show)}`
    case 'await':
      return `await ${statement.tags.map(({ name }) => name).join(', ')}`
    case 'verify':
      return `verify ${printWant(statement.want, show)}`
  }
}

export function printWant(want: WantAst, show: ShowRef = asWritten): string {
  if (want.kind === 'same') return `same as ${printSubject(want.as)}`
  return want.extents.map((extent) => printExtent(extent, show)).join(' | ')
}

function printExtent(extent: ExtentAst, show: ShowRef): string {
  const range = extent.range.kind === 'rest' ? 'rest' : printRangeAst(extent.range, show)
  const want = extent.want.kind === 'hole' ? 'hole' : printPatternAst(extent.want, show)
  return `${range} = ${want}`
}

function printSubject(subject: SubjectAst): string {
  return subject.kind === null ? subject.name : `${subject.kind}:${subject.name}`
}

export function printOutcome(outcome: OutcomeAst, show: ShowRef = asWritten): string {
  switch (outcome.kind) {
    case 'errno':
      return `=> ${outcome.errno}`
    case 'mismatch':
      return outcome.offset === null
        ? '=> mismatch'
        : `=> mismatch at ${printExpr(outcome.offset, show)}`
    case 'refused': {
      const { claim } = outcome
      if (claim === null) return '=> refused'
      return `=> refused ${claim.kind === 'text' ? claim.quoted : `/${claim.body}/${claim.flags}`}`
    }
    case 'ok':
    case 'pending':
    case 'any':
      return `=> ${outcome.kind}`
  }
}

/** A whole line with its loops and outcome. */
export function printLineAst(line: LineAst): string {
  if (line.kind === 'for') {
    const step = line.step === null ? '' : ` step ${printExpr(line.step)}`
    const range = `${printExpr(line.from)}..${printExpr(line.to)}`
    return `for ${line.variable} in ${range}${step}: ${printLineAst(line.body)}`
  }
  const statement = printStatement(line.statement)
  return line.outcome === null ? statement : `${statement} ${printOutcome(line.outcome)}`
}

export function printNbdStatement(statement: NbdStatementAst, show: ShowRef = asWritten): string {
  switch (statement.kind) {
    case 'info':
    case 'list':
      return statement.kind
    case 'meta':
      return statement.range === null
        ? `meta ${statement.context}`
        : `meta ${statement.context} ${printRangeAst(statement.range, show)}`
    case 'read':
    case 'write':
      return `${statement.kind} ${printFlags(statement.flags, show)}${printRangeAst(statement.range, show)}`
  }
}

/** The statement without its outcome, as a transcript shows it. */
export function printIoLine(line: IoLine): string {
  return line.text
}
