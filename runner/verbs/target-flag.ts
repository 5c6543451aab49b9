/** The flags that name a target, and how its failures end a command. */
import type { Target, TargetSpec } from '../targets/target.ts'
import { one, text, toggle, type FlagTable } from './flags.ts'
import { CommandError, type Shell } from './verb.ts'

export const TARGET_FLAGS = {
  target: one({
    value: 'TARGET',
    example: 'qsd:/usr/bin/qemu-storage-daemon',
    doc: 'What to play on: engine (default), qsd:PROGRAM, system:PROGRAM, qmp:unix:SOCKET. A version such as qsd:7.2 means one below $BLOCKSPEC_QEMU_PREFIX. engine:SWITCH=PROFILE is the engine with one switch of its profiles as another profile has it, as in engine:quorum.holes=qemu; it has no goldens.',
    parse: text,
  }),
  'i-own-it': toggle({
    doc: 'A qmp: target runs already and its nodes, jobs and exports may be changed.',
  }),
  'timeout-scale': one({
    value: 'X',
    example: '4',
    doc: 'Multiplies every limit in real time.',
    parse: parseScale,
  }),
} satisfies FlagTable

export function parseScale(value: string): number {
  const number = Number(value)
  if (!/^\d+(\.\d+)?$/.test(value) || number < 0.1 || number > 1000) {
    throw new CommandError('wants a number from 0.1 to 1000')
  }
  return number
}

/** @throws {TargetSpecError} if the text names no target. */
export async function parseTarget(value: string, shell: Shell): Promise<TargetSpec> {
  const { parseTargetSpec } = await import('../targets/spec.ts')
  return parseTargetSpec(value, shell.env['BLOCKSPEC_QEMU_PREFIX'])
}

export interface TargetSettings {
  readonly owned: boolean
  readonly timeoutScale: number
}

export async function openTarget(
  value: string,
  settings: TargetSettings,
  shell: Shell,
): Promise<Target> {
  const spec = await parseTarget(value, shell)
  const { createTarget } = await import('../targets/index.ts')
  return createTarget(spec, settings)
}
