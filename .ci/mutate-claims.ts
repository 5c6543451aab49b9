/**
 * Proves that every inline claim binds: changes each one alone in the text of its scenario, plays
 * the scenario on the engine without its golden, and expects a failure that points at the very
 * line and column of the change.
 *
 *   npm run mutate-claims [ID…]      prints one line per claim that did not bind, then the count
 */
import { join } from 'node:path'
import { holds } from '../runner/condition.ts'
import type { EventClaim, EventMatch, Match } from '../dsl/plan-claims.ts'
import type { IoOutcome, Pattern } from '../dsl/plan-io.ts'
import type { Condition, Span, Step, Suite } from '../dsl/plan.ts'
import type { CaseEnd } from '../runner/report/event.ts'
import { selectAll } from '../runner/selected.ts'
import { runSuite } from '../runner/suite.ts'
import { createTarget, parseTargetSpec } from '../runner/targets/index.ts'
import type { Capabilities } from '../runner/targets/target.ts'
import type { Scope } from '../runner/variables.ts'
import { compile, readTexts, SCENARIOS } from './scenarios.ts'

/** Conditions over images and saved values are not decided here. */
const NO_VALUES: Scope = {
  image: (name) => name,
  fresh: (name) => name,
  saved: () => undefined,
}

/** One change: the text in `span` becomes `text`, and a failure must point into `blame`. */
interface Mutation {
  readonly what: string
  readonly span: Span
  readonly text: string
  readonly blame: Span
}

