/**
 * A program run as a target: its own process group, a bare environment, QMP over a socket, and an
 * end that always comes: asked, then SIGTERM, then SIGKILL to the whole group.
 */
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import type { ByteStream, Host } from '../../engine/index.ts'
import type { Exit, Machine, ToolResult } from './target.ts'
import { TargetError } from './target.ts'

/** Between SIGTERM and SIGKILL. */
const GRACE_MS = 2000
/** For what a program wrote before it ended. */
const LAST_WORDS_WITHIN_MS = 500
/** Bytes of its outputs that are kept, the first ones. */
const LOG_BYTES = 64 * 1024
/** Bytes that a tool may print before it is stopped. */
const TOOL_BYTES = 32 * 2 ** 20

/** What a target inherits: nothing that changes its behaviour. */
function environment(): NodeJS.ProcessEnv {
  const kept = ['PATH', 'LD_LIBRARY_PATH', 'TMPDIR'].flatMap((name) => {
    const value = process.env[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  return { ...Object.fromEntries(kept), LC_ALL: 'C', TZ: 'UTC' }
}

/** Groups that still run: killed when this process ends, however it ends. */
const running = new Set<number>()
let watching = false

function watch(pid: number): void {
  running.add(pid)
  if (watching) return
  watching = true
  process.once('exit', () => {
    for (const group of running) signalGroup(group, 'SIGKILL')
  })
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal)
  } catch {
    // The group is gone already.
  }
}

export interface ChildOptions {
  readonly host: Host
  /** Scratch folder, and where the QMP socket is made. */
  readonly directory: string
  readonly socketPath: string
  readonly withinMs: number
}

/**
 * Starts a program that connects to a socket of ours for QMP: there at once, and what the program
 * prints cannot get into the stream.
 *
 * @param words - The command line, given the path of the socket.
 * @throws {TargetError} when the program cannot be started or ends before it connects.
 */
export async function startChild(
  words: (socketPath: string) => readonly string[],
  options: ChildOptions,
): Promise<Machine> {
  let accept: (stream: ByteStream) => void = () => undefined
  const connected = new Promise<ByteStream>((resolve) => {
    accept = resolve
  })
  const address = { type: 'unix', path: options.socketPath } as const
  const listener = await options.host.sockets.listen(address, accept)
  try {
    const child = await spawnChild(words(options.socketPath), options.directory)
    const monitor = await untilConnected(connected, child, options.withinMs)
    return { ...child, monitor }
  } finally {
    listener.close()
  }
}

type Child = Omit<Machine, 'monitor'> & { readonly program: string }

async function untilConnected(
  connected: Promise<ByteStream>,
  child: Child,
  withinMs: number,
): Promise<ByteStream> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => {
      resolve(`${child.program} does not connect for QMP within ${String(withinMs)} ms`)
    }, withinMs)
  })
  const ended = child.exited.then(({ status, signal }) => {
    const how = signal ?? `exit status ${String(status ?? '')}`
    return `${child.program} ended before it spoke QMP: ${how}`
  })
  const first = await Promise.race([connected, ended, late])
  clearTimeout(timer)
  if (typeof first !== 'string') return first
  child.kill()
  await child.exited
  const log = child.log().trim()
  throw new TargetError(log === '' ? first : `${first}\n${log}`)
}

async function spawnChild(words: readonly string[], directory: string): Promise<Child> {
  const [program, ...args] = words
  if (program === undefined) throw new TargetError('the target names no program')
  const child = spawn(program, args, {
    cwd: directory,
    detached: true,
    env: environment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exited = new Promise<Exit>((resolve) => {
    child.once('exit', (status, signal) => {
      if (child.pid !== undefined) {
        // Helpers that the program left behind go with it.
        signalGroup(child.pid, 'SIGKILL')
        running.delete(child.pid)
      }
      const exit: Exit = {
        ...(status === null ? {} : { status }),
        ...(signal === null ? {} : { signal }),
      }
      // Its last words may still lie in the pipes, which somebody else might hold open.
      const timer = setTimeout(resolve, LAST_WORDS_WITHIN_MS, exit)
      child.once('close', () => {
        clearTimeout(timer)
        resolve(exit)
      })
    })
  })
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', (error) => {
      reject(new TargetError(`cannot start ${program}: ${error.message}`))
    })
  })
  const pid = child.pid
  if (pid === undefined) throw new TargetError(`cannot start ${program}`)
  watch(pid)
  child.on('error', () => undefined)
  return {
    program,
    exited,
    log: boundedText(child),
    kill: () => {
      if (running.has(pid)) signalGroup(pid, 'SIGKILL')
    },
    stop: () => stopGroup(pid, exited),
  }
}

async function stopGroup(pid: number, exited: Promise<Exit>): Promise<void> {
  if (!running.has(pid)) return
  signalGroup(pid, 'SIGTERM')
  const timer = setTimeout(() => {
    signalGroup(pid, 'SIGKILL')
  }, GRACE_MS)
  await exited
  clearTimeout(timer)
}

/** What the program printed on both outputs, the first part of it. */
function boundedText(child: ChildProcess): () => string {
  const chunks: Buffer[] = []
  let bytes = 0
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      if (bytes < LOG_BYTES) chunks.push(chunk.subarray(0, LOG_BYTES - bytes))
      bytes += chunk.length
    })
    stream?.on('error', () => undefined)
  }
  return () => Buffer.concat(chunks).toString('utf8')
}

/** Runs a program to its end. @throws {TargetError} when it cannot be started. */
export async function runTool(
  words: readonly string[],
  directory: string,
  withinMs: number,
): Promise<ToolResult> {
  const machine = await startTool(words, directory)
  const timer = setTimeout(() => {
    machine.kill()
  }, withinMs)
  const { status, signal } = await machine.exited
  clearTimeout(timer)
  const stderr = machine.stderr()
  if (status === undefined) {
    return {
      status: 128,
      stdout: machine.stdout(),
      stderr: `${stderr}killed by ${signal ?? 'a signal'}`,
    }
  }
  return { status, stdout: machine.stdout(), stderr }
}

async function startTool(
  words: readonly string[],
  directory: string,
): Promise<{
  readonly exited: Promise<Exit>
  stdout(): string
  stderr(): string
  kill(): void
}> {
  const [program, ...args] = words
  if (program === undefined) throw new TargetError('no program')
  const child = spawn(program, args, {
    cwd: directory,
    detached: true,
    env: environment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const kill = (): void => {
    if (child.pid !== undefined) signalGroup(child.pid, 'SIGKILL')
  }
  const collected: Record<'stdout' | 'stderr', string> = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8')
    child[name].on('data', (text: string) => {
      collected[name] += text
      if (collected[name].length > TOOL_BYTES) kill()
    })
  }
  const exited = new Promise<Exit>((resolve, reject) => {
    child.once('error', (error) => {
      reject(new TargetError(`cannot start ${program}: ${error.message}`))
    })
    child.once('close', (status, signal) => {
      if (child.pid !== undefined) running.delete(child.pid)
      resolve({ ...(status === null ? {} : { status }), ...(signal === null ? {} : { signal }) })
    })
  })
  exited.catch(() => undefined)
  if (child.pid !== undefined) watch(child.pid)
  return Promise.resolve({
    exited,
    kill,
    stdout: () => collected.stdout,
    stderr: () => collected.stderr,
  })
}
