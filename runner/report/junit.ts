/**
 * `junit=PATH`: a scenario is a suite, a case a test case; phases go to `system-out`, clauses and
 * the target to properties. Written whole at the end, as the counts stand in front.
 */
import type { CaseEnd, Verdict } from './event.ts'
import type { Reporter } from './reporter.ts'

type Outcome = 'failure' | 'error' | 'skipped' | 'passed'

const OUTCOME: Readonly<Record<Verdict, Outcome>> = {
  pass: 'passed',
  fail: 'failure',
  error: 'error',
  timeout: 'error',
  crash: 'error',
  diverged: 'passed',
  healed: 'failure',
  'diverged-differently': 'failure',
  'n/a': 'skipped',
  pending: 'skipped',
  flaky: 'passed',
}

export function junitReporter(): Reporter {
  const suites = new Map<string, CaseEnd[]>()
  let target = ''
  return {
    on(event) {
      if (event.event === 'run-start') target = event.target
      if (event.event === 'case-end') {
        const cases = suites.get(event.scenario) ?? []
        cases.push(event)
        suites.set(event.scenario, cases)
      }
      return event.event === 'run-end' ? document(suites, target, event.seconds) : ''
    },
  }
}

function document(
  suites: ReadonlyMap<string, readonly CaseEnd[]>,
  target: string,
  seconds: number,
): string {
  const all = [...suites.values()].flat()
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="blockspec" ${counts(all)} time="${seconds.toFixed(3)}">`,
    ...[...suites].flatMap(([scenario, cases]) => suite(scenario, cases, target)),
    '</testsuites>',
    '',
  ].join('\n')
}

function counts(cases: readonly CaseEnd[]): string {
  const count = (outcome: Outcome): number =>
    cases.filter(({ verdict }) => OUTCOME[verdict] === outcome).length
  const { length } = cases
  return (
    `tests="${length}" failures="${count('failure')}" ` +
    `errors="${count('error')}" skipped="${count('skipped')}"`
  )
}

function suite(scenario: string, cases: readonly CaseEnd[], target: string): readonly string[] {
  const time = (cases.reduce((sum, { milliseconds }) => sum + milliseconds, 0) / 1000).toFixed(3)
  return [
    `  <testsuite name="${xml(scenario)}" ${counts(cases)} time="${time}">`,
    `    <properties><property name="target" value="${xml(target)}"/></properties>`,
    ...cases.flatMap(testCase),
    '  </testsuite>',
  ]
}

function testCase(end: CaseEnd): readonly string[] {
  const time = (end.milliseconds / 1000).toFixed(3)
  const properties = [
    ...end.clauses.map((clause) => ['clause', clause] as const),
    ['target', end.target] as const,
    ['profile', end.profile] as const,
    ['verdict', end.verdict] as const,
  ].map(([name, value]) => `<property name="${name}" value="${xml(value)}"/>`)
  const output = end.phases.map(({ text }) => text).join('\n\n')
  return [
    `    <testcase name="${xml(end.id)}" classname="${xml(end.scenario)}"` +
      ` file="${xml(end.file)}" time="${time}">`,
    `      <properties>${properties.join('')}</properties>`,
    ...outcomeElement(end),
    ...(output === '' ? [] : [`      <system-out>${xml(output)}</system-out>`]),
    '    </testcase>',
  ]
}

/** The schema allows one such element a case, so further failures follow inside the first. */
function outcomeElement(end: CaseEnd): readonly string[] {
  const outcome = OUTCOME[end.verdict]
  if (end.verdict === 'flaky') {
    const why = end.failures[0]?.message ?? ''
    return [`      <flakyFailure message="${xml(why)}">${xml(end.reason ?? '')}</flakyFailure>`]
  }
  if (outcome === 'passed') return []
  const first = end.failures[0]
  const message = first?.message ?? end.reason ?? end.verdict
  if (outcome === 'skipped') return [`      <skipped message="${xml(end.reason ?? message)}"/>`]
  const text = end.failures
    .map(({ message, excerpt, diff }) => [message, excerpt, diff].filter(Boolean).join('\n'))
    .join('\n\n')
  const type = xml(first?.code ?? end.verdict)
  const body = `${text}\nrerun: ${end.rerun}`
  return [`      <${outcome} type="${type}" message="${xml(message)}">${xml(body)}</${outcome}>`]
}

/** Text safe in elements and attributes: characters that XML 1.0 forbids become U+FFFD. */
export function xml(text: string): string {
  return (
    text
      .replace(/\p{Cs}/gu, '\ufffd')
      // eslint-disable-next-line no-control-regex -- XML forbids them, so they must be named
      .replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, '\ufffd')
      .replace(/&/g, '&amp;')
      .replace(/</g, '&lt;')
      .replace(/>/g, '&gt;')
      .replace(/"/g, '&quot;')
      .replace(/\r/g, '&#13;')
  )
}