/** Another value of the same YAML type, so that only the value can be what is wrong. */
function otherScalar(source: string): string | undefined {
  if (source === 'true') return 'false'
  if (source === 'false') return 'true'
  if (source === 'null') return 'not-null'
  if (/^-?\d+$/.test(source)) return String(BigInt(source) + 1n)
  const sized = /^(\d+)([kKMGT])$/.exec(source)
  if (sized !== null) return `${Number(sized[1]) + 1}${sized[2] ?? ''}`
  if (/^0x[0-9a-f]+$/i.test(source)) return `0x${(Number(source) ^ 1).toString(16)}`
  const quoted = /^(["'])(.*)\1$/.exec(source)
  if (quoted !== null) return `${quoted[1] ?? ''}${quoted[2] ?? ''}-changed${quoted[1] ?? ''}`
  if (/^[\w.:/ #-]+$/.test(source)) return `${source}-changed`
  return undefined
}

/** An event that no block layer sends. */
const ABSENT_EVENT = 'VSERPORT_CHANGE'

class Collector {
  readonly found = new Map<string, Mutation>()
  readonly #texts: ReadonlyMap<string, string>
  readonly #target: Capabilities

  constructor(texts: ReadonlyMap<string, string>, target: Capabilities) {
    this.#texts = texts
    this.#target = target
  }

  #source(span: Span): string {
    return (this.#texts.get(span.file) ?? '').slice(span.start, span.end)
  }

  #add(what: string, span: Span, text: string | undefined, blame = span): void {
    if (text === undefined || text === this.#source(span)) return
    this.found.set(`${span.file}:${span.start}:${span.end}:${text}`, { what, span, text, blame })
  }

  match(what: string, match: Match): void {
    switch (match.kind) {
      case 'equal':
        this.#add(what, match.span, otherScalar(this.#source(match.span)))
        return
      case 'regex':
        this.#add(what, match.span, this.#source(match.span).replace(/^\/.*\//s, '/never-there/'))
        return
      case 'object':
        for (const member of match.members) this.match(what, member.match)
        return
      case 'seq':
      case 'set':
      case 'has':
        for (const item of match.items) this.match(what, item)
        return
      case 'all':
        for (const part of match.matches) this.match(what, part)
        return
      case 'count':
        this.match(what, match.match)
        return
      default:
        return
    }
  }

  step(step: Step): void {
    // What only the target decides is played, and claimed, where the condition holds.
    const chooses = step.kind === 'group'
    if (!chooses && step.when !== undefined && this.#decide(step.when) === false) return
    if ('expect' in step) {
      const { expect } = step
      if (expect.kind === 'error') {
        if (expect.classSpan !== undefined) {
          const other = expect.class === 'DeviceNotActive' ? 'DeviceNotFound' : 'DeviceNotActive'
          this.#add('expect class', expect.classSpan, other)
        }
        if (expect.text !== undefined) this.match('expect text', expect.text.match)
      }
    }
    if ('returns' in step) this.match('return', step.returns.match)
    this.#events([...(step.events ?? []), ...(step.kind === 'events' ? step.claims : [])])
    this.#ofKind(step)
  }

  #events(claims: readonly EventClaim[]): void {
    // What did happen: the only names that make a `never` wrong.
    const happened = claims.flatMap((claim) => {
      if (claim.kind === 'ordered' || claim.kind === 'set')
        return claim.events.map(({ name }) => name)
      return claim.kind === 'occurs' || claim.kind === 'times' ? [claim.event.name] : []
    })
    for (const claim of claims) {
      switch (claim.kind) {
        case 'times':
          this.#add('event count', claim.span, this.#otherCount(claim.span))
          this.#event(claim.event, claim.span)
          break
        case 'occurs':
          this.#event(claim.event, claim.span)
          break
        case 'ordered':
        case 'set':
          for (const event of claim.events) this.#event(event, event.span)
          break
        case 'only':
          for (const { span } of claim.names) this.#add('only', span, ABSENT_EVENT, claim.span)
          break
        case 'never':
          this.#add('never', claim.event.span, happened[0], claim.span)
          break
        case 'optional':
          break
      }
    }
  }

  #event({ span, data }: EventMatch, blame: Span): void {
    this.#add('event', span, ABSENT_EVENT, blame)
    if (data !== undefined) this.match('event data', data)
  }

  #otherCount(span: Span): string | undefined {
    const source = this.#source(span)
    return /^times \d+/.test(source)
      ? source.replace(/\d+/, (count) => String(Number(count) + 1))
      : undefined
  }

  #ofKind(step: Step): void {
    switch (step.kind) {
      case 'graph':
        for (const line of step.lines) {
          if (line.kind === 'path') {
            const text = this.#source(line.span)
            this.#add(
              'graph',
              line.span,
              line.negated ? text.replace(/^not\s+/, '') : `not ${text}`,
            )
          } else if (line.kind === 'absent') {
            this.#add('graph', line.span, this.#source(line.span).replace(/^no\s+/, ''))
          } else if (line.kind === 'present') {
            this.#add('graph', line.node.span, 'nosuch')
          } else {
            const [root] = line.roots
            if (root !== undefined) this.#add('graph', root.span, 'nosuch', line.span)
          }
        }
        return
      case 'verify':
        if (step.want.kind === 'extents') this.#extents(step.want.extents)
        return
      case 'io':
        for (const line of step.script.lines) {
          this.#outcome(line.outcome)
          const { statement } = line
          if (statement.kind === 'verify' && statement.want.kind === 'extents') {
            this.#extents(statement.want.extents)
          }
          if (statement.kind === 'rw' && !statement.write) {
            this.#pattern(statement.pattern, line.outcome)
          }
        }
        return
      case 'nbd':
        for (const line of step.lines) {
          this.#outcome(line.outcome)
          if (line.kind === 'read') this.#pattern(line.pattern, line.outcome)
        }
        return
      case 'loop':
        for (const turn of step.turns) turn.steps.forEach((inner) => this.step(inner))
        return
      case 'group': {
        const taken = this.#decide(step.when)
        if (taken !== false) step.then.forEach((inner) => this.step(inner))
        if (taken !== true) step.otherwise.forEach((inner) => this.step(inner))
        return
      }
      case 'together':
        for (const actor of step.actors) actor.steps.forEach((inner) => this.step(inner))
        return
      case 'use':
        step.steps.forEach((inner) => this.step(inner))
        return
      default:
        return
    }
  }

  /** Undefined where a saved value decides, which is only known while the scenario runs. */
  #decide(condition: Condition): boolean | undefined {
    try {
      return holds(condition, this.#target, NO_VALUES)
    } catch {
      return undefined
    }
  }

  #outcome({ kind, written, span, ...rest }: IoOutcome): void {
    if (!written) return
    const isPermission = kind === 'errno' && 'errno' in rest && rest.errno === 'EPERM'
    this.#add('outcome', span, `=> ${isPermission ? 'EIO' : 'EPERM'}`)
  }

  /** What a read must find, where it may find it at all. */
  #pattern(pattern: Pattern | undefined, outcome: IoOutcome): void {
    if (pattern === undefined || outcome.kind !== 'ok') return
    this.#add('pattern', pattern.span, this.#otherPattern(pattern.span))
  }

  #extents(
    extents: readonly { readonly want: { readonly kind: string; readonly span: Span } }[],
  ): void {
    for (const { want } of extents) this.#add('extent', want.span, this.#otherPattern(want.span))
  }

  #otherPattern(span: Span): string | undefined {
    const source = this.#source(span)
    if (source.startsWith('$')) return undefined
    return /^(0x[0-9a-f]+|\d+)$/i.test(source) ? String(Number(source) ^ 0xff) : '0xd7'
  }
}

