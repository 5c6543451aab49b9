/** `blockspec conform`: one matrix of clauses and targets. */
import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Profile } from '../../dsl/plan.ts'
import { readColumns, type WantedTarget } from '../conform/columns.ts'
import type { Column, Matrix } from '../conform/judge.ts'
import type { Selected } from '../selected.ts'
import type { TargetSpec } from '../targets/target.ts'
import { choice, many, one, text, type FlagTable, type Values } from './flags.ts'
import { globTest } from './glob.ts'
import { parseJobs, PROFILES, SELECTION_FLAGS } from './selection-flags.ts'
import { selectCases, type Loaded } from './selection.ts'
import { parseTarget, TARGET_FLAGS } from './target-flag.ts'
import { CommandError, defineVerb, EXIT, type Shell } from './verb.ts'

const document = (name: string, path: string, more = '') =>
  one({
    value: 'PATH',
    example: path,
    doc: `Write the matrix as ${name} there; - means the standard output.${more}`,
    parse: text,
  })

const FLAGS = {
  target: many({
    value: 'TARGET[@PROFILE]',
    example: 'qsd:10.0@note',
    doc: 'A target as run takes it, and the profile to hold it against; without one, both qemu and note.',
    parse: text,
  }),
  text: document(
    'text',
    'golden/conformance.txt',
    ' Default: - if no other document is asked for.',
  ),
  json: document('JSON', 'conformance.json'),
  html: document('one HTML page', 'conformance.html'),
  level: one({
    value: 'contract|transcript',
    example: 'contract',
    doc: 'contract: inline claims alone. transcript (default): goldens too, where the target has the profile.',
    parse: choice('contract', 'transcript'),
  }),
  clause: many({
    short: 'c',
    value: 'GLOB',
    example: "'REO-*'",
    doc: 'Only these clauses, and the scenarios about them.',
    parse: text,
  }),
  tag: SELECTION_FLAGS.tag,
  'i-own-it': TARGET_FLAGS['i-own-it'],
  'timeout-scale': TARGET_FLAGS['timeout-scale'],
  jobs: one({
    short: 'j',
    value: 'N|N%|auto',
    example: '2',
    doc: 'Cases played at once on a target. Default: auto, one for each processor.',
    parse: parseJobs,
  }),
} satisfies FlagTable

type Flags = Values<typeof FLAGS>

export const conform = defineVerb({
  name: 'conform',
  usage: '[PATHS|IDS…]',
  doc:
    'Plays the scenarios on several targets and writes which clause each of them honours: a matrix with a column for each target and profile. ' +
    'A real QEMU has no profiles and plays as it is, so its note columns show how far it is from what the design note asks for. Targets that die or hang do not stop the run. ' +
    'Exit status 0 if the columns of profiles that a target has are as known, whatever the others show; 1 if one has a difference that no golden and no divergence entry knows; 3 if a case could not be played at all.',
  examples: [
    'blockspec conform --target engine --target qsd:7.2 --target qsd:10.0',
    'blockspec conform --target engine@qemu --target qsd:/usr/bin/qemu-storage-daemon@note --html conformance.html',
    "blockspec conform --target system:11.1 --clause 'KILL-*' --json -",
  ],
  flags: FLAGS,
  notBuilt: ['min-na'],
  async run({ flags, words, shell }) {
    const wanted = await readTargets(flags, shell)
    const outputs = readOutputs(flags)
    const loaded = await selectCases(words, selection(flags), shell)
    const { clauses } = loaded
    if (clauses === undefined) throw new CommandError(`${loaded.root.clauses} does not exist`)
    const profiles = new Set(wanted.flatMap((one) => one.profiles))
    if (!loaded.cases.some(({ profile }) => profiles.has(profile))) {
      throw new CommandError('no case is selected', EXIT.empty)
    }
    const columns = await play(wanted, loaded, flags, shell)
    const { buildMatrix } = await import('../conform/judge.ts')
    const tests = flags.clause.map(globTest)
    const rows = [...clauses.values()].filter(
      ({ id }) => tests.length === 0 || tests.some((test) => test(id)),
    )
    const matrix = buildMatrix(rows, loaded.suite.scenarios, columns)
    if (!shell.signal.aborted) await write(matrix, outputs, shell)
    return statusOf(columns, shell)
  },
})

interface Wanted extends WantedTarget {
  readonly spec: TargetSpec
}

