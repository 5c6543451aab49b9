/**
 * What the runner knows of a target: how one is named on the command line, what it says it can do,
 * and how it is started, spoken to and stopped. One module per kind implements it.
 */
import type {
  ByteStream,
  Host,
  NodeDevice,
  ProfileName,
  ProfileTable,
  ShownAccess,
  Surroundings,
} from '../../engine/index.ts'
import type { Profile, TargetOptions } from '../../dsl/plan.ts'
import type { NamedImage } from '../images.ts'
import type { Fact } from '../transcript.ts'

/** A target as named on the command line; `text` is what was typed. */
export type TargetSpec =
  | EngineSpec
  /** `qsd:` and `system:` with the words of a command line. */
  | { readonly kind: 'qsd' | 'system'; readonly text: string; readonly command: readonly string[] }
  /** `qmp:unix:PATH`: runs already and belongs to the user. */
  | { readonly kind: 'qmp'; readonly text: string; readonly path: string }

export interface EngineSpec {
  readonly kind: 'engine'
  readonly text: string
  /** One switch is as another profile has it, in every profile that is played. */
  readonly other?: { readonly switch: keyof ProfileTable; readonly profile: ProfileName }
}

export type TargetKind = TargetSpec['kind']

/** One element of `query-qmp-schema`, as sent. */
export type SchemaEntry = Readonly<Record<string, unknown>> & {
  readonly name: string
  readonly 'meta-type': string
}

/** What a target is and can do, from its own answers. */
export interface Capabilities {
  readonly kind: TargetKind
  /** Folder below `runner/targets` that describes it: `engine`, `qemu-7.2`; absent if unknown. */
  readonly known?: string
  /** `7.2.22`. */
  readonly version: string
  /** As golden headers and provenance name it: `qemu-storage-daemon 7.2.22`. */
  readonly title: string
  /** Hex digest of its `query-qmp-schema`, member order set aside. */
  readonly schemaHash: string
  readonly clock: 'virtual' | 'real'
  /** The profiles that it can play. */
  readonly profiles: readonly Profile[]
  readonly channels: readonly string[]
  readonly commands: ReadonlySet<string>
  /** Argument names by command. */
  readonly arguments: ReadonlyMap<string, ReadonlySet<string>>
  readonly events: ReadonlySet<string>
  readonly drivers: ReadonlySet<string>
  readonly objects: ReadonlySet<string>
  readonly exports: ReadonlySet<string>
  readonly schema: readonly SchemaEntry[]
  /** Members that `blockdev-add` takes for a driver, those of every driver included. */
  driverMembers(driver: string): ReadonlySet<string>
  /** Why a need does not hold, or `undefined` where it does. */
  missing(need: string): string | undefined
}

/** How a target's process or engine ended. */
export interface Exit {
  readonly status?: number
  readonly signal?: string
}

/** What the engine lets a scenario do to a running injector of faults. */
export interface DebugControl {
  /** The next request that comes to the event stops there. @throws {BlockError} */
  breakAt(node: string, event: string, tag: string): void
  /** Lets the request go that stopped under the tag. @throws {BlockError} where none did. */
  resume(node: string, tag: string): void
  /** Forgets breakpoints and lets requests go. @throws {BlockError} where there are none. */
  removeBreak(node: string, tag: string): void
  /** Adds a rule, written as an option of the injector. @throws {BlockError} */
  inject(node: string, rule: Readonly<Record<string, unknown>>): void
  /** Drops every rule. @throws {BlockError} */
  clear(node: string): void
}

/** A running target. */
export interface Machine {
  /** Absent where only QMP leads into the target. */
  readonly debug?: DebugControl
  /** Opens a node without QMP; absent as well where only QMP leads into the target. @throws {BlockError} */
  readonly openDevice?: (
    options: Readonly<Record<string, unknown>>,
    access: { readonly writable: boolean },
  ) => Promise<NodeDevice>
  /**
   * Shows a node that runs as an NBD export would, unless somebody's server runs; absent likewise.
   *
   * @throws {BlockError} where the export would be refused.
   */
  readonly showDevice?: (node: string, access: ShownAccess) => NodeDevice | undefined
  /** The QMP stream; the greeting has not been read. */
  readonly monitor: ByteStream
  /**
   * Resolves when all has come over the stream that the commands answered so far have caused, as an
   * answer to one more command would tell; absent where nothing but such an answer tells.
   */
  readonly fence?: () => Promise<void>
  readonly exited: Promise<Exit>
  /** What it has printed, bounded; always empty without the feature `target.log`. */
  log(): string
  /** Ends it without asking. */
  kill(): void
  /** Ends it in order, then by force. */
  stop(): Promise<void>
}

/** What a target's image tool printed. */
export interface ToolResult {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

/** The place where one case is played: its files, clock, sockets, and its targets. */
export interface Station {
  readonly host: Host
  /** Absolute; every file of the case lies in it. */
  readonly directory: string
  /** Absolute and short, for sockets. */
  readonly socketDirectory: string
  /** What the target's relative paths start from, where that is another place than ours. */
  readonly workingDirectory?: string
  /** Runs the case to its end; on the simulated host this is what makes time pass. */
  play<T>(work: () => Promise<T>, what: string): Promise<T>
  start(options: TargetOptions): Promise<Machine>
  /** A second target over the same files, for images at rest. */
  startOffline(): Promise<Machine>
  /** Runs the image tool of the target. Paths are absolute. */
  img(words: readonly string[]): Promise<ToolResult>
  /** Moves the virtual clock; absent in real time. */
  advance?(ns: number): Promise<void>
  /** What setups of earlier cases came to; absent on a real host. */
  readonly setups?: Setups
  /** Removes what the case left; returns what could not be removed. */
  close(keep: boolean): Promise<readonly string[]>
}

/** What steps before the start made of simulated files, for cases that begin with the same ones. */
export interface Setups {
  /** Puts the files back as they were after those steps. @returns what was kept with them. */
  restore(steps: string): SetupRecord | undefined
  /** Keeps the files as they are; none is open. */
  keep(steps: string, record: SetupRecord): Promise<void>
}

/** What is left of such steps besides files. */
export interface SetupRecord {
  readonly facts: readonly Fact[]
  readonly images: readonly NamedImage[]
  /** How often each normaliser had something to do. */
  readonly counts: Readonly<Record<string, number>>
}

export interface StationOptions {
  readonly profile: Profile
  readonly time: 'virtual' | 'real'
  readonly seed: number
  /** The case kills its target: what it held must go with it. */
  readonly mortal?: boolean
  /** Replaces the seed's choice among several ready tasks of the simulated host. */
  readonly choose?: (count: number) => number
  /** What lies around the simulated host, where it is not as usual. */
  readonly surroundings?: Partial<Surroundings>
  /** Where the simulated host keeps the case's files; default `/blockspec`. */
  readonly directory?: string
}

/** A kind of target, ready to play cases. */
export interface Target {
  readonly spec: TargetSpec
  /** Cached: asks the target once for each profile that it has, `qemu` by default. @throws {TargetError} */
  probe(profile?: Profile): Promise<Capabilities>
  /** @throws {TargetError} */
  open(options: StationOptions): Promise<Station>
}

/** The target could not be started or asked at all: the environment's fault, exit status 3. */
export class TargetError extends Error {
  override readonly name = 'TargetError'
}
