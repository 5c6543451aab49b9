/**
 * Lint: what compiles and could still be better, or breaks a rule of the suite. Needs no target.
 */
import { Compiler, type Compiled, type CompileOptions, type SourceFile } from './compile.ts'
import type { Code } from './codes.ts'
import { LIMITS } from './limits.ts'
import { isMissed } from './fault.ts'
import type { IoLine, IoStatement } from './plan-io.ts'
import type { FaultRule, Scenario, Span, Step } from './plan.ts'
import { Report, type Level, type Problem } from './problem.ts'
import type { StepFacts } from './steps/kind.ts'
import { find, spanOf, type MapNode } from './tree.ts'

/** Every problem of the files: those of the compiler, then those of the rules, file by file. */
export function lint(files: readonly SourceFile[], options: CompileOptions): readonly Problem[] {
  const compiler = new Compiler(options)
  return files.flatMap((file) => {
    const compiled = compiler.compile(file)
    return [...compiled.problems, ...lintCompiled(compiled, (step) => compiler.kinds.facts(step))]
  })
}

interface Subject {
  readonly compiled: Compiled
  readonly scenario: Scenario
  readonly map: MapNode
  /** Steps of every case and section, nested ones too. */
  readonly steps: readonly Step[]
  readonly facts: (step: Step) => StepFacts
  readonly say: (level: Level, code: Code, span: Span, message: string, help?: string) => void
}

type Rule = (subject: Subject) => void

const RULES: readonly Rule[] = [
  polarity,
  claimCount,
  ambiguousNames,
  unusedNames,
  tagsLeft,
  phases,
  stepIds,
  titles,
  matrixWidth,
  hiddenSteps,
  anyOutcomes,
  missedFaults,
  silentBranches,
]

function lintCompiled(compiled: Compiled, facts: Subject['facts']): readonly Problem[] {
  const { scenario, map, source } = compiled
  if (scenario === undefined || map === undefined) return []
  const report = new Report()
  const steps = scenario.cases.flatMap((item) =>
    [...item.setup, ...item.steps, ...item.after, ...item.finally].flatMap(flatten),
  )
  const say: Subject['say'] = (level, code, span, message, help) => {
    if (span.file === source.file) report.add(code, source, span, message, { level, help })
  }
  for (const rule of RULES) rule({ compiled, scenario, map, steps, facts, say })
  return report.list()
}

function flatten(step: Step): readonly Step[] {
  switch (step.kind) {
    case 'loop':
      return [step, ...step.turns.flatMap((turn) => turn.steps.flatMap(flatten))]
    case 'group':
      return [step, ...step.then.flatMap(flatten), ...step.otherwise.flatMap(flatten)]
    case 'use':
      return [step, ...step.steps.flatMap(flatten)]
    case 'together':
      return [step, ...step.actors.flatMap((actor) => actor.steps.flatMap(flatten))]
    default:
      return [step]
  }
}

/** A clause is shown, or its opposite refused, by a claim that binds every target. */
function polarity({ compiled, scenario, map, say }: Subject): void {
  const { claims } = compiled
  const [spec] = scenario.spec
  const [refuses] = scenario.refuses
  if (spec === undefined && refuses === undefined) {
    say(
      'warning',
      'no-clause',
      titleSpan(map),
      'the scenario names no clause',
      'spec: [QUO-3], or refuses: [QUO-3]',
    )
  }
  if (spec !== undefined && claims.length === 0) {
    say(
      'error',
      'golden-only',
      spec.span,
      'a scenario with clauses needs an inline claim',
      'a golden binds only the target that recorded it',
    )
  }
  if (refuses !== undefined && !claims.some(({ negative }) => negative)) {
    say(
      'error',
      'refuses-nothing',
      refuses.span,
      'nothing is claimed to fail',
      'add expect: error …, => EIO, => refused, or never',
    )
  }
}

function titleSpan(map: MapNode): Span {
  const entry = find(map, 'title')
  return entry === undefined ? spanOf(map) : spanOf(entry.value)
}

