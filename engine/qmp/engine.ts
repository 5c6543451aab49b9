/** One engine: a graph, its exports and objects, and the monitors through which clients reach them. */
import type { ByteStream, Host } from '../host/host.ts'
import type { ProfileName } from '../profiles/index.ts'

export interface EngineOptions {
  readonly host: Host
  /** `qemu` unless said otherwise. */
  readonly profile?: ProfileName
  /** Takes what a daemon would print on standard error, line by line. */
  readonly log?: (line: string) => void
}

export interface Engine {
  /** Serves one QMP client on the stream: greeting, negotiation, commands, events. */
  openMonitor(stream: ByteStream, options?: { readonly pretty?: boolean }): void
  /** The exit status; settles after `quit` or `shutdown()`, when all is closed. */
  readonly finished: Promise<number>
  /** Closes exports, then nodes, as the daemon does at its end. */
  shutdown(): Promise<void>
}

/** @throws {BlockError} for a profile that is not built yet. */
export declare function createEngine(options: EngineOptions): Engine
