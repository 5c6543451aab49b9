/** For tests of jobs: disks on storage that takes its time, a guest that writes, and a client. */
import assert from 'node:assert/strict'
import { ALL_PERMISSIONS, CONSISTENT_READ, WRITE } from '../block/permission.ts'
import type { User } from '../graph/graph.ts'
import type { SimHost } from '../host/sim/index.ts'
import { createPrng } from '../host/sim/prng.ts'
import type { EngineProcess } from '../qmp/engine.ts'
import { testEngine } from '../qmp/testing.ts'

export interface JobEvent {
  readonly event: string
  readonly data: {
    /** Events of block jobs name it so, those of all jobs as `id`. */
    readonly device?: string
    readonly id?: string
    readonly status?: string
    readonly error?: string
    readonly len?: number
    readonly offset?: number
  }
}

export interface JobWorld {
  readonly host: SimHost
  readonly engine: EngineProcess
  /** A number of the world's own sequence. */
  readonly below: (bound: number) => number
  /** All events so far. */
  readonly events: readonly JobEvent[]
  /** The description of the error if it is refused, undefined if not; as much time as it takes passes. */
  readonly tryTo: (command: string, args?: object) => Promise<string | undefined>
  /** What a command returns, which must not be refused. */
  readonly run: (command: string, args?: object) => Promise<unknown>
  readonly pass: (ns: number) => Promise<void>
  /** Lets time pass until something holds. */
  readonly until: (holds: () => boolean | Promise<boolean>, what: string) => Promise<void>
  /** The status of a job; undefined where there is none. */
  readonly status: (id: string) => Promise<string | undefined>
  /** A user that reads and writes, as a writable export does. */
  readonly guest: (node: string) => User
  /** All that the node shows. */
  readonly read: (node: string) => Promise<Uint8Array>
  /** From now on every request of storage takes some time. */
  readonly slow: () => void
}

const MAX_TRIES = 5000
const TRY_NS = 10_000_000
const MAX_REQUEST_NS = 2_000_000

type Message = JobEvent & {
  readonly return?: unknown
  readonly error?: { readonly desc: string }
}

export async function jobWorld(seed: number): Promise<JobWorld> {
  const { host, engine, monitor: connect } = testEngine(seed)
  const below = createPrng(seed)
  const events: JobEvent[] = []
  const monitor = await connect()
  let bug: unknown
  engine.finished.catch((error: unknown) => {
    bug = error
  })

  /** @returns The answer, if it was among them. */
  const hear = (lines: readonly string[]): Message | undefined => {
    if (bug !== undefined) throw bug as Error
    let answer: Message | undefined
    for (const line of lines) {
      const message = JSON.parse(line) as Message
      if ('event' in message) events.push(message)
      else answer = message
    }
    return answer
  }
  const pass = async (ns: number): Promise<void> => {
    await host.advance(ns)
    assert.equal(hear(await monitor.send('')), undefined)
  }
  const ask = async (command: string, args?: object): Promise<Message> => {
    let answer = hear(await monitor.run(command, args))
    for (let tries = 0; answer === undefined; tries += 1) {
      assert.ok(tries < MAX_TRIES, `${command} is never answered`)
      await host.advance(TRY_NS / 10)
      answer = hear(await monitor.send(''))
    }
    return answer
  }
  const run = async (command: string, args?: object): Promise<unknown> => {
    const answer = await ask(command, args)
    assert.equal(answer.error?.desc, undefined, `${command} ${JSON.stringify(args)}`)
    return answer.return
  }
  return {
    host,
    engine,
    below,
    events,
    run,
    pass,
    tryTo: async (command, args) => (await ask(command, args)).error?.desc,
    async until(holds, what) {
      for (let tries = 0; !(await holds()); tries += 1) {
        assert.ok(tries < MAX_TRIES, `never ${what}`)
        await pass(TRY_NS)
      }
    },
    async status(id) {
      const jobs = (await run('query-jobs')) as { readonly id: string; readonly status: string }[]
      return jobs.find((job) => job.id === id)?.status
    },
    guest: (node) =>
      engine.graph.attach(engine.graph.find(node), {
        uses: CONSISTENT_READ | WRITE,
        shares: ALL_PERMISSIONS,
      }),
    async read(node) {
      const found = engine.graph.find(node)
      const claims = { uses: CONSISTENT_READ, shares: ALL_PERMISSIONS }
      await using user = engine.graph.attach(found, claims)
      const bytes = new Uint8Array(found.length())
      await host.run(Promise.resolve(user.read(0, bytes)))
      return bytes
    },
    slow() {
      host.files.hook = ({ kind }) =>
        kind === 'read' || kind === 'write' ? { delayNs: below(MAX_REQUEST_NS) } : undefined
    },
  }
}
