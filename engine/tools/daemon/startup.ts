/** What each option of the daemon does, in the order of the command line. */
import type { Wire } from '../../block/check.ts'
import { checkMembers, checkValue } from '../../block/check.ts'
import type { Members, Union } from '../../block/option.ts'
import { opt } from '../../block/option.ts'
import { ADDRESS_MEMBERS, ADDRESS_TYPE } from '../../block/socket-address.ts'
import type { NbdExportOptions } from '../../exports/exports.ts'
import type { Host } from '../../host/host.ts'
import { hostAddress } from '../../nbd/address.ts'
import { EXPORT_OPTIONS, SERVER_MEMBERS } from '../../qmp/commands/exports.ts'
import { objectOptions } from '../../qmp/commands/objects.ts'
import type { EngineProcess } from '../../qmp/engine.ts'
import { COMPAT_MEMBERS } from '../../qmp/policy.ts'
import { blockdevOptions } from '../../qmp/schema/blockdev.ts'
import { BlockError } from '../../util/errors.ts'
import type { Json } from '../../util/json.ts'
import type { OptionValue } from '../keyval.ts'
import { parseOptionText } from '../keyval.ts'
import { reporter } from '../location.ts'
import type { ToolOutput } from '../output.ts'
import { chardevOptionHelp, parseChardev } from './chardev-options.ts'
import type { OpenChardev } from './chardev.ts'
import { backendHelp, openChardev } from './chardev.ts'
import { objectHelp, objectTypeHelp } from './object-help.ts'
import type { OptionName } from './options.ts'
import type { Surroundings } from './surroundings.ts'

/** The daemon as its options build it up. */
export interface Startup {
  readonly host: Host
  readonly engine: EngineProcess
  readonly output: ToolOutput
  readonly program: string
  readonly surroundings: Surroundings
  readonly daemonize: boolean
  readonly chardevs: Map<string, OpenChardev>
  /** Monitors by the name of their device. */
  readonly monitors: Map<string, { readonly pretty: boolean }>
  pidFile: string | undefined
  /** The option whose turn it is, as it was written; none once clients are in charge. */
  place: string | undefined
}

/** Carries out one option; a number ends the program with that status. */
export type Handler = (
  startup: Startup,
  value: string,
  words: string,
) => Promise<number | undefined> | number | undefined

export const HANDLERS: Readonly<Partial<Record<OptionName, Handler>>> = {
  async blockdev({ engine }, text) {
    const options = checkUnion(blockdevOptions(engine.drivers), given(text, 'driver'))
    await engine.graph.add(options)
    return undefined
  },
  chardev: addChardev,
  compat({ engine }, text) {
    const { value, wire } = given(text, undefined)
    engine.setCompat(checkMembers(COMPAT_MEMBERS, value, wire))
    return undefined
  },
  async export({ engine }, text) {
    const options = checkUnion(EXPORT_OPTIONS, given(text, 'type'))
    // The union has just these members.
    await engine.exports.add(options as unknown as NbdExportOptions)
    return undefined
  },
  monitor: addMonitor,
  async 'nbd-server'({ engine }, text) {
    const { value, wire } = given(text, undefined)
    const { addr, ...rest } = checkMembers(NBD_SERVER, value, wire)
    // The member is declared as a union, which checks to an object.
    const address = () => hostAddress(addr as Readonly<Record<string, unknown>>, 'listen')
    await engine.exports.startServer({ ...rest, addr: address })
    return undefined
  },
  async object({ engine, output }, text) {
    const parsed = parseOptionText(text, 'qom-type')
    if (parsed.help) {
      const type: unknown = parsed.value instanceof Map ? parsed.value.get('qom-type') : undefined
      const known = engine.objectTypes.find(({ name }) => name === type)
      output.stdout(known === undefined ? objectHelp(engine.objectTypes) : objectTypeHelp(known))
      return 0
    }
    const options = checkUnion(objectOptions(engine.objectTypes), parsed)
    const { 'qom-type': type, id, ...properties } = options
    await engine.objects.add(String(type), String(id), properties)
    return undefined
  },
  pidfile(startup, path) {
    startup.pidFile = path
    return undefined
  },
  trace({ output, program }, text, words) {
    if (text === 'help') return 0
    for (const pattern of tracePatterns(text)) {
      reporter(output, program, words).message(`warning: trace event '${pattern}' does not exist`)
    }
    return undefined
  },
}

