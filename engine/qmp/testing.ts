/** For tests: a monitor on a simulated host, spoken to in bytes. */
import type { SimHost } from '../host/sim/index.ts'
import { createSimHost } from '../host/sim/index.ts'
import { streamPair } from '../host/pair.ts'
import type { ProfileName } from '../profiles/index.ts'
import { EngineProcess } from './engine.ts'

export interface TestMonitor {
  /** Sends bytes and returns what came back until nothing more is ready, line by line. */
  readonly send: (text: string | Uint8Array) => Promise<readonly string[]>
  /** Sends one command and returns its whole answer, events included. */
  readonly run: (command: string, args?: unknown) => Promise<readonly string[]>
  readonly ended: () => boolean
  readonly hangUp: () => void
}

export interface TestEngine {
  readonly host: SimHost
  readonly engine: EngineProcess
  readonly log: readonly string[]
  /** A new client that has read its greeting. */
  readonly connect: (options?: { readonly pretty?: boolean }) => Promise<TestMonitor>
  /** The same, negotiated. */
  readonly monitor: () => Promise<TestMonitor>
}

/** @param host - That of another engine, for two that meet. */
export function testEngine(
  seed = 1,
  host: SimHost = createSimHost({ seed }),
  profile: ProfileName = 'qemu',
): TestEngine {
  const log: string[] = []
  const engine = new EngineProcess({ host, profile, log: (line) => log.push(line) })
  const connect = async (options = {}): Promise<TestMonitor> => {
    const [ours, served] = streamPair(host)
    let received = ''
    let ended = false
    ours.onData((chunk) => {
      received += new TextDecoder().decode(chunk)
    })
    ours.onEnd(() => {
      ended = true
    })
    engine.openMonitor(served, options)
    const take = async (): Promise<readonly string[]> => {
      await host.idle()
      const lines = received.split('\r\n')
      received = lines.pop() ?? ''
      return lines
    }
    await take()
    const send = (text: string | Uint8Array): Promise<readonly string[]> => {
      void ours.write(typeof text === 'string' ? new TextEncoder().encode(text) : text)
      return take()
    }
    return {
      send,
      run: (execute, args) => send(JSON.stringify({ execute, arguments: args })),
      ended: () => ended,
      hangUp: () => ours.end(),
    }
  }
  return {
    host,
    engine,
    log,
    connect,
    async monitor() {
      const monitor = await connect()
      await monitor.send('{"execute":"qmp_capabilities"}')
      return monitor
    },
  }
}

/** The description of an answer that is an error; the answer itself where it is none. */
export function description(line: string | undefined): string {
  const answer = JSON.parse(line ?? 'null') as { readonly error?: { readonly desc: string } } | null
  return answer?.error?.desc ?? line ?? 'no answer'
}
