/** Every command. Adding one means one definition in a topic's file and its place in that list. */
import type { Driver } from '../../block/driver.ts'
import type { Command } from '../command.ts'
import type { ObjectType } from '../objects.ts'
import { BITMAP_COMMANDS } from './bitmaps.ts'
import { blockdevCommands } from './blockdev.ts'
import { EXPORT_COMMANDS } from './exports.ts'
import { objectCommands } from './objects.ts'
import { QUERY_COMMANDS } from './queries.ts'
import { SESSION_COMMANDS } from './session.ts'
import { transaction } from './transaction.ts'

export function createCommands(about: {
  readonly drivers: readonly Driver[]
  readonly objectTypes: readonly ObjectType[]
}): ReadonlyMap<string, Command> {
  const commands = [
    ...QUERY_COMMANDS,
    ...blockdevCommands(about.drivers),
    ...BITMAP_COMMANDS,
    ...EXPORT_COMMANDS,
    ...SESSION_COMMANDS,
    ...objectCommands(about.objectTypes),
    transaction,
  ]
  return new Map(commands.map((command) => [command.name, command]))
}
