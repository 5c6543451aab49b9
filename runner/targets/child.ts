/**
 * A program run as a target: its own process group, a bare environment, QMP over its standard
 * streams, and an end that always comes: asked, then SIGTERM, then SIGKILL to the whole group.
 */
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import type { ByteStream } from '../../engine/index.ts'
import type { Exit, Machine, ToolResult } from './target.ts'
import { TargetError } from './target.ts'

/** Between SIGTERM and SIGKILL. */
const GRACE_MS = 2000
/** Bytes of standard error that are kept, the first ones. */
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

/** @throws {TargetError} when the program cannot be started. */
export async function startChild(words: readonly string[], directory: string): Promise<Machine> {
  const [program, ...args] = words
  if (program === undefined) throw new TargetError('the target names no program')
  const child = spawn(program, args, {
    cwd: directory,
    detached: true,
    env: environment(),
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const exited = new Promise<Exit>((resolve) => {
    child.once('exit', (status, signal) => {
      if (child.pid !== undefined) {
        // Helpers that the program left behind go with it.
        signalGroup(child.pid, 'SIGKILL')
        running.delete(child.pid)
      }
      resolve({
        ...(status === null ? {} : { status }),
        ...(signal === null ? {} : { signal }),
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
    monitor: streamOf(child.stdin, child.stdout),
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

function boundedText(child: ChildProcess): () => string {
  const chunks: Buffer[] = []
  let bytes = 0
  child.stderr?.on('data', (chunk: Buffer) => {
    if (bytes < LOG_BYTES) chunks.push(chunk.subarray(0, LOG_BYTES - bytes))
    bytes += chunk.length
  })
  child.stderr?.on('error', () => undefined)
  return () => Buffer.concat(chunks).toString('utf8')
}

/** Two one-way streams as one two-way stream. */
export function streamOf(output: Writable, input: Readable): ByteStream {
  let ended = false
  let endReader: (() => void) | undefined
  const end = (): void => {
    if (ended) return
    ended = true
    endReader?.()
  }
  input.once('end', end)
  input.once('close', end)
  input.on('error', end)
  output.on('error', () => undefined)
  return {
    onData: (reader) => {
      input.on('data', (chunk: Buffer) => {
        reader(chunk)
      })
    },
    onEnd: (reader) => {
      endReader = reader
      if (ended) reader()
    },
    write: (chunk) => {
      if (output.destroyed || output.writableEnded) return
      output.write(chunk)
    },
    pause: () => input.pause(),
    resume: () => input.resume(),
    end: () => {
      output.end()
    },
    destroy: () => {
      output.destroy()
      input.destroy()
    },
  }
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
