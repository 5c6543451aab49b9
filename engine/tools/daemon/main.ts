/** `storage-daemon`: the engine as a process, with the options of qemu-storage-daemon. */
import { NO_LISTS, type WhiteLists } from '../../block/white-lists.ts'
import type { Host } from '../../host/host.ts'
import { EngineProcess } from '../../qmp/engine.ts'
import type { ProfileName } from '../../profiles/index.ts'
import { BlockError } from '../../util/errors.ts'
import type { Found } from '../getopt.ts'
import { scanOptions } from '../getopt.ts'
import { reporter } from '../location.ts'
import type { ToolOutput } from '../output.ts'
import { takeProfile } from '../profile-option.ts'
import { readDriversOption } from './drivers-option.ts'
import type { DaemonOption } from './options.ts'
import { helpText, optionsIn, versionLine } from './options.ts'
import type { Startup } from './startup.ts'
import { HANDLERS } from './startup.ts'
import type { Surroundings } from './surroundings.ts'
import { processSurroundings } from './surroundings.ts'

export interface DaemonAbout extends ToolOutput {
  /** As it is named in messages. */
  readonly program: string
  /** This process, unless a test stands in for it. */
  readonly surroundings?: Surroundings
}

/** Runs until `quit` or a signal and returns the exit status. `argv` is without the program's name. */
export async function storageDaemon(
  host: Host,
  argv: readonly string[],
  about: DaemonAbout,
): Promise<number> {
  const { profile, argv: words, problem } = takeProfile(argv)
  if (problem !== undefined) {
    about.stderr(`${about.program}: ${problem}\n`)
    return 1
  }
  const found = scanOptions(optionsIn(profile), words, false)
  const early = earlyStatus(found, about, profile)
  if (early !== undefined) return early
  const drivers = driversStatus(found, about, profile)
  if (typeof drivers === 'number') return drivers
  const surroundings = about.surroundings ?? processSurroundings()
  const daemonize = has(found, 'daemonize')
  if (daemonize && !surroundings.isTwin) return surroundings.spawnTwin()

  const engine = new EngineProcess({
    host,
    profile,
    whiteLists: drivers,
    log: (line, form) => {
      const { place } = startup
      if (form === 'output') about.stdout(`${line}\n`)
      else if (form === 'bare' || (form === 'asked' && place === undefined)) {
        about.stderr(`${line}\n`)
      } else reporter(about, about.program, form === 'asked' ? place : '').message(line)
    },
  })
  const startup: Startup = {
    host,
    engine,
    output: about,
    program: about.program,
    surroundings,
    daemonize,
    chardevs: new Map(),
    monitors: new Map(),
    pidFile: undefined,
    place: undefined,
  }
  const stopListening = surroundings.onTerminate(() => void engine.shutdown())
  try {
    return (await carryOut(startup, found)) ?? (await serve(startup))
  } finally {
    stopListening()
    await engine.shutdown()
    for (const chardev of startup.chardevs.values()) chardev.close()
  }
}

type FoundOption = Found<ReturnType<typeof optionsIn>[number]>

function has(found: readonly FoundOption[], long: string): boolean {
  return found.some((item) => item.kind === 'option' && item.spec.long === long)
}

/** Help, version and malformed options come before anything is done. */
function earlyStatus(
  found: readonly FoundOption[],
  { program, stdout, stderr }: DaemonAbout,
  profile: ProfileName,
): number | undefined {
  for (const item of found) {
    if (item.kind === 'problem') {
      stderr(`${program}: ${item.text}\n`)
      return 1
    }
    if (item.kind !== 'option') continue
    const spec: DaemonOption = item.spec
    if (spec.long === 'help') {
      stdout(helpText(program, profile))
      return 0
    }
    if (spec.long === 'version') {
      stdout(versionLine(program))
      return 0
    }
  }
  return undefined
}

/** Which drivers there are must be known before anything is opened. The last option counts. */
function driversStatus(
  found: readonly FoundOption[],
  output: DaemonAbout,
  profile: ProfileName,
): WhiteLists | number {
  let lists = NO_LISTS
  for (const item of found) {
    if (item.kind !== 'option' || item.spec.long !== 'drivers') continue
    try {
      const read = readDriversOption(item.value, profile)
      if ('help' in read) {
        output.stdout(read.help)
        return 0
      }
      lists = read.lists
    } catch (error) {
      if (!(error instanceof BlockError)) throw error
      reporter(output, output.program, item.words).error(error)
      return 1
    }
  }
  return lists
}

/** Every option in its turn; a status where that ends the program. */
async function carryOut(
  startup: Startup,
  found: readonly FoundOption[],
): Promise<number | undefined> {
  for (const item of found) {
    if (item.kind === 'word') {
      reporter(startup.output, startup.program, item.value).message('Unexpected argument')
      return 1
    }
    if (item.kind !== 'option') continue
    startup.place = item.words
    try {
      const status = await HANDLERS[item.spec.long]?.(startup, item.value, item.words)
      if (status !== undefined) return status
    } catch (error) {
      if (!(error instanceof BlockError)) throw error
      reporter(startup.output, startup.program, item.words).error(error)
      return 1
    }
  }
  startup.place = undefined
  return undefined
}

/** Start-up is complete: from here on clients are in charge. */
async function serve(startup: Startup): Promise<number> {
  const { host, engine, pidFile } = startup
  if (pidFile !== undefined) {
    const problem = await writePidFile(startup, pidFile)
    if (problem !== undefined) {
      reporter(startup.output, startup.program).message(problem)
      return 1
    }
  }
  for (const [name, { pretty }] of startup.monitors) {
    startup.chardevs.get(name)?.serve((stream) => engine.openMonitor(stream, { pretty }))
  }
  startup.surroundings.reportReady()
  try {
    return await engine.finished
  } finally {
    if (pidFile !== undefined) removeQuietly(host, pidFile)
  }
}

async function writePidFile(
  { host, surroundings }: Startup,
  path: string,
): Promise<string | undefined> {
  try {
    const file = host.files.open(path, { write: true, create: true })
    file.truncate(0)
    await file.write(0, new TextEncoder().encode(`${String(surroundings.pid)}\n`))
    file.close()
    return undefined
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    return `cannot create PID file: Could not create '${path}': ${error.message}`
  }
}

function removeQuietly(host: Host, path: string): void {
  try {
    host.files.unlink(path)
  } catch (error) {
    // Whoever removed it before us had the same wish.
    if (!(error instanceof BlockError)) throw error
  }
}
