/** Real programs as targets: `qemu-storage-daemon` and `qemu-system-*`, or what takes their options. */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createRealHost } from '../../engine/index.ts'
import type { TargetOptions } from '../../dsl/plan.ts'
import type { Nature } from './capabilities.ts'
import { runTool, startChild } from './child.ts'
import { runImg } from './engine.ts'
import { probeStation } from './probe.ts'
import { makeScratch } from './scratch.ts'
import type { Capabilities, Machine, Station, Target, TargetSpec, ToolResult } from './target.ts'
import { TargetError } from './target.ts'

type ProcessSpec = Extract<TargetSpec, { readonly kind: 'qsd' | 'system' }>

const TOOL_WITHIN_MS = 30_000

const NATURES: Readonly<Record<ProcessSpec['kind'], Nature>> = {
  qsd: {
    kind: 'qsd',
    program: 'qemu-storage-daemon',
    clock: 'real',
    profiles: ['qemu'],
    features: ['target.restart', 'target.kill', 'target.log', 'net.unix', 'net.tcp', 'tool.img'],
    channels: ['nbd'],
  },
  system: {
    kind: 'system',
    program: 'qemu-system',
    clock: 'real',
    profiles: ['qemu'],
    features: [
      'target.restart',
      'target.kill',
      'target.log',
      'net.unix',
      'net.tcp',
      'tool.img',
      'cli.compat',
      'fault.suspend',
    ],
    channels: ['nbd'],
  },
}

/** Options that make the program speak QMP on our socket and do nothing by itself. */
const QMP = {
  qsd: (path: string) => [
    '--chardev',
    `socket,id=blockspec,path=${path}`,
    '--monitor',
    'chardev=blockspec',
  ],
  system: (path: string) => [
    ...['-machine', 'none', '-nodefaults', '-no-user-config', '-display', 'none', '-S'],
    ...['-chardev', `socket,id=blockspec,path=${path}`],
    ...['-mon', 'chardev=blockspec,mode=control'],
  ],
} as const

/** In which a program must have connected. */
const CONNECT_WITHIN_MS = 10_000

export function createProcessTarget(spec: ProcessSpec, timeoutScale: number): Target {
  let probed: Promise<Capabilities> | undefined
  const station = (): Station => createStation(spec, timeoutScale)
  return {
    spec,
    probe() {
      probed ??= probeStation(station(), NATURES[spec.kind], spec.text)
      return probed
    },
    open: () => Promise.resolve(station()),
  }
}

function createStation(spec: ProcessSpec, timeoutScale: number): Station {
  const scratch = makeScratch()
  const host = createRealHost()
  const started: Machine[] = []
  const start = async (words: (path: string) => readonly string[]): Promise<Machine> => {
    const machine = await startChild(words, {
      host,
      directory: scratch.directory,
      socketPath: `${scratch.directory}/qmp-${String(started.length)}.sock`,
      withinMs: CONNECT_WITHIN_MS * timeoutScale,
    })
    started.push(machine)
    return machine
  }
  return {
    host,
    directory: scratch.directory,
    socketDirectory: scratch.directory,
    workingDirectory: scratch.directory,
    play: (work) => work(),
    start: (options) =>
      start((path) => [
        ...spec.command,
        ...QMP[spec.kind](path),
        ...extraWords(spec.kind, options),
      ]),
    startOffline: () => start((path) => [...daemonWords(spec), ...QMP.qsd(path)]),
    img: (words) => runBeside(spec, words, scratch.directory, TOOL_WITHIN_MS * timeoutScale),
    async close(keep) {
      for (const machine of started.toReversed()) {
        machine.kill()
        await machine.exited
      }
      return scratch.remove(keep)
    },
  }

  async function runBeside(
    target: ProcessSpec,
    words: readonly string[],
    directory: string,
    withinMs: number,
  ): Promise<ToolResult> {
    const tool = beside(target, 'qemu-img')
    return tool === undefined ? runImg(host, words) : runTool([tool, ...words], directory, withinMs)
  }
}

/** A program in the folder of the target's own one. */
function beside(spec: ProcessSpec, name: string): string | undefined {
  const program = spec.command[0] ?? ''
  if (!program.includes('/')) return undefined
  const path = join(dirname(program), name)
  return existsSync(path) ? path : undefined
}

/** What opens images at rest: the daemon itself, or the one beside the emulator. */
function daemonWords(spec: ProcessSpec): readonly string[] {
  if (spec.kind === 'qsd') return spec.command
  const daemon = beside(spec, 'qemu-storage-daemon')
  if (daemon === undefined) {
    throw new TargetError(
      `no qemu-storage-daemon beside ${spec.command[0] ?? ''} to open images at rest`,
    )
  }
  return [daemon]
}

function extraWords(kind: ProcessSpec['kind'], options: TargetOptions): readonly string[] {
  const compat = Object.entries(options.compat).map(([name, value]) => `${name}=${value}`)
  const words = compat.length === 0 ? [] : ['-compat', compat.join(',')]
  return [...words, ...(options.args[kind] ?? [])]
}
