/**
 * `github`: workflow commands that mark the scenario's line in a pull request, and a table for the
 * job summary. GitHub shows ten annotations a step, so the rest is only counted.
 */
import type { CaseEnd, Failure, RunEvent } from './event.ts'
import {
  counted,
  firstLine,
  isBroken,
  verdictCounts,
  VERDICT_WORD,
  type Reporter,
} from './reporter.ts'

const MOST_ANNOTATIONS = 10

export function githubReporter(): Reporter {
  let shown = 0
  let dropped = 0
  return {
    on(event) {
      if (event.event === 'run-end') {
        return dropped === 0
          ? ''
          : `::notice title=blockspec::${dropped} more errors are in the log and not marked\n`
      }
      if (event.event !== 'case-end' || !isBroken(event)) return ''
      const marks = event.failures.length === 0 ? [plainMark(event)] : event.failures
      const room = marks.slice(0, MOST_ANNOTATIONS - shown)
      shown += room.length
      dropped += marks.length - room.length
      return room.map((failure) => annotation(event, failure)).join('')
    },
  }
}

function plainMark(end: CaseEnd): Failure {
  return { code: end.verdict, message: end.reason ?? end.verdict, phase: '' }
}

function annotation(end: CaseEnd, failure: Failure): string {
  const { file, line, column } = failure.place ?? { file: end.file, line: 1, column: 1 }
  const title = `${VERDICT_WORD[end.verdict]} ${end.id} on ${end.target}`
  const body = [failure.message, failure.diff, `rerun: ${end.rerun}`].filter(Boolean).join('\n')
  return (
    `::error file=${property(file)},line=${line},col=${column},` +
    `title=${property(title)}::${data(body)}\n`
  )
}

function data(text: string): string {
  return text.replace(/%/g, '%25').replace(/\r/g, '%0D').replace(/\n/g, '%0A')
}

function property(text: string): string {
  return data(text).replace(/:/g, '%3A').replace(/,/g, '%2C')
}

/** The job summary: Markdown, written once to the file that GitHub names. */
export function githubSummaryReporter(): Reporter {
  const broken: CaseEnd[] = []
  let target = ''
  return {
    on(event) {
      if (event.event === 'run-start') target = event.target
      if (event.event === 'case-end' && isBroken(event)) broken.push(event)
      return event.event === 'run-end' ? summary(target, broken, event) : ''
    },
  }
}

function summary(
  target: string,
  broken: readonly CaseEnd[],
  end: Extract<RunEvent, { event: 'run-end' }>,
): string {
  const rows = broken.map((one) => {
    const why = one.failures[0]?.message ?? one.reason ?? ''
    return `| ${VERDICT_WORD[one.verdict]} | \`${cell(one.id)}\` | ${cell(firstLine(why))} |`
  })
  return [
    `### blockspec on ${cell(target)}`,
    '',
    `${counted(end.cases, 'case')} in ${end.seconds.toFixed(1)} s: ${verdictCounts(end.verdicts)}`,
    '',
    ...(rows.length === 0 ? [] : ['| verdict | case | why |', '| --- | --- | --- |', ...rows, '']),
  ].join('\n')
}

function cell(text: string): string {
  return text.replace(/[\\|`<]/g, '\\$&').replace(/\s+/g, ' ')
}
