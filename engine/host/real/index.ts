/** The machine that we run on, as a host. */
import { randomInt } from 'node:crypto'
import { systemCompression } from '../compression.ts'
import type { Host } from '../host.ts'
import { systemAccount } from './account.ts'
import { createRealClock } from './clock.ts'
import { createRealFiles } from './files.ts'
import { createRealSockets } from './sockets.ts'

export { stdioStream } from './streams.ts'
export type { StdioOptions } from './streams.ts'

export function createRealHost(): Host {
  return {
    kind: 'real',
    files: createRealFiles(),
    clock: createRealClock(),
    random: { below: (bound) => randomInt(bound) },
    sockets: createRealSockets(),
    compression: systemCompression,
    account: systemAccount(),
  }
}
