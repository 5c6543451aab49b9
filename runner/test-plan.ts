/** For tests: plans from scenario text, through the real language, and spans told apart by column. */
import assert from 'node:assert/strict'
import { renderProblem } from '../dsl/index.ts'
import type { EventClaim, GraphLine, Match } from '../dsl/plan-claims.ts'
import type { Scenario, Span, Step } from '../dsl/plan.ts'
import { compileScenario } from './language.ts'
import type { CaseEnd } from './report/event.ts'
import { selectAll } from './selected.ts'
import { runSuite } from './suite.ts'
import { parseTargetSpec } from './targets/spec.ts'

/** The scenario that a text means. */
export function scenarioOf(text: string, file = 'scenarios/test/case.yaml'): Scenario {
  const { scenario, problems } = compileScenario({ path: file, text }, { root: 'scenarios' })
  const errors = problems.filter((problem) => problem.level === 'error')
  assert.deepEqual(errors.map(renderProblem), [])
  assert.ok(scenario !== undefined)
  return scenario
}

/** A scenario around steps, which stand at the left margin. */
export function withSteps(steps: string, top = ''): string {
  const indented = steps.replace(/^/gm, '  ')
  return `scenario: 1\ntitle: a test\n${top}steps:\n${indented}\n`
}

function firstStep(steps: string): Step {
  const step = scenarioOf(withSteps(steps)).cases[0]?.steps[0]
  assert.ok(step !== undefined)
  return step
}

/** The match that stands behind `return:`. */
export function matchOf(claim: string): Match {
  const step = firstStep(`- qmp: {query-block: {}}\n  return: ${claim}`)
  assert.ok(step.kind === 'qmp' && step.returns !== undefined)
  return step.returns.match
}

export function eventsOf(claims: string): readonly EventClaim[] {
  const step = firstStep(`- qmp: {query-block: {}}\n  events: ${claims}`)
  assert.ok(step.events !== undefined)
  return step.events
}

export function graphOf(lines: string): readonly GraphLine[] {
  const step = firstStep(`- graph: |\n${lines.replace(/^/gm, '    ')}`)
  assert.ok(step.kind === 'graph')
  return step.lines
}

/** What stands in a scenario's text at a span. */
export function textAt(span: Span, text: string): string {
  return text.slice(span.start, span.end)
}

/** Plays the cases of a scenario one after the other, goldens left alone. */
export async function playCases(
  scenario: Scenario,
  target = 'engine',
): Promise<readonly CaseEnd[]> {
  const ends: CaseEnd[] = []
  await runSuite({
    cases: selectAll({ scenarios: [scenario], sources: {} }),
    target: parseTargetSpec(target),
    jobs: 1,
    seed: 1,
    timeoutScale: 1,
    golden: { mode: 'off', root: '/nonexistent' },
    keep: 'none',
    onEvent: (event) => {
      if (event.event === 'case-end') ends.push(event)
    },
  })
  return ends
}

/** Plays the one case of a scenario. */
export async function playOne(scenario: Scenario, target?: string): Promise<CaseEnd> {
  const [end] = await playCases(scenario, target)
  assert.ok(end !== undefined)
  return end
}
