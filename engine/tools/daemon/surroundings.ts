/** What the daemon needs of its process besides a host: signals, standard streams, a twin. */
import { spawn } from 'node:child_process'
import { closeSync, writeSync } from 'node:fs'
import type { ByteStream } from '../../host/host.ts'
import { stdioStream } from '../../host/real/index.ts'
import type { StdioOptions } from '../../host/real/index.ts'

export interface Surroundings {
  readonly pid: number
  /** Standard input and output as one stream. */
  stdio(options?: StdioOptions): ByteStream
  /** Calls `end` at the first signal that asks the program to end; returns what stops that. */
  onTerminate(end: () => void): () => void
  /** True in a twin that `spawnTwin` started. */
  readonly isTwin: boolean
  /** In a twin: start-up is complete, its starter may go. */
  reportReady(): void
  /** Runs this program again in the background; the exit status for its starter. */
  spawnTwin(): Promise<number>
}

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const

/** Set for a twin: the file descriptor on which it reports. */
const READY_VARIABLE = 'BLOCKSPEC_DAEMON_READY'
const READY_FD = 3

const A_DAY_MS = 24 * 60 * 60 * 1000

export function processSurroundings(): Surroundings {
  const isTwin = process.env[READY_VARIABLE] !== undefined
  return {
    pid: process.pid,
    stdio: stdioStream,
    onTerminate(end) {
      for (const signal of SIGNALS) process.on(signal, end)
      // A daemon lives on when its last client has left; without work the process would end.
      const alive = setInterval(() => undefined, A_DAY_MS)
      return () => {
        clearInterval(alive)
        for (const signal of SIGNALS) process.off(signal, end)
      }
    },
    isTwin,
    reportReady() {
      if (!isTwin) return
      process.chdir('/')
      writeSync(READY_FD, 'ready')
      closeSync(READY_FD)
    },
    spawnTwin,
  }
}

function spawnTwin(): Promise<number> {
  const [node = '', ...words] = process.argv
  const twin = spawn(node, [...process.execArgv, ...words], {
    detached: true,
    env: { ...process.env, [READY_VARIABLE]: String(READY_FD) },
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
  })
  return new Promise((resolve) => {
    twin.stdio[READY_FD]?.once('data', () => {
      twin.unref()
      resolve(0)
    })
    twin.once('error', () => resolve(1))
    twin.once('exit', (status) => resolve(status ?? 1))
  })
}