function claimCount({ compiled, map, say }: Subject): void {
  const count = compiled.claims.length
  if (count <= LIMITS.claims) return
  say(
    'warning',
    'many-claims',
    titleSpan(map),
    `${String(count)} inline claims: lean on the golden for what no clause demands`,
  )
}

/** Where both exist, a bare name is a guess. */
function ambiguousNames({ scenario, steps, facts, say }: Subject): void {
  const known = steps.map(facts)
  const nodes = new Set(known.map(({ node }) => node?.name))
  const images = new Set(known.map(({ image }) => image?.name))
  for (const { subject } of known) {
    if (subject === undefined) continue
    const { kind, name, span } = subject
    const written = scenario.text.slice(span.start, span.end)
    if (kind === 'nbd' || written.includes(':') || !nodes.has(name) || !images.has(name)) continue
    say(
      'warning',
      'ambiguous-name',
      span,
      `there are a node and an image '${name}'`,
      `here the ${kind === 'img' ? 'image' : 'node'} is meant: ${kind}:${name}`,
    )
  }
}

function unusedNames({ compiled, map, say }: Subject): void {
  const { text } = compiled.source
  for (const entry of entriesOf(map, 'params')) {
    if (text.includes(`$${entry.name}`) || text.includes(`\${${entry.name}`)) continue
    say(
      'warning',
      'unused-param',
      spanOf(entry.key),
      `nothing depends on the parameter '${entry.name}'`,
    )
  }
  for (const entry of entriesOf(map, 'images')) {
    const others = text.slice(0, entry.key.start) + text.slice(entry.key.end)
    if (new RegExp(`(?<![\\w-])${escapeRegex(entry.name)}(?![\\w-])`).test(others)) continue
    say('warning', 'unused-image', spanOf(entry.key), `nothing refers to the image '${entry.name}'`)
  }
}

function entriesOf(map: MapNode, name: string) {
  const value = find(map, name)?.value
  return value?.kind === 'map' ? value.entries : []
}