async function readTargets(flags: Flags, shell: Shell): Promise<readonly Wanted[]> {
  if (flags.target.length === 0) {
    throw new CommandError(
      'conform needs --target TARGET, once for each, such as: blockspec conform --target engine --target qsd:7.2',
    )
  }
  const wanted: Wanted[] = []
  for (const one of readColumns(flags.target)) {
    const spec = await parseTarget(one.target, shell)
    if (spec.kind === 'qmp' && !flags['i-own-it']) {
      throw new CommandError(
        `target '${spec.text}' runs already and will be changed: add --i-own-it if it may be`,
      )
    }
    wanted.push({ ...one, spec })
  }
  return wanted
}

/** What `selectCases` filters by; profiles are the columns' own affair. */
function selection({ clause, tag }: Flags) {
  return { clause, tag, profile: [], grep: [], case: [], list: [], rerun: undefined, set: [] }
}

type Format = 'text' | 'json' | 'html'
type Outputs = readonly { readonly format: Format; readonly path: string }[]

function readOutputs(flags: Flags): Outputs {
  const formats = ['text', 'json', 'html'] as const
  const asked = formats.flatMap((format) => {
    const path = flags[format]
    return path === undefined ? [] : [{ format, path }]
  })
  const printed = asked.filter(({ path }) => path === '-').map(({ format }) => `--${format}`)
  if (printed.length > 1) {
    throw new CommandError(`${printed.join(' and ')} cannot both go to standard output`)
  }
  return asked.length === 0 ? [{ format: 'text', path: '-' }] : asked
}

async function play(
  wanted: readonly Wanted[],
  { cases, root, suite }: Loaded & { readonly cases: readonly Selected[] },
  flags: Flags,
  shell: Shell,
): Promise<readonly Column[]> {
  const { collect } = await import('../conform/collect.ts')
  const columns: Column[] = []
  for (const { spec, profiles } of wanted) {
    if (shell.signal.aborted) break
    columns.push(
      ...(await collect({
        cases,
        spec,
        profiles,
        run: {
          sources: suite.sources,
          jobs: flags.jobs ?? parseJobs('auto'),
          seed: 1,
          timeoutScale: flags['timeout-scale'] ?? 1,
          golden: { mode: flags.level === 'contract' ? 'off' : 'check', root: root.golden },
          keep: 'none',
          owned: flags['i-own-it'],
          signal: shell.signal,
        },
        onStart: (label, count) => shell.stderr.write(`playing ${count} cases on ${label}\n`),
      })),
    )
  }
  const rank = ({ profile }: { readonly profile: Profile }): number => PROFILES.indexOf(profile)
  return columns.toSorted((a, b) => rank(a) - rank(b))
}

async function write(matrix: Matrix, outputs: Outputs, shell: Shell): Promise<void> {
  for (const { format, path } of outputs) {
    const body = await render(matrix, format)
    if (path === '-') shell.stdout.write(body)
    else writeFile(resolve(shell.cwd, path), body, path)
  }
}

async function render(matrix: Matrix, format: Format): Promise<string> {
  switch (format) {
    case 'text':
      return (await import('../conform/text.ts')).renderText(matrix)
    case 'json':
      return (await import('../conform/json.ts')).renderJson(matrix)
    case 'html':
      return (await import('../conform/html.ts')).renderHtml(matrix)
  }
}

function writeFile(path: string, body: string, shown: string): void {
  try {
    writeFileSync(path, body)
  } catch (error) {
    throw new CommandError(`cannot write ${shown}: ${(error as Error).message}`, EXIT.environment)
  }
}

/** Columns of a foreign profile are there to differ; the others must be as known. */
function statusOf(columns: readonly Column[], shell: Shell): number {
  if (shell.signal.aborted) {
    return shell.signal.reason === 'SIGTERM' ? EXIT.terminated : EXIT.interrupted
  }
  const own = columns.filter(({ foreign }) => !foreign)
  const unexpected = own.flatMap(({ name, outcomes }) =>
    [...outcomes.values()]
      .filter((outcome) => outcome.unexpected && outcome.contract !== 'error')
      .map(({ id }) => `${name}: ${id} is not as known`),
  )
  const lost = columns.flatMap(({ name, outcomes }) =>
    [...outcomes.values()]
      .filter(({ contract }) => contract === 'error')
      .map(
        ({ id, failures }) => `${name}: ${id} could not be played: ${failures[0]?.message ?? ''}`,
      ),
  )
  for (const line of [...unexpected, ...lost]) shell.stderr.write(`blockspec: ${line}\n`)
  if (unexpected.length > 0) return EXIT.failed
  return lost.length > 0 ? EXIT.environment : EXIT.ok
}
