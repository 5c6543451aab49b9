/** QMP commands as declarations: arguments, result, documentation and code in one value. */
import type { Feature, Members, Schema, Union, Values } from '../block/option.ts'
import type { MaybePromise } from '../util/async.ts'
import type { Conditional } from '../profiles/index.ts'
import type { EngineParts } from './parts.ts'
import type { MonitorState } from './session.ts'

/** Who asked, and of what. */
export interface CommandContext {
  readonly engine: EngineParts
  readonly monitor: MonitorState
}

export interface Command extends Conditional {
  readonly name: string
  readonly doc: string
  /** Named arguments, or one union whose members are the arguments. */
  readonly args: Members | Union
  /** Absent where the command answers `{}`. */
  readonly returns: Schema | undefined
  readonly features: readonly Feature[]
  run(context: CommandContext, args: Readonly<Record<string, unknown>>): MaybePromise<unknown>
}

interface Definition<M extends Members> extends Conditional {
  readonly name: string
  readonly doc: string
  readonly args: M
  readonly returns?: Schema
  readonly features?: readonly Feature[]
  /** The result; nothing where the answer is `{}`. */
  run(context: CommandContext, args: Values<M>): MaybePromise<unknown>
}

/** A command with named arguments. What `run` gets was checked and has its defaults. */
export function defineCommand<const M extends Members>(definition: Definition<M>): Command {
  const erased = { returns: undefined, features: [], ...definition }
  // Dispatch hands every command arguments that were checked against this very declaration.
  return erased
}

interface UnionDefinition extends Conditional {
  readonly name: string
  readonly doc: string
  readonly args: Union
  readonly returns?: Schema
  readonly features?: readonly Feature[]
  run(context: CommandContext, args: Readonly<Record<string, unknown>>): MaybePromise<unknown>
}

/** A command whose arguments are the members of a union. What `run` gets has no defaults. */
export function defineUnionCommand(definition: UnionDefinition): Command {
  return { returns: undefined, features: [], ...definition }
}

export function isUnion(args: Members | Union): args is Union {
  return args.kind === 'union'
}
