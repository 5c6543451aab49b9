/** A failed case as people read it: what, where, the frame or diff, and how to run it again. */
import { showDiff } from './diff-text.ts'
import type { CaseEnd, Failure } from './event.ts'
import { printable, type Paint } from './paint.ts'
import { VERDICT_WORD } from './reporter.ts'

/** Transcript lines shown of the phase that failed. */
const PHASE_LINES = 30

/** The lines about one broken case. `all`: whole diffs and every phase. */
export function failureText(end: CaseEnd, paint: Paint, all: boolean): string {
  const [first] = end.failures
  const phase = first === undefined || first.phase === '' ? '' : `  (phase: ${first.phase})`
  const word = paint('red', paint('bold', VERDICT_WORD[end.verdict]))
  const head = `${word} ${paint('bold', printable(end.id))}  on ${printable(end.target)}`
  const body = [
    ...(end.reason === undefined ? [] : [printable(end.reason)]),
    ...end.failures.flatMap((failure) => failureLines(failure, paint, all)),
    ...transcript(end, all),
    ...(end.kept === undefined ? [] : [`files: ${printable(end.kept)}`]),
    `rerun: ${printable(end.rerun)}`,
  ]
  return [
    head + printable(phase),
    ...body.map((line) => (line === '' ? '' : `  ${line}`)),
    '',
  ].join('\n')
}

function failureLines(failure: Failure, paint: Paint, all: boolean): readonly string[] {
  const { place, excerpt, diff } = failure
  const at = place === undefined ? '' : `${place.file}:${place.line}:${place.column}: `
  const framed = excerpt !== undefined && at !== '' && excerpt.startsWith(at)
  return [
    ...(framed ? [] : printable(`${at}${failure.message} [${failure.code}]`).split('\n')),
    ...(excerpt === undefined ? [] : printable(excerpt).replace(/\n+$/, '').split('\n')),
    ...(diff === undefined ? [] : showDiff(printable(diff), paint, all)),
  ]
}

/** What happened in the phase that failed, unless a diff already shows it. */
function transcript(end: CaseEnd, all: boolean): readonly string[] {
  const wrong = new Set(end.failures.map(({ phase }) => phase))
  const told = !all && end.failures.some(({ diff }) => diff !== undefined)
  const phases = told ? [] : end.phases.filter(({ title }) => all || wrong.has(title))
  return phases.flatMap(({ text }) => {
    const lines = printable(text).replace(/\n+$/, '').split('\n')
    const shown = all ? lines : lines.slice(-PHASE_LINES)
    const cut = lines.length - shown.length
    return [...(cut === 0 ? [] : [`… ${cut} lines`]), ...shown]
  })
}
