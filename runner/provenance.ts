/**
 * Where goldens come from: per golden and case, which target recorded the transcript, its digest,
 * and which other targets gave the identical one. One file, `golden/provenance.json`.
 */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import type { Profile } from '../dsl/plan.ts'

export interface Origin {
  /** `qsd 7.2.22`: kind and version of the recording target. */
  readonly from: string
  /** Digest of the transcript. */
  readonly transcript: string
  /** Others that gave the identical transcript, sorted. */
  readonly same: readonly string[]
}

/** By path of the golden below the root, then by id of the case. */
export type Provenance = Map<string, Map<string, Origin>>

/** The file is no provenance. */
export class ProvenanceError extends Error {
  override readonly name = 'ProvenanceError'
}

const PROGRAMS: Readonly<Record<string, string>> = {
  qsd: 'qemu-storage-daemon',
  system: 'qemu-system',
}

/** The header's words for a recording target: `qemu-storage-daemon 7.2.22`. */
export function titleOf(from: string): string {
  const [kind = '', ...rest] = from.split(' ')
  return [PROGRAMS[kind] ?? kind, ...rest].join(' ')
}

export function digestOf(transcript: string): string {
  return createHash('sha256').update(transcript).digest('hex').slice(0, 32)
}

/** Whether a target is one that goldens of the profile are recorded from. */
export function mayRecord(from: string, profile: Profile): boolean {
  if (profile !== 'qemu') return from.startsWith('engine')
  return /^(qsd|system) 7\.2(\.|$)/.test(from)
}

/** @throws {ProvenanceError} */
export function readProvenance(path: string): Provenance {
  if (!existsSync(path)) return new Map()
  let data: unknown
  try {
    data = JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    throw new ProvenanceError(`${path}: ${(error as Error).message}`)
  }
  const goldens = record(record(data)?.['goldens'])
  if (goldens === undefined || record(data)?.['format'] !== 1) {
    throw new ProvenanceError(`${path}: not a provenance file of format 1`)
  }
  return new Map(
    Object.entries(goldens).map(([golden, cases]) => [
      golden,
      new Map(
        Object.entries(record(cases) ?? {}).map(([id, origin]) => [
          id,
          readOrigin(path, id, origin),
        ]),
      ),
    ]),
  )
}

function readOrigin(path: string, id: string, data: unknown): Origin {
  const origin = record(data)
  const from = origin?.['from']
  const transcript = origin?.['transcript']
  const same: unknown = origin?.['same'] ?? []
  const isList =
    Array.isArray(same) && same.every((name): name is string => typeof name === 'string')
  if (typeof from !== 'string' || typeof transcript !== 'string' || !isList) {
    throw new ProvenanceError(`${path}: the entry of ${id} is not understood`)
  }
  return { from, transcript, same }
}

/** Sorted throughout, so that the same facts give the same bytes. */
export function printProvenance(provenance: Provenance): string {
  const goldens = [...provenance].sort(byKey).flatMap(([golden, cases]) => {
    if (cases.size === 0) return []
    const entries = [...cases].sort(byKey).map(([id, origin]) => {
      const { from, transcript, same } = origin
      return [id, same.length === 0 ? { from, transcript } : { from, transcript, same }] as const
    })
    return [[golden, Object.fromEntries(entries)] as const]
  })
  return `${JSON.stringify({ format: 1, goldens: Object.fromEntries(goldens) }, null, 2)}\n`
}

function byKey(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0
}

function record(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined
}
