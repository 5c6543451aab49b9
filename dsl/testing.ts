/** Helpers for tests of the language: small scenarios, and places marked in their text. */
import assert from 'node:assert/strict'
import { STEPS } from '../runner/steps/index.ts'
import { compileSuite, type CompileOptions } from './compile.ts'
import type { Code } from './codes.ts'
import { lint } from './lint.ts'
import type { Case, Step, StepKind, Template } from './plan.ts'
import { place, renderProblem, type Problem } from './problem.ts'

/** Marks the expected place in a text; taken out before it is compiled. */
export const MARK = '‸'

const FILE = 'suite/area/case.yaml'

/** What a scenario begins with. */
export const HEADER = 'scenario: 1\ntitle: t\n'

/** A scenario with an image and a node `n` on it, and these lines after its header. */
export function scenario(lines: string): string {
  return `scenario: 1\ntitle: a test\nimages: {a: raw 1M, b: raw 1M}\nnodes:\n  n: {driver: file, img: a}\n${lines}\n`
}

/** The same with one step, written as it stands after the dash. */
export function withStep(step: string): string {
  return scenario(`steps:\n  - ${step.replaceAll('\n', '\n    ')}`)
}

/** One I/O step on `n` with this script. */
export function withIo(script: string): string {
  return withStep(`io: n\ndo: |\n  ${script.replaceAll('\n', '\n  ')}`)
}

export interface TestOptions extends Partial<CompileOptions> {
  /** Fragments and configuration by path below the root. */
  readonly files?: Readonly<Record<string, string>>
  readonly lint?: boolean
}

export function problemsOf(text: string, options: TestOptions = {}): readonly Problem[] {
  const { files = {}, lint: linting = false, ...rest } = options
  const all: CompileOptions = {
    kinds: STEPS,
    root: 'suite',
    readFragment: (path) => files[path],
    ...rest,
  }
  const file = { path: FILE, text }
  return linting ? lint([file], all) : compileSuite([file], all).problems
}

/** Asserts that a problem with this code is reported exactly at the mark, in whichever file it is. */
export function assertProblem(code: Code, marked: string, options: TestOptions = {}): void {
  const sources = { [FILE]: marked, ...prefixed(options.files ?? {}) }
  const wanted = Object.entries(sources).flatMap(([file, text]) =>
    text.includes(MARK) ? [`${placeOfMark(file, text)} ${code}`] : [],
  )
  assert.equal(wanted.length, 1, 'a test marks one place')
  const files = Object.fromEntries(
    Object.entries(options.files ?? {}).map(([path, text]) => [path, text.replace(MARK, '')]),
  )
  const problems = problemsOf(marked.replace(MARK, ''), { ...options, files })
  const found = problems.map((problem) => `${place(problem.span)} ${problem.code}`)
  const shown = problems.map(renderProblem).join('\n')
  assert.ok(
    found.includes(wanted[0] ?? ''),
    `expected ${wanted[0] ?? ''}, got:\n${shown || 'no problem'}`,
  )
}

function prefixed(files: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(files).map(([path, text]) => [`suite/${path}`, text]))
}

function placeOfMark(file: string, text: string): string {
  const before = text.slice(0, text.indexOf(MARK)).split('\n')
  return `${file}:${String(before.length)}:${String((before.at(-1)?.length ?? 0) + 1)}`
}

/** The cases of a text without mistakes. */
export function casesOf(text: string, options: TestOptions = {}): readonly Case[] {
  const { files = {}, ...rest } = options
  const { suite, problems } = compileSuite([{ path: FILE, text }], {
    kinds: STEPS,
    root: 'suite',
    readFragment: (path) => files[path],
    ...rest,
  })
  assert.deepEqual(problems.filter(({ level }) => level === 'error').map(renderProblem), [])
  return suite.scenarios[0]?.cases ?? []
}

/** The steps of the only case. */
export function stepsOf(text: string, options: TestOptions = {}): readonly Step[] {
  return casesOf(text, options)[0]?.steps ?? []
}

/** The first step, which is of this kind. */
export function firstStep<K extends StepKind>(
  kind: K,
  text: string,
  options: TestOptions = {},
): Step & { readonly kind: K } {
  const step = stepsOf(text, options)[0]
  assert.equal(step?.kind, kind)
  return step as Step & { readonly kind: K }
}

/** A template as the plain value it becomes, variables as `$path`. */
export function plain(template: Template | undefined): unknown {
  switch (template?.kind) {
    case undefined:
      return undefined
    case 'scalar':
      return template.value
    case 'variable':
      return `$${template.path}`
    case 'text':
      return template.parts
        .map((part) => (typeof part === 'string' ? part : `$${part.path}`))
        .join('')
    case 'list':
      return template.items.map(plain)
    case 'map':
      return Object.fromEntries(template.entries.map(({ key, value }) => [key, plain(value)]))
  }
}
