/**
 * Problems of a file: a stable code, a place, and what helps to mend it. They are collected, never
 * thrown, so that an author sees all of them at once; the frame with the caret is drawn here alone.
 */
import type { Code } from './codes.ts'
import { LIMITS } from './limits.ts'
import type { Span } from './plan.ts'
import type { Source } from './source.ts'

export type Level = 'error' | 'warning'

/** A second place that belongs to a problem: "first defined here". */
export interface Note {
  readonly message: string
  readonly span: Span
}

export interface Problem {
  readonly code: Code
  readonly level: Level
  readonly message: string
  readonly span: Span
  readonly notes: readonly Note[]
  /** One sentence on how to mend it. */
  readonly help?: string
  /** Text of the file that `span` points into, for the frame. */
  readonly text: string
}

export interface ProblemExtras {
  readonly level?: Level
  readonly notes?: readonly Note[]
  readonly help?: string | undefined
}

/** Collects problems; one code at one place is reported once, however many cases meet it. */
export class Report {
  readonly #problems: Problem[] = []
  readonly #seen = new Set<string>()
  #full = false

  add(code: Code, source: Source, span: Span, message: string, extras: ProblemExtras = {}): void {
    const key = `${code} ${span.file} ${String(span.start)}`
    if (this.#seen.has(key) || this.#full) return
    this.#seen.add(key)
    if (this.#problems.length >= LIMITS.problems) {
      this.#full = true
      this.#push('too-many-problems', source, span, 'too many problems, the rest is not shown', {})
      return
    }
    this.#push(code, source, span, message, extras)
  }

  /** Problems in the order of their places, files in the order they were met. */
  list(): readonly Problem[] {
    return this.#problems.toSorted((a, b) =>
      a.span.file === b.span.file ? a.span.start - b.span.start : 0,
    )
  }

  get failed(): boolean {
    return this.#problems.some((problem) => problem.level === 'error')
  }

  #push(code: Code, source: Source, span: Span, message: string, extras: ProblemExtras): void {
    this.#problems.push({
      code,
      level: extras.level ?? 'error',
      message,
      span,
      notes: extras.notes ?? [],
      ...(extras.help === undefined ? {} : { help: extras.help }),
      text: source.text,
    })
  }
}

/** The problem as an author reads it: place, code, message, frame with caret, notes, help. */
export function renderProblem(problem: Problem): string {
  const { span, level, code, message } = problem
  const lines = [
    `${place(span)}: ${level}[${code}]: ${message}`,
    ...excerpt(problem.text, span),
    ...problem.notes.map((note) => `   note: ${place(note.span)}: ${note.message}`),
  ]
  if (problem.help !== undefined) lines.push(`   help: ${problem.help}`)
  return lines.join('\n')
}

/** `file:line:column` of where the span starts. */
export function place(span: Span): string {
  return `${span.file}:${String(span.line)}:${String(span.column)}`
}

const SHOWN_WIDTH = 160

/**
 * The line of `text` that `span` starts on, up to two lines before it, and a row of carets. Long
 * lines are cut around the place; control characters are shown as `?`.
 */
export function excerpt(text: string, span: Span): string[] {
  const all = lineAround(text, span.line)
  const width = String(span.line).length
  const cut = Math.max(0, span.column - 1 - SHOWN_WIDTH / 2)
  const shown = all.map(({ number, content }) => {
    const visible = printable(content.slice(cut, cut + SHOWN_WIDTH))
    return `${String(number).padStart(width + 2)} | ${visible}`.trimEnd()
  })
  const lineLength = all.at(-1)?.content.length ?? 0
  const endColumn = span.endLine === span.line ? span.endColumn : lineLength + 1
  const carets = Math.max(1, Math.min(endColumn - span.column, SHOWN_WIDTH))
  const margin = `${' '.repeat(width + 2)} | `
  return [...shown, `${margin}${' '.repeat(span.column - 1 - cut)}${'^'.repeat(carets)}`]
}

function lineAround(text: string, line: number): { number: number; content: string }[] {
  const found: { number: number; content: string }[] = []
  let start = 0
  for (let number = 1; number <= line; number++) {
    const end = text.indexOf('\n', start)
    const stop = end === -1 ? text.length : end
    if (number >= line - 2) found.push({ number, content: text.slice(start, stop) })
    start = stop + 1
  }
  return found
}

function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, '?')
}
