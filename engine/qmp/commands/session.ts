/** Commands about the session itself and what the engine can do. */
import { opt, shape } from '../../block/option.ts'
import { defineCommand } from '../command.ts'
import { SCHEMA_INFO } from '../schema/results.ts'
import { describeSchema } from '../introspection.ts'
import { VERSION } from '../version.ts'
import { isShownInSchema } from '../policy.ts'

const qmpCapabilities = defineCommand({
  name: 'qmp_capabilities',
  doc: 'Ends the negotiation of capabilities.',
  args: {
    enable: opt.list<'oob'>(shape.enum('QMPCapability', ['oob']))({
      optional: true,
      doc: 'Capabilities to enable.',
    }),
  },
  run({ monitor }, { enable }) {
    monitor.negotiate({ oob: enable?.includes('oob') === true })
  },
})

const quit = defineCommand({
  name: 'quit',
  doc: 'Ends the engine.',
  args: {},
  run: ({ engine }) => engine.quit(),
})

const queryVersion = defineCommand({
  name: 'query-version',
  doc: 'The version whose behaviour this is.',
  args: {},
  returns: shape.struct('VersionInfo', {
    qemu: opt.of(
      shape.struct('VersionTriple', {
        major: opt.int({ doc: 'Major.' }),
        minor: opt.int({ doc: 'Minor.' }),
        micro: opt.int({ doc: 'Micro.' }),
      }),
    )({ doc: 'Version of QEMU.' }),
    package: opt.str({ doc: 'Who built it.' }),
  }),
  run: () => VERSION,
})

const queryCommands = defineCommand({
  name: 'query-commands',
  doc: 'The names of all commands.',
  args: {},
  returns: shape.list(shape.struct('CommandInfo', { name: opt.str({ doc: 'Its name.' }) })),
  // QEMU puts each new one before the others.
  run: ({ engine }) => [...engine.commands.keys()].toReversed().map((name) => ({ name })),
})

const queryQmpSchema = defineCommand({
  name: 'query-qmp-schema',
  doc: 'Commands, events and their types.',
  args: {},
  returns: shape.list(SCHEMA_INFO),
  run: ({ engine }) =>
    describeSchema(engine.commands, (features) => isShownInSchema(engine.compat, features)),
})

export const SESSION_COMMANDS = [
  qmpCapabilities,
  quit,
  queryVersion,
  queryCommands,
  queryQmpSchema,
] as const
