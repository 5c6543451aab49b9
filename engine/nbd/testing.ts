/** For tests against real programs: where they are, how they run, and a server of either kind. */
import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { execFile, spawn } from 'node:child_process'
import * as fs from 'node:fs'
import { join } from 'node:path'
import type { ByteStream } from '../host/host.ts'
import { streamPair } from '../host/pair.ts'
import { createRealHost } from '../host/real/index.ts'
import type { Engine } from '../index.ts'
import { createEngine } from '../index.ts'

const prefix = process.env['BLOCKSPEC_QEMU_PREFIX']
export const host = createRealHost()

export function qemu(program: string): string {
  return join(prefix ?? '', 'qemu-7.2', 'bin', program)
}

/** Why a program cannot take part, or nothing when it can. */
export function missing(...programs: readonly string[]): string | undefined {
  if (prefix === undefined) return 'BLOCKSPEC_QEMU_PREFIX is not set'
  const folders = (process.env['PATH'] ?? '').split(':')
  const absent = programs.find((program) =>
    program.startsWith('/')
      ? !fs.existsSync(program)
      : !folders.some((folder) => fs.existsSync(join(folder, program))),
  )
  return absent === undefined ? undefined : `${absent} is not installed`
}

export interface Outcome {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

/** Never synchronous: the server under test lives in this very process. */
export function run(program: string, args: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    const options = { timeout: 30_000, maxBuffer: 1 << 26 }
    const child = execFile(program, args, options, (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : (child.exitCode ?? -1), stdout, stderr })
    })
  })
}

export async function succeed(program: string, args: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await run(program, args)
  assert.equal(status, 0, `${program} ${args.join(' ')}: ${stderr}`)
  return stdout
}

/** Waits for a file that another program makes when it is ready. */
export async function appears(path: string): Promise<void> {
  for (let tries = 0; tries < 500; tries += 1) {
    if (fs.existsSync(path)) return
    await new Promise<void>((resolve) => {
      host.clock.after(10e6, resolve)
    })
  }
  assert.fail(`${path} did not appear`)
}

/** A server that exports `image` as `e`, writable, at `socket`. */
export interface Server {
  readonly name: string
  readonly socket: string
  readonly image: string
  readonly uri: string
  stop(): Promise<void>
}

export function uriOf(socket: string): string {
  return `nbd+unix:///e?socket=${socket}`
}

class Qmp {
  readonly #stream: ByteStream
  #text = ''
  #waiting: ((reply: Record<string, unknown>) => void) | undefined

  constructor(engine: Engine) {
    const [here, there] = streamPair(host)
    this.#stream = here
    here.onData((chunk) => {
      this.#text += Buffer.from(chunk).toString()
      const lines = this.#text.split('\n')
      this.#text = lines.pop() ?? ''
      for (const line of lines) this.#line(JSON.parse(line) as Record<string, unknown>)
    })
    engine.openMonitor(there)
  }

  async command(execute: string, args: Record<string, unknown> = {}): Promise<unknown> {
    const reply = await this.#reply(execute, args)
    assert('return' in reply, `${execute}: ${JSON.stringify(reply)}`)
    return reply['return']
  }

  /** The description with which a command is refused; absent where it is not. */
  async refusal(execute: string, args: Record<string, unknown>): Promise<string | undefined> {
    const { error } = await this.#reply(execute, args)
    return (error as { readonly desc: string } | undefined)?.desc
  }

  #reply(execute: string, args: Record<string, unknown>): Promise<Record<string, unknown>> {
    return new Promise((resolve) => {
      this.#waiting = resolve
      void this.#stream.write(Buffer.from(`${JSON.stringify({ execute, arguments: args })}\n`))
    })
  }

  #line(message: Record<string, unknown>): void {
    if ('return' in message || 'error' in message) this.#waiting?.(message)
  }
}

export async function startEngine(): Promise<{ readonly qmp: Qmp; readonly engine: Engine }> {
  const engine = createEngine({ host })
  const qmp = new Qmp(engine)
  await qmp.command('qmp_capabilities')
  return { qmp, engine }
}

export async function startOurs(folder: string, image: string): Promise<Server> {
  const socket = join(folder, 'ours.sock')
  const { qmp, engine } = await startEngine()
  const file = { driver: 'file', 'node-name': 'n', filename: image, discard: 'unmap' }
  await qmp.command('blockdev-add', file)
  await qmp.command('nbd-server-start', { addr: { type: 'unix', data: { path: socket } } })
  const about = { type: 'nbd', id: 'e', 'node-name': 'n', name: 'e', writable: true }
  await qmp.command('block-export-add', about)
  return { name: 'ours', socket, image, uri: uriOf(socket), stop: () => engine.shutdown() }
}

/** What opens an image of a format, and all images that show through it. */
function formatNode(format: string, image: string): Record<string, unknown> {
  return { driver: format, 'node-name': 'n', file: { driver: 'file', filename: image } }
}

/** Like `startOurs` for an image of another format than raw. */
export async function startOursFormat(
  folder: string,
  image: string,
  format: string,
): Promise<Server> {
  const socket = join(folder, 'ours.sock')
  const { qmp, engine } = await startEngine()
  await qmp.command('blockdev-add', formatNode(format, image))
  await qmp.command('nbd-server-start', { addr: { type: 'unix', data: { path: socket } } })
  const about = { type: 'nbd', id: 'e', 'node-name': 'n', name: 'e', writable: true }
  await qmp.command('block-export-add', { ...about, 'allocation-depth': true })
  return { name: 'ours', socket, image, uri: uriOf(socket), stop: () => engine.shutdown() }
}

/** Like `startTheirs` for an image of another format than raw. */
export async function startTheirsFormat(
  folder: string,
  image: string,
  format: string,
): Promise<Server> {
  const socket = join(folder, 'theirs.sock')
  const pid = join(folder, 'theirs.pid')
  const child = spawn(qemu('qemu-storage-daemon'), [
    ...['--blockdev', JSON.stringify(formatNode(format, image))],
    ...['--nbd-server', `addr.type=unix,addr.path=${socket}`],
    ...['--export', 'nbd,id=e,node-name=n,name=e,writable=on,allocation-depth=on'],
    ...['--pidfile', pid],
  ])
  await appears(pid)
  return { name: 'theirs', socket, image, uri: uriOf(socket), stop: () => stopped(child) }
}

export async function startTheirs(folder: string, image: string): Promise<Server> {
  const socket = join(folder, 'theirs.sock')
  const pid = join(folder, 'theirs.pid')
  const child = spawn(qemu('qemu-storage-daemon'), [
    ...['--blockdev', `driver=file,node-name=n,filename=${image},discard=unmap`],
    ...['--nbd-server', `addr.type=unix,addr.path=${socket}`],
    ...['--export', 'nbd,id=e,node-name=n,name=e,writable=on'],
    ...['--pidfile', pid],
  ])
  await appears(pid)
  return { name: 'theirs', socket, image, uri: uriOf(socket), stop: () => stopped(child) }
}

export function stopped(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null) {
      resolve()
      return
    }
    child.once('exit', () => {
      resolve()
    })
    // Some servers wait for clients that a failed test has left behind.
    child.kill('SIGKILL')
  })
}

/** A hook that skips its suite, and says why, when a program is missing. */
export function needing(...programs: readonly string[]): (this: Mocha.Context) => void {
  return function () {
    const lacking = missing(...programs)
    if (lacking === undefined) return
    const suite = this.test?.parent
    if (suite !== undefined) suite.title += ` (skipped: ${lacking})`
    this.skip()
  }
}
