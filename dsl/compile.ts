/** Compiles scenario files: text in, suite and problems out. */
import { bindParams, reportUnknownParams } from './params.ts'
import { Context, type ClaimFact, type FragmentFile, type Session } from './context.ts'
import { checkKeys, missingKey, wrongType } from './check.ts'
import { makeClauseRefs } from './clauses.ts'
import { parseDocument } from './document.ts'
import { checkVersion, readHeader, SCENARIO_KEYS } from './header.ts'
import { readTarget } from './options.ts'
import { makeMatrix, reportUnusedAxes, type Matrix } from './matrix.ts'
import type { Parsed } from './mini.ts'
import { Names } from './names.ts'
import { NeedSet } from './needs.ts'
import type { Case, Scenario, Suite } from './plan.ts'
import { applyPreset, readNeeds } from './preset.ts'
import { Report, type Problem } from './problem.ts'
import { Scope, type Binding } from './scope.ts'
import { makeSetup } from './setup.ts'
import { Source } from './source.ts'
import { boundOf } from './binding.ts'
import { compileSteps } from './steps.ts'
import type { StepKinds } from './steps/kind.ts'
import { StepTable } from './steps/table.ts'
import { settleSchedules } from './together.ts'
import { find, type MapNode, type Node } from './tree.ts'
import { nearest } from './suggest.ts'

export interface SourceFile {
  /** As shown in messages. */
  readonly path: string
  readonly text: string
}

/** Clause ids that exist; a `Map` or `Set` by id will do. */
export interface ClauseTable {
  has(id: string): boolean
  keys(): Iterable<string>
}

export interface CompileOptions {
  /** Every kind of step that can be written. */
  readonly kinds: StepKinds
  /** Folder of the suite as it stands in the paths of the files, such as `scenarios`. */
  readonly root: string
  /** Text of a fragment or of `blockspec.config.yaml`, by path below the root. */
  readonly readFragment?: (path: string) => string | undefined
  /** Absent: clause ids are not checked. */
  readonly clauses?: ClauseTable
  /** `--set name=value`, by name. */
  readonly params?: Readonly<Record<string, string>>
}

/** A compiled file; `claims` and `map` are for lint. */
export interface Compiled {
  readonly scenario: Scenario | undefined
  readonly problems: readonly Problem[]
  readonly claims: readonly ClaimFact[]
  readonly map: MapNode | undefined
  readonly source: Source
  readonly params: readonly string[]
}

export function compileSuite(
  files: readonly SourceFile[],
  options: CompileOptions,
): { readonly suite: Suite; readonly problems: readonly Problem[] } {
  const compiler = new Compiler(options)
  const compiled = files.map((file) => compiler.compile(file))
  const scenarios = compiled.flatMap(({ scenario }) => scenario ?? [])
  const problems = compiled.flatMap((item) => item.problems)
  const unknown = reportUnknownParams(options.params ?? {}, compiled)
  return {
    suite: { scenarios, sources: compiler.sources(files) },
    problems: [...problems, ...unknown],
  }
}

export function compileScenario(
  file: SourceFile,
  options: CompileOptions,
): { readonly scenario: Scenario | undefined; readonly problems: readonly Problem[] } {
  const { scenario, problems } = new Compiler(options).compile(file)
  return { scenario, problems }
}

/** Compiles files one by one; fragments and parsed lines are shared. */
export class Compiler {
  readonly kinds: StepTable
  readonly #options: CompileOptions
  readonly #cache = new Map<string, Parsed>()
  readonly #fragments = new Map<string, FragmentFile | undefined>()

  constructor(options: CompileOptions) {
    this.#options = options
    this.kinds = new StepTable(options.kinds)
  }

  compile(file: SourceFile): Compiled {
    const source = new Source(file.path, file.text)
    const report = new Report()
    const root = parseDocument(source, report)
    const claims = new Map<string, ClaimFact>()
    const params: string[] = []
    let scenario: Scenario | undefined
    if (root === undefined && !report.failed) {
      report.add('empty-file', source, source.span(0, 0), 'the file is empty')
    } else if (root !== undefined) {
      scenario = this.#scenario(source, root, report, claims, params)
    }
    const map = root?.kind === 'map' ? root : undefined
    const done = report.failed ? undefined : scenario
    return {
      scenario: done,
      problems: report.list(),
      claims: [...claims.values()],
      map,
      source,
      params,
    }
  }

  /** Text of every file that a span can name. */
  sources(files: readonly SourceFile[]): Readonly<Record<string, string>> {
    const texts = files.map(({ path, text }) => [path, text] as const)
    const fragments = [...this.#fragments.values()].flatMap((file) =>
      file === undefined ? [] : [[file.source.file, file.source.text] as const],
    )
    return Object.fromEntries([...texts, ...fragments])
  }

