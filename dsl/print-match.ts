/** Canonical spelling of matches and expectations. */
import type { ExpectationAst, MatchAst } from './grammar/ast.ts'
import { printSize } from './size.ts'

export function printMatch(match: MatchAst): string {
  return printMatchAt(match, 0)
}

/** Binding strength of the place: 0 free, 1 inside `|`, 2 inside `&`, 3 under `not`. */
function printMatchAt(match: MatchAst, strength: number): string {
  switch (match.kind) {
    case 'one':
      return grouped(match.matches.map((item) => printMatchAt(item, 1)).join(' | '), strength > 0)
    case 'all':
      return grouped(match.matches.map((item) => printMatchAt(item, 2)).join(' & '), strength > 1)
    case 'not':
      return `not ${printMatchAt(match.match, 3)}`
    default:
      return printPrimary(match)
  }
}

function grouped(text: string, needed: boolean): string {
  return needed ? `(${text})` : text
}

function printPrimary(match: Exclude<MatchAst, { readonly kind: 'one' | 'all' | 'not' }>): string {
  switch (match.kind) {
    case 'any':
    case 'absent':
    case 'present':
      return match.kind
    case 'equal':
      return typeof match.value === 'string' ? match.value : printScalar(match.value)
    case 'quoted':
      return match.quoted
    case 'variable':
      return `$${match.path}`
    case 'regex':
      return `/${match.body}/${match.flags}`
    case 'between':
      return `${printNumber(match.low)}..${printNumber(match.high)}`
    case 'compare':
      return `${match.operator} ${typeof match.to === 'object' ? `$${match.to.path}` : printNumber(match.to)}`
    case 'about':
      return `about ${printNumber(match.value)} ${printNumber(match.percent)}%`
    case 'type':
      return `type ${match.type}`
    case 'count':
      return `count ${printMatchAt(match.match, 3)}`
    case 'object': {
      const members = match.members.map(
        (item) => `${item.key.name}: ${printMatchAt(item.match, 0)}`,
      )
      return `${match.exact ? 'exact ' : ''}{${members.join(', ')}}`
    }
    case 'seq':
      return `[${match.items.map((item) => printMatchAt(item, 0)).join(', ')}]`
    case 'set':
    case 'has':
      return `${match.kind} [${match.items.map((item) => printMatchAt(item, 0)).join(', ')}]`
  }
}

export function printNumber(value: number | bigint): string {
  if (!Number.isInteger(value) && typeof value === 'number') return String(value)
  return value < 0 ? `-${printSize(-value)}` : printSize(value)
}

function printScalar(value: null | boolean | number | bigint): string {
  return typeof value === 'number' || typeof value === 'bigint' ? printNumber(value) : String(value)
}

export function printExpectation(expectation: ExpectationAst): string {
  if (expectation.kind !== 'error') return expectation.kind
  const words = ['error']
  if (expectation.class !== null) words.push(expectation.class.name)
  if (expectation.text !== null) words.push(printPrimary(expectation.text))
  if (expectation.orCrash) words.push('| crash')
  return words.join(' ')
}