/** An option's members; words that ask for help are refused. */
function given(text: string, impliedKey: string | undefined): OptionValue {
  const parsed = parseOptionText(text, impliedKey)
  if (parsed.help) throw new BlockError('Help is not available for this option')
  return parsed
}

function checkUnion(
  union: Union,
  { value, wire }: { readonly value: Json; readonly wire: Wire },
): Readonly<Record<string, unknown>> {
  // A union checks to an object, never to anything else.
  return checkValue(union, value, wire) as Readonly<Record<string, unknown>>
}

const NBD_SERVER = {
  addr: opt.of({
    kind: 'union',
    name: 'SocketAddress',
    tag: 'type',
    base: { type: ADDRESS_TYPE({ doc: 'Kind of address.' }) },
    variants: ADDRESS_MEMBERS,
  })({ doc: 'Where to listen.' }),
  ...SERVER_MEMBERS,
} as const satisfies Members

const MONITOR = {
  id: opt.str({ optional: true, doc: 'Name of the monitor.' }),
  mode: opt.enum('MonitorMode', ['readline', 'control'])({ optional: true, doc: 'Kind.' }),
  pretty: opt.bool({ optional: true, doc: 'Indent what is sent.' }),
  chardev: opt.str({ doc: 'Device to serve on.' }),
} as const satisfies Members

function addMonitor({ chardevs, monitors }: Startup, text: string): undefined {
  const { value, wire } = given(text, 'chardev')
  const options = checkMembers(MONITOR, value, wire)
  const name = String(options['chardev'])
  if (options['mode'] === 'readline') throw new BlockError('Only QMP is supported')
  if (!chardevs.has(name)) throw new BlockError(`chardev "${name}" not found`)
  if (monitors.has(name)) throw new BlockError(`Device '${name}' is in use`)
  monitors.set(name, { pretty: options['pretty'] === true })
  return undefined
}

async function addChardev(
  startup: Startup,
  text: string,
  words: string,
): Promise<number | undefined> {
  const { message } = reporter(startup.output, startup.program, words)
  const options = parseChardev(text, message)
  if (options.help) {
    const ofDevice = options.values.size > 0
    startup.output.stdout(ofDevice ? chardevOptionHelp() : backendHelp())
    return ofDevice ? 1 : 0
  }
  const chardev = await openChardev(options, {
    host: startup.host,
    stdio: (options) => startup.surroundings.stdio(options),
    daemonize: startup.daemonize,
    stdioTaken: [...startup.chardevs.values()].some(({ filename }) => filename === 'stdio'),
    info: message,
  })
  if (startup.chardevs.has(chardev.label)) {
    chardev.close()
    throw new BlockError(
      `attempt to add duplicate property '${chardev.label}' to object (type 'container')`,
    )
  }
  startup.chardevs.set(chardev.label, chardev)
  startup.engine.chardevs.push(chardev)
  return undefined
}

/** Names in a trace option, without patterns that need not match anything. */
function tracePatterns(text: string): string[] {
  const patterns: string[] = []
  text.split(',').forEach((part, index) => {
    const equals = part.indexOf('=')
    const key = equals === -1 ? 'enable' : part.slice(0, equals)
    if (key === 'file' || key === 'events') {
      throw new BlockError(`trace option '${key}' is not built yet`)
    }
    if (key !== 'enable' || (equals === -1 && index > 0)) {
      throw new BlockError(`Invalid parameter '${equals === -1 ? part : key}'`)
    }
    const pattern = part.slice(equals + 1)
    if (!pattern.includes('*')) patterns.push(pattern)
  })
  return patterns
}
