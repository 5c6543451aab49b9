/** Reads the name of a target as typed: `engine`, `engine:SWITCH=PROFILE`, `qsd:PATH`, `system:'PATH ARGS'`, `qmp:unix:PATH`. */
import { join } from 'node:path'
import { PROFILES } from '../../engine/index.ts'
import type { EngineSpec, TargetSpec } from './target.ts'

/** The name cannot be understood; the message says what would be right. */
export class TargetSpecError extends Error {
  override readonly name = 'TargetSpecError'
}

const PROGRAM = { qsd: 'qemu-storage-daemon', system: 'qemu-system-x86_64' } as const

/**
 * @param prefix - Folder of `qemu-7.2/bin/…` installations, by which `qsd:7.2` is understood.
 * @throws {TargetSpecError}
 */
export function parseTargetSpec(
  text: string,
  prefix: string | undefined = process.env['BLOCKSPEC_QEMU_PREFIX'],
): TargetSpec {
  if (text === 'engine') return { kind: 'engine', text }
  const colon = text.indexOf(':')
  const kind = colon < 0 ? text : text.slice(0, colon)
  const rest = colon < 0 ? '' : text.slice(colon + 1)
  if (kind === 'engine') return engineSpec(text, rest)
  if (kind === 'qsd' || kind === 'system') return processSpec(kind, text, rest, prefix)
  if (kind === 'qmp') {
    const path = rest.startsWith('unix:') ? rest.slice('unix:'.length) : ''
    if (path === '') {
      throw new TargetSpecError(
        `target '${text}': only qmp:unix:PATH is built, for example qmp:unix:/run/q.sock`,
      )
    }
    return { kind: 'qmp', text, path }
  }
  if (kind === 'harness' || kind === 'image') {
    throw new TargetSpecError(`target '${text}': ${kind}: is not built yet`)
  }
  throw new TargetSpecError(
    `unknown target '${text}': use engine, qsd:PATH, system:PATH or qmp:unix:PATH`,
  )
}

function engineSpec(text: string, rest: string): EngineSpec {
  const [name = '', profile = ''] = rest.split('=')
  if (!isOneOf(PROFILES.qemu, name)) {
    throw new TargetSpecError(
      `target '${text}': no switch of the profiles: write engine:SWITCH=PROFILE, for example engine:quorum.holes=qemu`,
    )
  }
  if (!isOneOf(PROFILES, profile)) {
    const names = Object.keys(PROFILES).join(', ')
    throw new TargetSpecError(`target '${text}': unknown profile '${profile}': use ${names}`)
  }
  return { kind: 'engine', text, other: { switch: name, profile } }
}

function isOneOf<Table extends object>(table: Table, name: PropertyKey): name is keyof Table {
  return Object.hasOwn(table, name)
}

function processSpec(
  kind: 'qsd' | 'system',
  text: string,
  rest: string,
  prefix: string | undefined,
): TargetSpec {
  const words = splitWords(rest, text)
  const first = words[0]
  if (first === undefined || first === '') {
    throw new TargetSpecError(
      `target '${text}' names no program: write ${kind}:/path/to/${PROGRAM[kind]}`,
    )
  }
  if (/^\d+\.\d+$/.test(first)) {
    if (prefix === undefined || prefix === '') {
      throw new TargetSpecError(
        `target '${text}': a bare version needs BLOCKSPEC_QEMU_PREFIX, the folder of qemu-${first}/`,
      )
    }
    const program = join(prefix, `qemu-${first}`, 'bin', PROGRAM[kind])
    return { kind, text, command: [program, ...words.slice(1)] }
  }
  return { kind, text, command: words }
}

/** Splits words as a shell would: quotes and backslashes, no expansion of any kind. */
export function splitWords(line: string, whole = line): string[] {
  const words: string[] = []
  let word: string | undefined
  let quote: '"' | "'" | undefined
  for (let index = 0; index < line.length; index += 1) {
    const char = line.charAt(index)
    if (quote === undefined && /\s/.test(char)) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else if (quote === undefined && (char === '"' || char === "'")) {
      quote = char
      word ??= ''
    } else if (char === quote) {
      quote = undefined
    } else if (char === '\\' && quote !== "'") {
      index += 1
      if (index >= line.length) throw new TargetSpecError(`target '${whole}' ends in a backslash`)
      const next = line.charAt(index)
      const kept = quote === '"' && !/["\\$`]/.test(next) ? `\\${next}` : next
      word = (word ?? '') + kept
    } else {
      word = (word ?? '') + char
    }
  }
  if (quote !== undefined) throw new TargetSpecError(`target '${whole}' has an open ${quote}`)
  if (word !== undefined) words.push(word)
  return words
}
