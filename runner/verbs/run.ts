/** `blockspec run`: plays the selected cases on a target and compares with the goldens. */
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { performance } from 'node:perf_hooks'
import type { RunEvent } from '../report/event.ts'
import { openOutputs, type Outputs } from '../report/outputs.ts'
import { wantsColour } from '../report/paint.ts'
import type { Selected } from '../selected.ts'
import { compileForCases } from '../compiling.ts'
import type { GoldenMode, RunOptions } from '../suite.ts'
import type { TargetSpec } from '../targets/target.ts'
import { exitStatus } from './exit-status.ts'
import { LastRun } from './last-run.ts'
import type { RoundsResult } from './rounds.ts'
import { RUN_FLAGS, type RunFlags, type RunOrder } from './run-flags.ts'
import { parseJobs } from './selection-flags.ts'
import { selectCases } from './selection.ts'
import type { SuiteRoot } from './suite-files.ts'
import { parseTarget } from './target-flag.ts'
import { CommandError, defineVerb, EXIT, type Shell } from './verb.ts'
import { VERSION } from './version.ts'

const DEFAULT_SEED = 1

export const run = defineVerb({
  name: 'run',
  usage: '[PATHS|IDS…]',
  doc: 'Plays scenarios on a target and compares what happened with their goldens. Words are paths, ids, folders of ids, globs, or ids with [case]. Filters apply in this order: words, profile, tags, clauses, grep, case values, lists, rerun.',
  examples: [
    'blockspec run',
    'blockspec run quorum -j 4',
    "blockspec run 'throttle/*' --target qsd:/usr/bin/qemu-storage-daemon",
    'blockspec run -r tty,json=out.ndjson,junit=out.xml',
    'blockspec run --rerun out.ndjson',
  ],
  flags: RUN_FLAGS,
  notBuilt: [
    'since',
    'shard-of',
    'shard',
    'jitter',
    'stress',
    'trace',
    'wrap',
    'pause-at',
    'image-dir',
    'forbid-only',
    'fail-on-new-na',
  ],
  async run({ flags, words, shell }) {
    const spec = await parseTarget(flags.target ?? 'engine', shell)
    checkFlags(flags, spec)
    const wanted = flags.jobs ?? parseJobs('auto')
    if (spec.kind === 'engine') compileForCases(wanted >= availableParallelism())
    const { cases, root, suite } = await selectCases(words, flags, shell)
    if (cases.length === 0) return emptySelection(flags, shell)
    const last = new LastRun(root, spec.text, shell.env)
    const ordered = await putInOrder(cases, flags.order ?? { kind: 'plan' }, last, shell)
    const outputs = openReports(flags, shell)
    const golden = goldenMode(flags, spec, shell)
    const budget = flags['budget-total']
    const limit = budget === undefined ? [] : [AbortSignal.timeout(budget)]
    const signal = AbortSignal.any([shell.signal, ...limit])
    const base = runOptions(flags, spec, root, golden, shell)
    const jobs = Math.min(wanted, cases.length)
    const options = { ...base, cases: ordered, sources: suite.sources, jobs, signal }
    try {
      const result = await play(options, flags, outputs, last)
      return finish(result, flags, golden, shell)
    } finally {
      outputs.close()
      last.save()
    }
  },
})

/** Refuses flags that exclude each other or make no sense on the target. */
function checkFlags(flags: RunFlags, spec: TargetSpec): void {
  if (spec.kind === 'engine' && (flags.retries ?? 0) > 0) {
    throw new CommandError(
      "flag '--retries': the engine is deterministic, so a case that breaks once is broken",
    )
  }
  if (spec.kind === 'engine' && flags.keep !== undefined) {
    throw new CommandError("flag '--keep': the engine's files live in memory, nothing can be kept")
  }
  if (spec.kind === 'qmp' && !flags['i-own-it']) {
    throw new CommandError(
      `target '${spec.text}' runs already and will be changed: add --i-own-it if it may be`,
    )
  }
  if (flags.quiet && flags.verbose)
    throw new CommandError('--quiet and --verbose exclude each other')
  if (isChanged(spec) && flags.golden !== undefined && flags.golden !== 'off') {
    throw new CommandError(`target '${spec.text}' has no goldens: it goes with --golden off only`)
  }
  if (flags.set.length > 0 && flags.golden !== undefined && flags.golden !== 'off') {
    throw new CommandError('--set changes what the golden shows: it goes with --golden off only')
  }
}

function emptySelection(flags: RunFlags, shell: Shell): number {
  if (flags['pass-empty']) {
    shell.stdout.write('no case is selected\n')
    return EXIT.ok
  }
  throw new CommandError('no case is selected (--pass-empty allows that)', EXIT.empty)
}