function escapeRegex(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

function tagsLeft({ scenario, facts, say }: Subject): void {
  for (const item of scenario.cases) {
    const open = new Map<string, Span>()
    for (const step of [...item.steps, ...item.after].flatMap(flatten)) {
      followTags(facts(step).requests ?? [], open)
    }
    for (const [tag, span] of open) {
      say('warning', 'never-awaited', span, `the request '${tag}' is never awaited`)
    }
  }
}

function followTags(requests: readonly IoLine[], open: Map<string, Span>): void {
  for (const { statement, span } of requests) {
    if (statement.kind === 'rw' && statement.tag !== undefined) open.set(statement.tag, span)
    if (statement.kind === 'await') for (const tag of statement.tags) open.delete(tag)
  }
}

const LONG_SCENARIO = 12

function phases({ scenario, map, say }: Subject): void {
  for (const item of scenario.cases) {
    const steps = item.steps.flatMap(flatten)
    const titles = new Set<string>()
    for (const step of item.steps) {
      if (step.kind !== 'phase') continue
      if (titles.has(step.title))
        say('warning', 'duplicate-phase', step.span, `two phases are called '${step.title}'`)
      titles.add(step.title)
    }
    if (titles.size === 0 && steps.length > LONG_SCENARIO) {
      say('warning', 'no-phase', titleSpan(map), `${String(steps.length)} steps and no phase`)
    }
  }
}

function stepIds({ scenario, say }: Subject): void {
  for (const item of scenario.cases) {
    const ids = new Map<string, number>()
    for (const step of [...item.steps, ...item.after, ...item.finally]) {
      if (step.id === undefined) continue
      const before = ids.get(step.id)
      if (before !== undefined && before !== step.span.start) {
        say('error', 'duplicate-id', step.span, `two steps have the id '${step.id}'`)
      }
      ids.set(step.id, step.span.start)
    }
  }
}

const LONGEST_TITLE = 90

function titles({ scenario, steps, map, say }: Subject): void {
  const wrong = (title: string) => title.endsWith('.') || title.length > LONGEST_TITLE
  if (wrong(scenario.title))
    say('warning', 'title-style', titleSpan(map), 'a title is a short phrase without a full stop')
  for (const step of steps) {
    if (step.kind === 'phase' && wrong(step.title)) {
      say('warning', 'title-style', step.span, 'a phase is a short phrase without a full stop')
    }
  }
}

function matrixWidth({ scenario, map, say }: Subject): void {
  const entry = find(map, 'matrix')
  const width = scenario.cases[0]?.variables.length ?? 0
  if (entry === undefined || width <= 3) return
  say(
    'warning',
    'wide-matrix',
    spanOf(entry.key),
    `${String(width)} variables make a golden that is hard to read`,
  )
}

function hiddenSteps({ scenario, map, say }: Subject): void {
  const steps = scenario.cases[0]?.steps.flatMap(flatten) ?? []
  const hidden = steps.filter((step) => !step.golden).length
  if (hidden * 5 <= steps.length || hidden < 2) return
  say(
    'warning',
    'hidden-step',
    titleSpan(map),
    `${String(hidden)} of ${String(steps.length)} steps leave no line in the golden`,
  )
}

function anyOutcomes({ steps, facts, say }: Subject): void {
  for (const step of steps) {
    if ('expect' in step && step.expect.kind === 'any') {
      say('warning', 'any-outcome', step.expect.span, 'this claims nothing')
    }
    for (const { outcome } of facts(step).requests ?? []) {
      if (outcome.kind === 'any') say('warning', 'any-outcome', outcome.span, 'this claims nothing')
    }
  }
}

/** A rule matches its first sector: a request that begins behind it is let through. */
function missedFaults({ scenario, facts, say }: Subject): void {
  for (const item of scenario.cases) {
    const rules = new Map<string, readonly FaultRule[]>()
    for (const step of [...item.setup, ...item.steps].flatMap(flatten)) {
      const { node, faults, subject, requests = [] } = facts(step)
      if (node !== undefined) rules.set(node.name, node.faults[0]?.rules ?? [])
      if (faults !== undefined) {
        const before = faults.add ? (rules.get(faults.node) ?? []) : []
        rules.set(faults.node, [...before, ...faults.rules])
      }
      if (subject?.kind !== 'node') continue
      for (const { statement, span } of requests) {
        const request = requestOf(statement)
        const missed = rules.get(subject.name)?.find((rule) => request && isMissed(rule, request))
        if (missed === undefined) continue
        say(
          'warning',
          'fault-missed',
          span,
          `the fault '${missed.text}' does not see this request`,
          'a rule matches requests that touch the first sector of its range',
        )
      }
    }
  }
}

function requestOf(statement: IoStatement): Parameters<typeof isMissed>[1] | undefined {
  if (statement.kind === 'rw') {
    const { offset, bytes } = statement
    const operation = !statement.write ? 'read' : statement.zero ? 'zero' : 'write'
    return { operation, offset, bytes }
  }
  if (statement.kind !== 'zero' && statement.kind !== 'discard') return undefined
  return { operation: statement.kind, offset: statement.offset, bytes: statement.bytes }
}

/** What only the target decides leaves no line in the golden, so it has to judge by itself. */
function silentBranches({ scenario, facts, say }: Subject): void {
  for (const step of scenario.cases.flatMap((item) => [...item.steps, ...item.after])) {
    const conditional = step.when !== undefined || step.kind === 'group'
    if (!conditional) continue
    const parts = step.kind === 'group' ? [...step.then, ...step.otherwise] : [step]
    // Steps that only show something judge nothing without a claim.
    if (parts.flatMap(flatten).some((part) => facts(part).judges !== false)) continue
    say(
      'warning',
      'silent-branch',
      step.span,
      'nothing judges these steps: a branch that the target decides is not in the golden',
      'claim what must come of them',
    )
  }
}
