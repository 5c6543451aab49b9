/** Values in the notation of goldens. */
import { printNumber } from './print-match.ts'
import type { Scalar, Value } from './plan.ts'

/** A value in golden notation: `{driver=qcow2 node-name=a}`, `[a b]`, `64k`. */
export function printValue(value: Value): string {
  if (value === null) return 'null'
  switch (typeof value) {
    case 'string':
      return /^[A-Za-z_#./:$-][^\s{}[\]="]*$/.test(value) &&
        !['null', 'true', 'false'].includes(value)
        ? value
        : JSON.stringify(value)
    case 'number':
      return Number.isInteger(value) ? printNumber(value) : String(value)
    case 'bigint':
      return printNumber(value)
    case 'boolean':
      return String(value)
    default:
      return printCollection(value)
  }
}

function printCollection(value: Exclude<Value, Scalar>): string {
  if (Array.isArray(value)) return `[${value.map((item: Value) => printValue(item)).join(' ')}]`
  return `{${Object.entries(value)
    .map(([name, member]) => `${name}=${printValue(member)}`)
    .join(' ')}}`
}
