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
    features: ['target.restart', 'target.kill', 'net.unix', 'net.tcp', 'tool.img'],
    channels: ['nbd'],
  },
  system: {
    kind: 'system',
    program: 'qemu-system',
    clock: 'real',
    profiles: ['qemu'],
    features: ['target.restart', 'target.kill', 'net.unix', 'net.tcp', 'tool.img', 'cli.compat'],
    channels: ['nbd'],
  },
}

/** Options that make the program speak QMP on its standard streams and nothing else. */
const STDIO = {
  qsd: ['--chardev', 'stdio,id=blockspec,signal=off', '--monitor', 'chardev=blockspec'],
  system: [
    '-machine',
    'none',
    '-nodefaults',
    '-no-user-config',
    '-display',
    'none',
    '-S',
    '-chardev',
    'stdio,id=blockspec,signal=off',
    '-mon',
    'chardev=blockspec,mode=control',
  ],
} as const

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
  const start = async (words: readonly string[]): Promise<Machine> => {
    const machine = await startChild(words, scratch.directory)
    started.push(machine)
    return machine
  }
  return {
    host,
    directory: scratch.directory,
    socketDirectory: scratch.directory,
    play: (work) => work(),
    start: (options) =>
      start([...spec.command, ...STDIO[spec.kind], ...extraWords(spec.kind, options)]),
    startOffline: () => start([...daemonWords(spec), ...STDIO.qsd]),
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
