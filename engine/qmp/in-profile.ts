/** Commands as a profile has them. */
import { flagged, ProfiledSchemas } from '../block/in-profile.ts'
import { presenceOf, type Profile } from '../profiles/index.ts'
import { isUnion, type Command } from './command.ts'

/** The commands of a profile, by name. */
export function commandsIn(
  profile: Profile,
  commands: readonly Command[],
): ReadonlyMap<string, Command> {
  const schemas = new ProfiledSchemas(profile)
  return new Map(
    commands
      .filter((command) => presenceOf(profile, command) !== 'absent')
      .map((command) => [command.name, profiled(flagged(profile, command), schemas)]),
  )
}

/** Most commands of an engine are never asked for, so that their schemas are made when they are. */
function profiled(command: Command, schemas: ProfiledSchemas): Command {
  let args: Command['args'] | undefined
  let returns: Command['returns']
  return {
    ...command,
    get args() {
      args ??= argsOf(command, schemas)
      return args
    },
    get returns() {
      returns ??= command.returns && schemas.of(command.returns)
      return returns
    },
  }
}

function argsOf({ args }: Command, schemas: ProfiledSchemas): Command['args'] {
  return isUnion(args) ? schemas.unionOf(args) : schemas.membersOf(args)
}
