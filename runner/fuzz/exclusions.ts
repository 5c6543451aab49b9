/** The checked-in list of what a fuzz run may fall short of, each entry with its reason. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { packageRoot } from '../places.ts'
import type { Figure } from './coverage.ts'
import type { StepRecord } from './record.ts'
import type { FuzzStep, Members } from './step.ts'

export interface Exclusion {
  /** `command quit`, `driver nbd`, `option nbd.tls-creds`. */
  readonly subject: string
  /** What is not asked of it: how often it is drawn, how many are accepted, its reply, or to be drawn at all. */
  readonly figure: Figure
  readonly why: string
  /** Of what is not drawn: commands of which the engine refuses the last as not built yet. */
  readonly refused?: readonly FuzzStep[]
}

/** The list cannot be read. */
export class ExclusionError extends Error {
  override readonly name = 'ExclusionError'
}

const FIGURES: readonly string[] = ['count', 'accepted', 'reply', 'drawn']

/** How the engine words such a refusal. */
const NOT_BUILT = /\bnot built yet\b/

/** Whether a command was refused so, or the job that it started has failed so. */
export function isNotBuilt(record: StepRecord | undefined): boolean {
  if (record?.outcome.kind === 'error') return NOT_BUILT.test(record.outcome.text)
  return NOT_BUILT.test(record?.parts.jobs ?? '')
}

export function exclusionsPath(): string {
  return join(packageRoot(), 'runner', 'fuzz', 'exclusions.yaml')
}

/** @throws {ExclusionError} */
export function parseExclusions(source: string, shown: string): readonly Exclusion[] {
  let document: unknown
  try {
    document = parse(source)
  } catch (error) {
    throw new ExclusionError(`${shown}: ${(error as Error).message}`)
  }
  const entries: unknown = (document as { readonly exclusions?: unknown } | null)?.exclusions
  if (!Array.isArray(entries)) throw new ExclusionError(`${shown}: no list of exclusions`)
  return entries.map((entry: unknown, at) => {
    const { subject, figure, why, refused } = (entry ?? {}) as Readonly<Record<string, unknown>>
    const needs = (wanted: string): ExclusionError =>
      new ExclusionError(`${shown}: entry ${String(at + 1)} needs ${wanted}`)
    const isWhole = typeof subject === 'string' && typeof why === 'string' && why.trim() !== ''
    if (!isWhole || typeof figure !== 'string' || !FIGURES.includes(figure)) {
      throw needs('subject, figure (count, accepted, reply or drawn) and why')
    }
    const common = { subject, figure: figure as Figure, why: why.trim() }
    if (figure !== 'drawn') return common
    const steps = readSteps(refused)
    if (steps.length === 0 || !/^option [^.\s]+\.[^.\s]+$/.test(subject)) {
      throw needs('a subject `option OWNER.MEMBER` and commands under `refused`')
    }
    return { ...common, refused: steps }
  })
}

/** Commands as scenarios write them: one name, and its arguments. */
function readSteps(list: unknown): readonly FuzzStep[] {
  if (!Array.isArray(list)) return []
  return list.flatMap((item: unknown) =>
    Object.entries((item ?? {}) as Readonly<Record<string, Members>>).map(
      ([command, args]): FuzzStep => ({ kind: 'qmp', command, args }),
    ),
  )
}

/** Members that are never given, as `OWNER.MEMBER`. */
export function undrawnMembers(exclusions: readonly Exclusion[]): readonly string[] {
  return exclusions.flatMap(({ subject, figure }) =>
    figure === 'drawn' ? [subject.slice('option '.length)] : [],
  )
}

/** @throws {ExclusionError} */
export function loadExclusions(path = exclusionsPath()): readonly Exclusion[] {
  let source: string
  try {
    source = readFileSync(path, 'utf8')
  } catch (error) {
    throw new ExclusionError(`${path}: ${(error as Error).message}`)
  }
  return parseExclusions(source, path)
}
