/**
 * The built-in engine as a target. In virtual time it runs on a simulated host and nothing touches
 * the machine; scenarios in real time get the real host and a scratch folder.
 */
import type { ByteStream, Host, ProfileTable } from '../../engine/index.ts'
import type { Profile, TargetOptions } from '../../dsl/plan.ts'
import {
  PROFILES,
  checkCompat,
  createEngine,
  createRealHost,
  createSimHost,
  img,
  streamPair,
} from '../../engine/index.ts'
import type { Nature } from './capabilities.ts'
import { mortalHost } from './mortal-host.ts'
import { probeStation } from './probe.ts'
import { makeScratch } from './scratch.ts'
import { KeptSetups } from './setups.ts'
import type {
  Capabilities,
  EngineSpec,
  Exit,
  Machine,
  Station,
  StationOptions,
  Target,
  ToolResult,
} from './target.ts'

/** Bytes of the engine's log that are kept. */
const LOG_BYTES = 64 * 1024

/** Virtual time that a case may take: far more than any needs. */
const LONGEST_NS = 24 * 3600 * 1e9

const NATURE: Nature = {
  kind: 'engine',
  program: 'engine',
  clock: 'virtual',
  profiles: ['qemu', 'note', 'note-transition'],
  features: [
    'target.restart',
    'target.kill',
    'target.log',
    'net.unix',
    'net.tcp',
    'img.raw',
    'tool.img',
    'fault.suspend',
    'fault.add',
    'fault.clear',
    'schedule.all',
    'schedule.seed',
    'schedule.fixed',
    'cli.compat',
  ],
  channels: ['nbd'],
}

export function createEngineTarget(spec: EngineSpec): Target {
  const probed = new Map<Profile, Promise<Capabilities>>()
  const tables = tablesOf(spec)
  const kept = new KeptSetups()
  return {
    spec,
    probe(profile = 'qemu') {
      const known = probed.get(profile)
      if (known !== undefined) return known
      const station = simStation({ profile, time: 'virtual', seed: 0 }, tables)
      const asked = probeStation(station, natureIn(profile), spec.text)
      probed.set(profile, asked)
      return asked
    },
    open: (options) =>
      Promise.resolve(
        options.time === 'virtual'
          ? simStation(options, tables, kept)
          : realStation(options, tables),
      ),
  }
}

type Tables = Readonly<Record<Profile, ProfileTable>>

/** Made once, since the engine keeps by table what it derives from one. */
function tablesOf({ other }: EngineSpec): Tables {
  if (other === undefined) return PROFILES
  const changed = { [other.switch]: PROFILES[other.profile][other.switch] }
  return {
    qemu: { ...PROFILES.qemu, ...changed },
    note: { ...PROFILES.note, ...changed },
    'note-transition': { ...PROFILES['note-transition'], ...changed },
  }
}

/** White lists are options of the daemon in the profiles of the note. */
function natureIn(profile: Profile): Nature {
  if (profile === 'qemu') return NATURE
  return { ...NATURE, features: [...NATURE.features, 'cli.drivers'] }
}

const SIM_DIRECTORY = '/blockspec'

function simStation(options: StationOptions, tables: Tables, kept?: KeptSetups): Station {
  const host = createSimHost({
    seed: options.seed,
    ...(options.choose === undefined ? {} : { choose: options.choose }),
    ...(options.surroundings === undefined ? {} : { surroundings: options.surroundings }),
  })
  const directory = options.directory ?? SIM_DIRECTORY
  host.files.makeDirectory(directory)
  // Whoever chooses among tasks counts on being asked.
  const setups = options.choose === undefined ? kept?.of(host, JSON.stringify(options)) : undefined
  return {
    ...common(host, options, tables),
    directory,
    socketDirectory: directory,
    play: (work, what) => host.run(work(), LONGEST_NS, what),
    advance: (ns) => sleep(host, ns),
    ...(setups === undefined ? {} : { setups }),
    close: () => {
      host.files.clear()
      return Promise.resolve([])
    },
  }
}

function realStation(options: StationOptions, tables: Tables): Station {
  const scratch = makeScratch()
  return {
    ...common(createRealHost(), options, tables),
    directory: scratch.directory,
    socketDirectory: scratch.directory,
    play: (work) => work(),
    close: (keep) => Promise.resolve(scratch.remove(keep)),
  }
}

function common(
  host: Host,
  options: StationOptions,
  tables: Tables,
): Pick<Station, 'host' | 'start' | 'startOffline' | 'img'> {
  const start = (about: Pick<TargetOptions, 'compat' | 'drivers'>): Promise<Machine> =>
    Promise.resolve(startEngine(host, options, tables, about))
  const startOffline = (): Promise<Machine> => start({ compat: {} })
  return { host, start, startOffline, img: (words) => runImg(host, words) }
}

function startEngine(
  host: Host,
  options: StationOptions,
  tables: Tables,
  { compat, drivers }: Pick<TargetOptions, 'compat' | 'drivers'>,
): Machine {
  let log = ''
  const mortal = options.mortal === true ? mortalHost(host) : undefined
  const engine = createEngine({
    host: mortal?.host ?? host,
    profile: tables[options.profile],
    compat: checkCompat(compat),
    ...(drivers === undefined ? {} : { whiteLists: drivers }),
    log: (line) => {
      if (log.length < LOG_BYTES) log += `${line}\n`
    },
  })
  const [client, served]: [ByteStream, ByteStream] = streamPair(host)
  engine.openMonitor(served)
  const { monitor, pass } = fenced(client, served)
  let leave: (exit: Exit) => void = () => undefined
  const exited = new Promise<Exit>((resolve) => {
    leave = resolve
  })
  void engine.finished.then((status) => {
    leave({ status })
  })
  return {
    monitor,
    // Whoever chooses among tasks counts on those of a command.
    ...(options.choose === undefined
      ? {
          fence: async () => {
            await engine.settled()
            await pass()
          },
        }
      : {}),
    exited,
    debug: engine.debug,
    openDevice: (options, access) => engine.openDevice(options, access),
    showDevice: (node, access) => engine.showDevice(node, access),
    log: () => log,
    kill: () => {
      monitor.destroy()
      mortal?.kill()
      // What hangs is left behind with its host; nobody waits for it.
      leave({ signal: 'SIGKILL' })
    },
    async stop() {
      await engine.shutdown()
      await exited
    },
  }
}

/** Blank, and told apart from all that is sent by being this very chunk. */
const FENCE = Uint8Array.of(0x0a)

/** A client's end, and a way to wait until all that was written at the other end has come out. */
function fenced(
  client: ByteStream,
  served: ByteStream,
): { readonly monitor: ByteStream; readonly pass: () => Promise<void> } {
  const passing: (() => void)[] = []
  const monitor: ByteStream = {
    ...client,
    onData: (reader) => {
      client.onData((chunk) => {
        if (chunk === FENCE) passing.shift()?.()
        else reader(chunk)
      })
    },
  }
  return {
    monitor,
    pass: () =>
      new Promise((resolve) => {
        passing.push(resolve)
        void served.write(FENCE)
      }),
  }
}

/** The built-in image tool over the same files. */
export async function runImg(host: Host, words: readonly string[]): Promise<ToolResult> {
  let stdout = ''
  let stderr = ''
  const status = await img(host, words, {
    stdout: (text) => {
      stdout += text
    },
    stderr: (text) => {
      stderr += text
    },
  })
  return { status, stdout, stderr }
}

function sleep(host: Host, ns: number): Promise<void> {
  return new Promise((resolve) => {
    host.clock.after(ns, resolve)
  })
}
