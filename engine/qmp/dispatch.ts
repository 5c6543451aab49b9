/** From a request to its answer: find the command, check the arguments, run. */
import { checkMembers, checkValue, withDefaults, type Allow } from '../block/check.ts'
import { BlockError } from '../util/errors.ts'
import { type Json, PrintedJson } from '../util/json.ts'
import type { Command, CommandContext } from './command.ts'
import { isUnion } from './command.ts'
import { inDeclaredOrder, type Shown } from './declared-order.ts'
import type { Request } from './envelope.ts'
import { readEnvelope, requestId } from './envelope.ts'
import { refusalIn } from './negotiation.ts'
import { checkInput, isShown, type Compat } from './policy.ts'
import { printDeclared } from './print-declared.ts'

/** An answer as it goes out. */
export type Answer = Readonly<Record<string, unknown>>

/** Answers one request. Failures that are not `BlockError`s are bugs and pass through. */
export async function dispatch(value: Json, context: CommandContext): Promise<Answer> {
  const id = requestId(value)
  try {
    const request = readEnvelope(value, context.monitor.oobEnabled)
    return { return: await run(request, context), id }
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    return { ...errorAnswer(error), id }
  }
}

export function errorAnswer(error: BlockError): Answer {
  return { error: { class: error.class, desc: error.message } }
}

async function run(request: Request, context: CommandContext): Promise<unknown> {
  const command = context.engine.commands.get(request.command)
  if (command !== undefined && request.oob) {
    throw new BlockError(`The command ${command.name} does not support OOB`)
  }
  const refusal = refusalIn(context.monitor.phase, request.command)
  if (refusal?.before === 'arguments') notFound(refusal.text)
  if (command === undefined) notFound(`The command ${request.command} has not been found`)
  const { compat } = context.engine
  checkInput(compat, command.features, 'command', command.name)
  const args = argumentsOf(command, request, compat)
  if (refusal !== undefined) notFound(refusal.text)
  const result = await command.run(context, args)
  if (command.returns === undefined) return {}
  const shown: Shown = ({ features }) => isShown(compat, features)
  return context.monitor.pretty
    ? inDeclaredOrder(command.returns, result, shown)
    : new PrintedJson(printDeclared(command.returns, result, shown))
}

/** @throws always: there is no such command, at least not now. */
function notFound(text: string): never {
  throw new BlockError(text, { class: 'CommandNotFound' })
}

function argumentsOf(
  command: Command,
  request: Request,
  compat: Compat,
): Readonly<Record<string, unknown>> {
  const allow: Allow = (features, what, name) => {
    checkInput(compat, features, what, name)
  }
  if (isUnion(command.args)) {
    // A union checks to an object, never to anything else.
    return checkValue(command.args, request.args, 'json', allow) as Readonly<
      Record<string, unknown>
    >
  }
  return withDefaults(command.args, checkMembers(command.args, request.args, 'json', allow))
}
