/**
 * The engine's door: an engine over a host, the hosts, the drop-in tools, and what the small door
 * `client.ts` has. Nothing outside `engine/` imports any other file of it.
 */
export { createEngine } from './qmp/engine.ts'
export type { Engine, EngineOptions, ShownAccess } from './qmp/engine.ts'
export type { EngineDebug } from './qmp/debug.ts'
export type { NodeDevice } from './exports/node-device.ts'
export { checkCompat } from './qmp/policy.ts'
export { PROFILES, switchesBetween } from './profiles/index.ts'
export type { Profile as ProfileTable, ProfileName } from './profiles/index.ts'

export { createRealHost, stdioStream } from './host/real/index.ts'
export { createSimHost, SimStalled } from './host/sim/index.ts'
export type { SimHost, SimHostOptions, SimState, Surroundings } from './host/sim/index.ts'
export { streamPair } from './host/pair.ts'
export type {
  ByteStream,
  Clock,
  Files,
  Host,
  HostFile,
  Listener,
  SocketAddress,
  Sockets,
  Timer,
} from './host/host.ts'

export { img } from './tools/img/main.ts'
export { storageDaemon } from './tools/daemon/main.ts'
export type { ToolOutput } from './tools/output.ts'

export * from './client.ts'
