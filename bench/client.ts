/** A QMP client of the engine in this process, over its simulated host: nothing but the engine takes time. */
import { createEngine, createSimHost, streamPair } from '../engine/index.ts'

export interface Client {
  /** Answers with what the command returns. */
  run(command: string, args?: object): Promise<unknown>
  /** Wall milliseconds that a command takes, its answer read but not parsed. */
  time(command: string, args?: object): Promise<number>
}

export async function connect(): Promise<Client> {
  const host = createSimHost({ seed: 1 })
  const engine = createEngine({ host })
  const [ours, served] = streamPair(host)
  let received: Uint8Array[] = []
  ours.onData((chunk) => received.push(chunk.slice()))
  engine.openMonitor(served)
  const ask = async (execute: string, args: object): Promise<string> => {
    await host.idle()
    received = []
    void ours.write(new TextEncoder().encode(JSON.stringify({ execute, arguments: args })))
    await host.idle()
    return Buffer.concat(received).toString()
  }
  const answerOf = (text: string): unknown => {
    for (const line of text.split('\r\n')) {
      if (line === '') continue
      const message = JSON.parse(line) as { return?: unknown; error?: { desc: string } }
      if (message.error !== undefined) throw new Error(message.error.desc)
      if ('return' in message) return message.return
    }
    throw new Error('no answer')
  }
  const client: Client = {
    run: async (command, args = {}) => answerOf(await ask(command, args)),
    async time(command, args = {}) {
      const begin = process.hrtime.bigint()
      const text = await ask(command, args)
      const milliseconds = Number(process.hrtime.bigint() - begin) / 1e6
      answerOf(text)
      return milliseconds
    },
  }
  await client.run('qmp_capabilities')
  return client
}
