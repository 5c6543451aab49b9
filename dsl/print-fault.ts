/** Canonical spelling of faults. */
import type { FaultAst, FaultEffectAst, FaultModeAst } from './grammar/ast.ts'
import { printExpr, printRangeAst } from './print.ts'

export function printFault(fault: FaultAst): string {
  const range =
    fault.range === null
      ? ''
      : ` ${fault.range.kind === 'any' ? 'any' : printRangeAst(fault.range)}`
  const modes = fault.modes.toSorted((a, b) => rank(a) - rank(b)).map(printMode)
  return [`${fault.operation.name}${range}`, printEffect(fault.effect), ...modes].join(' ')
}

function rank(mode: FaultModeAst): number {
  return mode.kind === 'once' ? 0 : 1
}

function printMode(mode: FaultModeAst): string {
  return mode.kind === 'once' ? 'once' : `after ${printExpr(mode.count)}`
}

function printEffect(effect: FaultEffectAst): string {
  switch (effect.kind) {
    case 'error':
      return `=> ${effect.errno}`
    case 'delay':
      return `delay ${effect.duration}`
    case 'suspend':
      return `suspend as ${effect.tag.name}`
    case 'torn':
      return `torn ${printExpr(effect.bytes)}`
  }
}