  #scenario(
    source: Source,
    root: Node,
    report: Report,
    claims: Map<string, ClaimFact>,
    paramNames: string[],
  ): Scenario | undefined {
    const id = idOf(source.file, this.#options.root)
    const session: Session = {
      report,
      cache: this.#cache,
      clauses: this.#options.clauses,
      kinds: this.kinds,
      fragment: (path) => this.#fragment(path, report),
      time: 'virtual',
      spent: { steps: 0, ioLines: 0 },
      claims,
      compileSteps,
    }
    const start = topContext(session)
    if (root.kind !== 'map') {
      wrongType(start, root, 'a scenario', 'a map')
      return undefined
    }
    if (!checkVersion(start, root)) return undefined
    const { map, needs } = applyPreset(start, root, id)
    checkKeys(start, map, SCENARIO_KEYS, 'a scenario')
    const header = readHeader(start, map)
    const context = topContext({ ...session, time: header.time })
    const params = bindParams(context, find(map, 'params')?.value, this.#options.params ?? {})
    paramNames.push(...params.map(({ name }) => name))
    const outer = context.with({ scope: new Scope(params) })
    const matrix = makeMatrix(outer, find(map, 'matrix')?.value)
    const spec = makeClauseRefs(context, map, 'spec')
    const refuses = makeClauseRefs(context, map, 'refuses')
    checkSteps(context, map)
    const cases = matrix.cases.map((bindings) => makeCase(outer, map, needs, id, bindings))
    if (cases.length > 0) reportUnusedAxes(context, matrix)
    checkCaseIds(context, map, matrix, cases)
    return { id, file: source.file, text: source.text, ...header, spec, refuses, cases }
  }

  /** A fragment is read and parsed once; its own mistakes are told to the first who uses it. */
  #fragment(path: string, report: Report): FragmentFile | undefined {
    if (this.#fragments.has(path)) return this.#fragments.get(path)
    const text = this.#options.readFragment?.(path)
    const file = this.#options.root === '' ? path : `${this.#options.root}/${path}`
    const source = text === undefined ? undefined : new Source(file, text)
    const made = source === undefined ? undefined : { source, root: parseDocument(source, report) }
    this.#fragments.set(path, made)
    return made
  }
}

function topContext(session: Session): Context {
  return new Context({
    session,
    scope: new Scope([]),
    names: new Names(),
    needs: new NeedSet(),
    place: 'setup',
    dry: false,
    unsure: false,
    using: [],
  })
}

/** The path below the suite's root, without suffix. */
export function idOf(path: string, root: string): string {
  const prefix = root === '' || root.endsWith('/') ? root : `${root}/`
  const below = path.startsWith(prefix) ? path.slice(prefix.length) : path
  return below.replace(/^(?:\.\/)+/, '').replace(/\.ya?ml$/, '')
}

function checkSteps(context: Context, map: MapNode): void {
  if (find(map, 'steps') !== undefined) return
  missingKey(context, map, {
    key: 'steps',
    table: SCENARIO_KEYS,
    message: "a scenario needs 'steps'",
    at: find(map, 'scenario')?.key,
  })
}

function makeCase(
  outer: Context,
  map: MapNode,
  presetNeeds: Node | undefined,
  id: string,
  bindings: readonly Binding[],
): Case {
  const needs = new NeedSet()
  const scope = new Scope(bindings, outer.scope)
  const context = outer.with({ scope, names: namesFor(map), needs })
  readNeeds(context, find(map, 'needs')?.value)
  readNeeds(context, presetNeeds)
  const target = readTarget(context, find(map, 'target')?.value)
  const setup = makeSetup(context, map)
  context.names.setUp()
  const section = (name: 'steps' | 'after' | 'finally') => {
    const value = find(map, name)?.value
    return value === undefined
      ? []
      : compileSteps(context.with({ place: name }), value, `'${name}'`)
  }
  const steps = settleSchedules(context, map, setup, section('steps'))
  const after = section('after')
  const variables = bindings.map(boundOf)
  const label = variables.map(({ name, text }) => `${name}=${text}`).join(',')
  return {
    id: label === '' ? id : `${id}[${label}]`,
    variables,
    needs: needs.list(),
    target,
    setup,
    steps,
    after,
    finally: section('finally'),
  }
}

/** What the keys of a scenario make names of. */
const MAKES = { images: 'image', nodes: 'node', objects: 'object', exports: 'export' } as const

/** No names yet; but where such a key is misspelt, its names are not unknown as well. */
function namesFor(map: MapNode): Names {
  const names = new Names()
  for (const { name } of map.entries) {
    const meant = Object.hasOwn(SCENARIO_KEYS, name) ? undefined : nearest(name, Object.keys(MAKES))
    if (meant !== undefined) names.open(MAKES[meant as keyof typeof MAKES])
  }
  return names
}

/** Two cases that are spelled alike could not be told apart. */
function checkCaseIds(
  context: Context,
  map: MapNode,
  matrix: Matrix,
  cases: readonly Case[],
): void {
  const ids = new Set(cases.map((item) => item.id))
  const node = find(map, 'matrix')
  if (ids.size === cases.length || node === undefined || matrix.axes.length === 0) return
  context.problem(node.key, 'duplicate-case', 'two cases of the matrix have the same name')
}
