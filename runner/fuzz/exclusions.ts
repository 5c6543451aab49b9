/** The checked-in list of what a fuzz run may fall short of, each entry with its reason. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { packageRoot } from '../places.ts'
import type { Figure } from './coverage.ts'

export interface Exclusion {
  /** `command quit`, `driver nbd`, `option nbd.tls-creds`. */
  readonly subject: string
  /** What is not asked of it: how often it is drawn, how many are accepted, or its reply. */
  readonly figure: Figure
  readonly why: string
}

/** The list cannot be read. */
export class ExclusionError extends Error {
  override readonly name = 'ExclusionError'
}

const FIGURES: readonly string[] = ['count', 'accepted', 'reply']

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
    const { subject, figure, why } = (entry ?? {}) as Readonly<Record<string, unknown>>
    const isWhole = typeof subject === 'string' && typeof why === 'string' && why.trim() !== ''
    if (!isWhole || typeof figure !== 'string' || !FIGURES.includes(figure)) {
      const wanted = 'subject, figure (count, accepted or reply) and why'
      throw new ExclusionError(`${shown}: entry ${String(at + 1)} needs ${wanted}`)
    }
    return { subject, figure: figure as Figure, why: why.trim() }
  })
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
