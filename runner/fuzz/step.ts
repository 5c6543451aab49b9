/** The steps of a fuzz sequence: commands, requests, and looks at what a node holds. */
import type { Value } from '../../dsl/plan.ts'

export type Members = Readonly<Record<string, Value>>

/** `$img.a` and `$new.x` inside strings stand for paths, as in scenarios. */
export type FuzzStep =
  | { readonly kind: 'qmp'; readonly command: string; readonly args: Members | undefined }
  /** Text that is no command. */
  | { readonly kind: 'raw'; readonly text: string }
  /** Requests on a node, through an export that lives as long as the step. */
  | { readonly kind: 'io'; readonly node: string; readonly ops: readonly IoOp[] }
  /** The whole content of a node. */
  | { readonly kind: 'content'; readonly node: string }

export type IoOp =
  | {
      readonly verb: 'write'
      readonly offset: number
      readonly bytes: number
      readonly byte: number
      readonly fua: boolean
    }
  | { readonly verb: 'read'; readonly offset: number; readonly bytes: number }
  | {
      readonly verb: 'zero'
      readonly offset: number
      readonly bytes: number
      readonly unmap: boolean
    }
  | { readonly verb: 'discard'; readonly offset: number; readonly bytes: number }
  | { readonly verb: 'map'; readonly offset: number; readonly bytes: number }
  | { readonly verb: 'flush' }

/** The op in the words of the I/O language. */
export function showOp(op: IoOp): string {
  switch (op.verb) {
    case 'write':
      return `write -P ${String(op.byte)} ${op.fua ? '-f ' : ''}${range(op)}`
    case 'zero':
      return `write -z ${op.unmap ? '-u ' : ''}${range(op)}`
    case 'read':
    case 'discard':
    case 'map':
      return `${op.verb} ${range(op)}`
    case 'flush':
      return 'flush'
  }
}

function range({ offset, bytes }: { readonly offset: number; readonly bytes: number }): string {
  return `${String(offset)} ${String(bytes)}`
}

export function writes(op: IoOp): boolean {
  return op.verb === 'write' || op.verb === 'zero' || op.verb === 'discard'
}

/** One line for people. */
export function showStep(step: FuzzStep): string {
  switch (step.kind) {
    case 'qmp':
      return step.args === undefined ? step.command : `${step.command} ${printed(step.args)}`
    case 'raw':
      return `raw ${JSON.stringify(step.text)}`
    case 'io':
      return `io ${step.node}: ${step.ops.map(showOp).join('; ')}`
    case 'content':
      return `content of ${step.node}`
  }
}

function printed(value: Value): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'bigint' ? inner.toString() : inner,
  )
}

const PATH = /\$(img|new)\.([A-Za-z0-9_-]+)/g

/** The value with its paths put in. */
export function withPaths(
  value: Value,
  path: (kind: 'img' | 'new', name: string) => string,
): Value {
  if (typeof value === 'string') {
    return value.replace(PATH, (_all, kind: 'img' | 'new', name: string) => path(kind, name))
  }
  if (Array.isArray(value)) return value.map((item: Value) => withPaths(item, path))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, withPaths(inner, path)]),
  )
}
