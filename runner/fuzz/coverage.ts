/**
 * What a run has drawn: how often each built command and how many of them were accepted, how often
 * each built driver and option member, and how many sequences with requests. Pure.
 */
import type { Value } from '../../dsl/plan.ts'
import { isList, isMap, text } from '../json.ts'
import type { Exclusion } from './exclusions.ts'
import { JobCoverage } from './job-coverage.ts'
import { JOB_KINDS, starterOf, takes } from './job-kinds.ts'
import type { StepRecord } from './record.ts'
import { type FuzzSchema, optionName } from './schema.ts'
import type { FuzzStep } from './step.ts'

/** The least that a run of full size must have drawn. */
export const MINIMA = {
  command: 200,
  acceptedLow: 0.2,
  acceptedHigh: 0.8,
  option: 20,
  io: 1 / 3,
  /** Starts of each kind of job that were accepted. */
  started: 300,
  /** Each verb on each kind that takes it, accepted. */
  verb: 20,
} as const

/** The size of a run that the figures are for. */
export const FULL_SIZE = { sequences: 2000, steps: 30 } as const

/** What each exclusion may take away. */
export type Figure = 'count' | 'accepted' | 'reply' | 'drawn'

export interface Shortfall {
  readonly subject: string
  readonly figure: Figure
  readonly message: string
}

export class Coverage {
  readonly #schema: FuzzSchema
  readonly #commands: Map<string, { count: number; accepted: number }>
  readonly #drivers: Map<string, number>
  readonly #options: Map<string, number>
  readonly jobs = new JobCoverage()
  #sequences = 0
  #withIo = 0

  constructor(schema: FuzzSchema) {
    this.#schema = schema
    this.#commands = new Map(schema.commands().map((name) => [name, { count: 0, accepted: 0 }]))
    this.#drivers = new Map(schema.drivers().map((name) => [name, 0]))
    this.#options = new Map(schema.optionPaths().map((option) => [optionName(option), 0]))
  }

  get commands(): ReadonlyMap<string, { readonly count: number; readonly accepted: number }> {
    return this.#commands
  }

  get drivers(): ReadonlyMap<string, number> {
    return this.#drivers
  }

  get options(): ReadonlyMap<string, number> {
    return this.#options
  }

  get io(): { readonly sequences: number; readonly withIo: number } {
    return { sequences: this.#sequences, withIo: this.#withIo }
  }

  /** A sequence was played; what has no record was not. */
  add(steps: readonly FuzzStep[], records: readonly StepRecord[]): void {
    this.#sequences += 1
    this.jobs.add(steps, records)
    if (records.some((_record, at) => steps[at]?.kind === 'io')) this.#withIo += 1
    records.forEach((record, at) => {
      const step = steps[at]
      if (step?.kind !== 'qmp') return
      const entry = this.#commands.get(step.command)
      if (entry === undefined) return
      entry.count += 1
      if (record.accepted) entry.accepted += 1
      this.#addOptions(step.args)
    })
  }

  /** Counts node options wherever they stand in arguments. */
  #addOptions(value: Value | undefined): void {
    if (isList(value)) for (const item of value) this.#addOptions(item)
    if (!isMap(value)) return
    const driver = text(value['driver'])
    const known = driver === undefined ? undefined : this.#drivers.get(driver)
    if (driver !== undefined && known !== undefined) {
      this.#drivers.set(driver, known + 1)
      this.#addPaths(driver, value, [])
    }
    for (const inner of Object.values(value)) this.#addOptions(inner)
  }

