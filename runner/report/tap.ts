/**
 * `tap`: TAP version 14. Each case is a test point with its phases as a subtest; failures carry a
 * YAML diagnostic. The plan stands at the end, so a run that was cut short is still a valid stream.
 */
import type { CaseEnd, Failure } from './event.ts'
import { isBroken, type Reporter } from './reporter.ts'

export function tapReporter(): Reporter {
  let count = 0
  return {
    on(event) {
      if (event.event === 'run-start') return 'TAP version 14\n'
      if (event.event === 'case-end') {
        count += 1
        return testPoint(count, event)
      }
      return event.event === 'run-end' ? `1..${count}\n` : ''
    },
  }
}

function testPoint(number: number, end: CaseEnd): string {
  const outcome = isBroken(end) ? 'not ok' : 'ok'
  return [
    ...subtest(end),
    `${outcome} ${number} - ${escape(end.id)}${directive(end)}`,
    ...(isBroken(end) ? diagnostic(end) : []),
    '',
  ].join('\n')
}

function directive(end: CaseEnd): string {
  if (end.verdict === 'n/a') return ` # SKIP ${escape(end.reason ?? 'not applicable')}`
  if (end.verdict === 'pending') return ' # SKIP no golden yet'
  return ''
}

function subtest(end: CaseEnd): readonly string[] {
  if (end.phases.length === 0) return []
  const wrong = new Set(isBroken(end) ? end.failures.map(({ phase }) => phase) : [])
  const points = end.phases.map(({ title }, index) => {
    const outcome = wrong.has(title) ? 'not ok' : 'ok'
    return `    ${outcome} ${index + 1} - ${escape(title)}`
  })
  return [`# Subtest: ${escape(end.id)}`, ...points, `    1..${end.phases.length}`]
}

function diagnostic(end: CaseEnd): readonly string[] {
  return [
    '  ---',
    `  verdict: ${quote(end.verdict)}`,
    `  target: ${quote(end.target)}`,
    ...(end.reason === undefined ? [] : [`  reason: ${quote(end.reason)}`]),
    ...(end.failures.length === 0 ? [] : ['  failures:']),
    ...end.failures.flatMap(failureItem),
    `  rerun: ${quote(end.rerun)}`,
    '  ...',
  ]
}

function failureItem(failure: Failure): readonly string[] {
  const { place } = failure
  return [
    `    - code: ${quote(failure.code)}`,
    `      message: ${quote(failure.message)}`,
    `      phase: ${quote(failure.phase)}`,
    ...(place === undefined
      ? []
      : [`      at: {file: ${quote(place.file)}, line: ${place.line}, column: ${place.column}}`]),
    ...(failure.excerpt === undefined ? [] : [`      excerpt: ${quote(failure.excerpt)}`]),
    ...(failure.diff === undefined ? [] : [`      diff: ${quote(failure.diff)}`]),
  ]
}

/** A JSON string is a YAML double-quoted scalar on one line, whatever it holds. */
function quote(text: string): string {
  return JSON.stringify(text)
}

/** A description is one line in which `#` would start a directive. */
function escape(text: string): string {
  return text.replace(/[\\#]/g, '\\$&').replace(/\s+/g, ' ').trim()
}