/**
 * Plays a suite on the engine without goldens and returns how each case ended.
 *
 * @param maxFailures - Play no more cases once so many have failed.
 */
async function play(suite: Suite, maxFailures?: number): Promise<CaseEnd[]> {
  const ends: CaseEnd[] = []
  await runSuite({
    cases: selectAll(suite),
    target: parseTargetSpec('engine'),
    jobs: 1,
    seed: 1,
    timeoutScale: 1,
    golden: { mode: 'off', root: join(SCENARIOS, '..', 'golden') },
    keep: 'none',
    ...(maxFailures === undefined ? {} : { maxFailures }),
    onEvent: (event) => {
      if (event.event === 'case-end') ends.push(event)
    },
  })
  return ends
}

/** A failure may point closer than the change: at the one node of a graph line that is wrong. */
function blames(ends: readonly CaseEnd[], { blame, span, text }: Mutation): boolean {
  const last = span.column + text.length
  return ends.some(
    ({ verdict, failures }) =>
      verdict === 'fail' &&
      failures.some(
        ({ place }) =>
          place?.line === blame.line && place.column >= blame.column && place.column <= last,
      ),
  )
}

const texts = readTexts()
const engine = await createTarget(parseTargetSpec('engine')).probe()
const wanted = process.argv.slice(2)
const paths = [...texts.keys()].filter(
  (path) => wanted.length === 0 || wanted.includes(path.replace(/\.yaml$/, '')),
)
let bound = 0
let loose = 0
const kinds = new Map<string, number>()
for (const path of paths) {
  const suite = compile(texts, [path])
  if (typeof suite === 'string') throw new Error(`${path}: ${suite}`)
  const unchanged = await play(suite)
  if (unchanged.length > 0 && unchanged.every(({ verdict }) => verdict === 'n/a')) {
    console.log(`${path}: the engine cannot play it, so its claims are not changed here`)
    continue
  }
  const collector = new Collector(texts, engine)
  for (const scenario of suite.scenarios) {
    for (const { setup, steps, after, finally: last } of scenario.cases) {
      for (const step of [...setup, ...steps, ...after, ...last]) collector.step(step)
    }
  }
  for (const mutation of collector.found.values()) {
    const { file, start, end, line, column } = mutation.span
    const before = texts.get(file) ?? ''
    texts.set(file, before.slice(0, start) + mutation.text + before.slice(end))
    const changed = compile(texts, [path])
    let ends: readonly CaseEnd[] = typeof changed === 'string' ? [] : await play(changed, 1)
    // Mostly the first case that fails shows it.
    if (typeof changed !== 'string' && !blames(ends, mutation)) ends = await play(changed)
    texts.set(file, before)
    if (blames(ends, mutation)) {
      bound++
      kinds.set(mutation.what, (kinds.get(mutation.what) ?? 0) + 1)
      continue
    }
    loose++
    const seen =
      typeof changed === 'string'
        ? `does not compile: ${changed}`
        : ends
            .flatMap(({ verdict, failures }) => [
              verdict,
              ...failures.map(
                ({ place, code }) => `${code}@${place?.line ?? '-'}:${place?.column ?? '-'}`,
              ),
            ])
            .slice(0, 6)
            .join(' ')
    console.log(`${file}:${line}:${column}: ${mutation.what} -> ${mutation.text}: ${seen}`)
  }
}
console.log([...kinds].map(([what, count]) => `${what} ${count}`).join(', '))
console.log(`${bound} claims bound, ${loose} did not`)
process.exitCode = loose === 0 ? 0 : 1