  #addPaths(driver: string, value: Value, before: readonly string[]): void {
    if (isList(value)) for (const item of value) this.#addPaths(driver, item, before)
    if (!isMap(value) || (before.length > 0 && 'driver' in value)) return
    for (const [name, inner] of Object.entries(value)) {
      const path = [...before, name]
      for (const owner of [{ driver, path }, { path }]) {
        const key = optionName(owner)
        const count = this.#options.get(key)
        if (count !== undefined) this.#options.set(key, count + 1)
      }
      this.#addPaths(driver, inner, path)
    }
  }

  /** Everything below the minimal figures, whatever is excluded. */
  shortfalls(): readonly Shortfall[] {
    return [
      ...this.#commandShortfalls(),
      ...this.#countShortfalls(),
      ...this.#ioShortfall(),
      ...this.#jobShortfalls(),
    ]
  }

  #commandShortfalls(): Shortfall[] {
    return [...this.#commands].flatMap(([name, { count, accepted }]) => {
      const subject = `command ${name}`
      const found: Shortfall[] = []
      if (count < MINIMA.command) {
        const message = `drawn ${String(count)} times, at least ${String(MINIMA.command)} are needed`
        found.push({ subject, figure: 'count', message })
      }
      const share = count === 0 ? 0 : accepted / count
      if (share < MINIMA.acceptedLow || share > MINIMA.acceptedHigh) {
        const message = `${percent(share)} accepted, between 20 and 80 % are needed`
        found.push({ subject, figure: 'accepted', message })
      }
      return found
    })
  }

  #countShortfalls(): Shortfall[] {
    const named = [
      ...[...this.#drivers].map(([name, count]) => [`driver ${name}`, count] as const),
      ...[...this.#options].map(([name, count]) => [`option ${name}`, count] as const),
    ]
    return named.flatMap(([subject, count]) => {
      if (count >= MINIMA.option) return []
      const message = `drawn ${String(count)} times, at least ${String(MINIMA.option)} are needed`
      return [{ subject, figure: 'count', message }]
    })
  }

  #ioShortfall(): Shortfall[] {
    const share = this.#sequences === 0 ? 0 : this.#withIo / this.#sequences
    if (share >= MINIMA.io) return []
    const message = `${percent(share)} of the sequences have requests, a third is needed`
    return [{ subject: 'requests', figure: 'count', message }]
  }

  /** Of kinds whose command is built. */
  #jobShortfalls(): Shortfall[] {
    return this.jobs.demanded().flatMap(({ subject, kind, count, isStart }) => {
      const least = isStart ? MINIMA.started : MINIMA.verb
      if (count >= least || !this.#commands.has(starterOf(kind))) return []
      const what = isStart ? 'started' : 'accepted'
      const message = `${what} ${String(count)} times, at least ${String(least)} are needed`
      return [{ subject, figure: 'count' as const, message }]
    })
  }

  /** Whether the subject of an exclusion is built at all. */
  knows({ subject, figure }: Exclusion): boolean {
    const [kind = '', name = ''] = subject.split(' ')
    if (figure === 'drawn') {
      const [owner = '', member = ''] = name.split('.')
      return this.#schema.hasMember(owner, member)
    }
    if (kind === 'command') return this.#commands.has(name)
    if (kind === 'driver') return this.#drivers.has(name)
    if (kind === 'job') return JOB_KINDS.includes(name)
    if (kind === 'verb') {
      const [type = '', verb = ''] = name.split('.')
      return JOB_KINDS.includes(type) && takes(type, verb)
    }
    return kind === 'option' && this.#options.has(name)
  }
}

/**
 * What is short in spite of the exclusions, and exclusions that nothing needs any more.
 *
 * @param built - Those that keep something from being drawn which the engine does not refuse.
 */
export function judgeCoverage(
  coverage: Coverage,
  exclusions: readonly Exclusion[],
  built: readonly Exclusion[] = [],
): { readonly missing: readonly Shortfall[]; readonly stale: readonly string[] } {
  const short = coverage.shortfalls()
  const covers = ({ subject, figure }: Exclusion, one: Shortfall): boolean =>
    subject === one.subject &&
    (figure === one.figure || (figure === 'drawn' && one.figure === 'count'))
  const missing = short.filter((one) => !exclusions.some((each) => covers(each, one)))
  const stale = exclusions.flatMap((each) => {
    const name = `${each.subject}, ${each.figure}`
    if (!coverage.knows(each)) return [`${name}: nothing of this name is built`]
    if (built.includes(each)) return [`${name}: the engine does not refuse it as not built`]
    if (each.figure === 'drawn') return []
    if (each.figure === 'reply' || short.some((one) => covers(each, one))) return []
    return [`${name}: the figure is met without it`]
  })
  return { missing, stale }
}

export function coverageLines(coverage: Coverage): string[] {
  const commands = [...coverage.commands].map(([name, { count, accepted }]) => {
    const shares = [accepted, count - accepted].map((part) =>
      percent(count === 0 ? 0 : part / count),
    )
    return [name, String(count), ...shares]
  })
  const counts = (map: ReadonlyMap<string, number>): string[][] =>
    [...map].map(([name, count]) => [name, String(count)])
  const { sequences, withIo } = coverage.io
  return [
    ...table(['command', 'drawn', 'accepted', 'refused'], commands),
    '',
    ...table(['driver', 'drawn'], counts(coverage.drivers)),
    '',
    ...table(['option', 'drawn'], counts(coverage.options)),
    '',
    ...table(...headed(coverage.jobs.rows())),
    '',
    `sequences with requests: ${String(withIo)} of ${String(sequences)} (${percent(withIo / Math.max(1, sequences))})`,
  ]
}

function headed(
  rows: readonly (readonly string[])[],
): [head: readonly string[], rows: readonly (readonly string[])[]] {
  const [head = [], ...rest] = rows
  return [head, rest]
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const all = [head, ...rows]
  const widths = head.map((_name, at) => Math.max(...all.map((row) => (row[at] ?? '').length)))
  return all.map((row) =>
    row
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
      .join('  ')
      .trimEnd(),
  )
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}