/** Not one of the engines that goldens are about: one of its switches is set otherwise. */
function isChanged(spec: TargetSpec): boolean {
  return spec.kind === 'engine' && spec.other !== undefined
}

function goldenMode(flags: RunFlags, spec: TargetSpec, shell: Shell): GoldenMode {
  if (flags.set.length > 0 || isChanged(spec)) return 'off'
  if (flags.golden !== undefined) return flags.golden
  const ci = (shell.env['CI'] ?? '') !== ''
  return shell.stdout.isTTY && !ci ? 'pending' : 'check'
}

function runOptions(
  flags: RunFlags,
  target: TargetSpec,
  root: SuiteRoot,
  mode: GoldenMode,
  shell: Shell,
): Omit<RunOptions, 'onEvent' | 'cases' | 'jobs'> {
  const folder = flags['golden-dir']
  return {
    target,
    version: VERSION,
    seed: flags.seed ?? DEFAULT_SEED,
    timeoutScale: flags['timeout-scale'] ?? 1,
    golden: { mode, root: folder === undefined ? root.golden : resolve(shell.cwd, folder) },
    keep: flags.keep ?? 'none',
    owned: flags['i-own-it'],
    ...(flags.divergences === undefined
      ? {}
      : { divergences: resolve(shell.cwd, flags.divergences) }),
    ...(flags['max-failures'] === undefined ? {} : { maxFailures: flags['max-failures'] }),
  }
}

function openReports(flags: RunFlags, shell: Shell): Outputs {
  const choices = flags.reporter.flat()
  const { stdout, stderr, env, cwd } = shell
  return openOutputs({
    choices: choices.length === 0 ? [{ name: 'tty' }] : choices,
    stdout,
    stderr,
    cwd,
    summaryPath: env['GITHUB_STEP_SUMMARY'],
    tty: {
      colour: wantsColour(stdout.isTTY, env, flags['no-color']),
      ascii: flags.ascii,
      verbose: flags.verbose,
      quiet: flags.quiet,
      all: flags.show === 'all',
      now: () => performance.now(),
    },
  })
}

async function putInOrder(
  cases: readonly Selected[],
  order: RunOrder,
  last: LastRun,
  shell: Shell,
): Promise<readonly Selected[]> {
  const known = (one: Selected) => last.get(one.case.id, one.profile)
  switch (order.kind) {
    case 'timing':
      // Longest first, so that the end of a parallel run is not one slow case.
      return cases.toSorted((a, b) => (known(b)?.milliseconds ?? 0) - (known(a)?.milliseconds ?? 0))
    case 'failed-first': {
      const rank = (one: Selected): number =>
        ['pass', 'n/a', 'diverged'].includes(known(one)?.verdict ?? 'pass') ? 1 : 0
      return cases.toSorted((a, b) => rank(a) - rank(b))
    }
    case 'random': {
      const { orderCases } = await import('../selected.ts')
      const seed = order.seed ?? Math.floor(Math.random() * 2 ** 31)
      if (order.seed === undefined) shell.stderr.write(`blockspec: order is random:${seed}\n`)
      return orderCases(cases, { kind: 'random', seed })
    }
    case 'name':
    case 'plan': {
      const { orderCases } = await import('../selected.ts')
      return orderCases(cases, { kind: order.kind })
    }
  }
}

async function play(
  options: Omit<RunOptions, 'onEvent'>,
  flags: RunFlags,
  outputs: Outputs,
  last: LastRun,
): Promise<RoundsResult> {
  const { playRounds } = await import('./rounds.ts')
  const { runSuite } = await import('../suite.ts')
  const endless = flags['until-fail'] ? Number.POSITIVE_INFINITY : 1
  const emit = (event: RunEvent): void => {
    if (event.event === 'case-end') last.add(event)
    outputs.emit(event)
  }
  return playRounds({
    play: runSuite,
    run: options,
    rounds: flags.repeat ?? endless,
    untilFail: flags['until-fail'],
    retries: flags.retries ?? 0,
    emit,
    now: () => performance.now(),
  })
}

function finish(result: RoundsResult, flags: RunFlags, golden: GoldenMode, shell: Shell): number {
  const stopped = flags['max-failures'] !== undefined || flags['until-fail']
  const { status, why } = exitStatus({
    verdicts: result.verdicts,
    cases: result.cases,
    missing: stopped ? 0 : result.wanted - result.cases,
    golden,
    signal: shell.signal.aborted ? String(shell.signal.reason) : undefined,
    maxNotApplicable: flags['max-na'],
    failOnFlaky: flags['fail-on-flaky'],
  })
  if (why !== undefined) shell.stderr.write(`blockspec: ${why}\n`)
  return status
}
