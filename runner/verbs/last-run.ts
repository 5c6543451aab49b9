/**
 * What the last runs on each target gave, kept in the user's cache: order by time or by failure and
 * `diverge add` need it. Losing it costs nothing, so a cache that cannot be used is passed over.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import type { CaseEnd, Failure, Verdict } from '../report/event.ts'
import type { SuiteRoot } from './suite-files.ts'

export interface LastCase {
  readonly id: string
  readonly profile: string
  readonly target: string
  readonly verdict: Verdict
  readonly milliseconds: number
  readonly failures: readonly Failure[]
}

type Env = Readonly<Record<string, string | undefined>>

const FORMAT = 1

export class LastRun {
  readonly #path: string
  readonly #cases = new Map<string, LastCase>()

  /** @param spec - The target as typed. */
  constructor(root: SuiteRoot, spec: string, env: Env) {
    const base = env['XDG_CACHE_HOME'] ?? join(env['HOME'] ?? homedir(), '.cache')
    const name = createHash('sha256').update(`${root.scenarios}\n${spec}`).digest('hex')
    this.#path = join(base, 'blockspec', 'runs', `${name.slice(0, 24)}.json`)
    for (const one of this.#read()) this.#cases.set(key(one.id, one.profile), one)
  }

  get(id: string, profile: string): LastCase | undefined {
    return this.#cases.get(key(id, profile))
  }

  all(): readonly LastCase[] {
    return [...this.#cases.values()]
  }

  add({ id, profile, target, verdict, milliseconds, failures }: CaseEnd): void {
    const one = { id, profile, target, verdict, milliseconds, failures }
    this.#cases.set(key(id, profile), one)
  }

  save(): void {
    try {
      mkdirSync(dirname(this.#path), { recursive: true })
      const fresh = `${this.#path}.${process.pid}`
      writeFileSync(fresh, JSON.stringify({ format: FORMAT, cases: this.all() }))
      renameSync(fresh, this.#path)
    } catch {
      // No cache is better than no run.
    }
  }

  #read(): readonly LastCase[] {
    try {
      const data = JSON.parse(readFileSync(this.#path, 'utf8')) as {
        readonly format?: unknown
        readonly cases?: unknown
      }
      return data.format === FORMAT && Array.isArray(data.cases) ? (data.cases as LastCase[]) : []
    } catch {
      return []
    }
  }
}

function key(id: string, profile: string): string {
  return `${profile} ${id}`
}
