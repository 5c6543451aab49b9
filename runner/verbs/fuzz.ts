/** `blockspec fuzz`: random sequences on the engine and a real daemon, until they differ. */
import { resolve } from 'node:path'
import { performance } from 'node:perf_hooks'
import { type CampaignResult, type Finding, runCampaign } from '../fuzz/campaign.ts'
import { isEnd } from '../fuzz/compare.ts'
import { coverageLines, FULL_SIZE, judgeCoverage } from '../fuzz/coverage.ts'
import { type Exclusion, loadExclusions } from '../fuzz/exclusions.ts'
import { FoundFolder } from '../fuzz/found.ts'
import { showStep } from '../fuzz/step.ts'
import { printable } from '../report/paint.ts'
import { one, text, toggle, whole } from './flags.ts'
import { parseJobs } from './selection-flags.ts'
import { parseTarget, TARGET_FLAGS } from './target-flag.ts'
import { CommandError, defineVerb, EXIT, type Shell } from './verb.ts'

const MOST_SEQUENCES = 1_000_000
/** Sequences of a full run that may differ, each explained. */
const MOST_DIFFERING = 10

export const fuzz = defineVerb({
  name: 'fuzz',
  usage: '--against TARGET',
  doc: `Draws random sequences of commands and requests from the engine's own schema and from what exists by then, plays each on the engine and on the real daemon, and compares replies, events by lane, the graph with permissions, nodes, exports, and at the end the data of nodes and files. What differs is shrunk and written as a scenario with its golden; what does not differ when it is played three times more is told and counted apart, since the engine does the same each time. Prints what was drawn; a run of full size (${String(FULL_SIZE.sequences)} sequences of ${String(FULL_SIZE.steps)} steps) must have drawn everything that is built, but for runner/fuzz/exclusions.yaml. Exit status 1 if more sequences differ than --allow says, 6 if the minimal figures are not met or an exclusion is stale.`,
  examples: [
    'blockspec fuzz --against qsd:7.2',
    'blockspec fuzz --against qsd:/usr/bin/qemu-storage-daemon --sequences 100',
    'blockspec fuzz --against qsd:7.2 --seed 4711 --only 17',
  ],
  flags: {
    against: one({
      value: 'TARGET',
      example: 'qsd:/usr/bin/qemu-storage-daemon',
      doc: 'The real daemon: qsd:PATH or qsd:VERSION.',
      parse: text,
    }),
    sequences: one({
      value: 'N',
      example: '500',
      doc: `How many sequences. Default: ${String(FULL_SIZE.sequences)}.`,
      parse: whole(1, MOST_SEQUENCES),
    }),
    steps: one({
      value: 'N',
      example: '10',
      doc: `Steps of a sequence. Default: ${String(FULL_SIZE.steps)}.`,
      parse: whole(1, 1000),
    }),
    seed: one({
      value: 'N',
      example: '4711',
      doc: 'Of all sequences: seed and index draw the same sequence again. Default: a fresh one, which is printed.',
      parse: whole(0, 2 ** 32 - 1),
    }),
    only: one({
      value: 'INDEX',
      example: '17',
      doc: 'Play this one sequence of the seed.',
      parse: whole(0, MOST_SEQUENCES),
    }),
    jobs: one({
      short: 'j',
      value: 'N|N%|auto',
      example: '2',
      doc: 'Sequences played at once. Default: auto, one for each processor.',
      parse: parseJobs,
    }),
    out: one({
      value: 'DIR',
      example: 'out/found',
      doc: 'Where scenarios of what was found are written. Default: found.',
      parse: text,
    }),
    allow: one({
      value: 'N',
      example: '10',
      doc: 'Sequences that may differ before the exit status is 1. Default: 10 at full size, else 0.',
      parse: whole(0, MOST_SEQUENCES),
    }),
    tries: one({
      value: 'N',
      example: '50',
      doc: 'How often a finding is played again to make it smaller. Default: 200.',
      parse: whole(0, 100_000),
    }),
    'timeout-scale': TARGET_FLAGS['timeout-scale'],
    quiet: toggle({ short: 'q', doc: 'No progress, no tables; findings and the summary alone.' }),
  },
  async run({ flags, words, shell }) {
    const [extra] = words
    if (extra !== undefined) throw new CommandError(`fuzz does not take '${printable(extra)}'`)
    if (flags.against === undefined) {
      throw new CommandError('fuzz needs --against TARGET, such as --against qsd:7.2')
    }
    const target = await parseTarget(flags.against, shell)
    if (target.kind !== 'qsd') {
      throw new CommandError(`flag '--against': wants qsd:PATH, not '${printable(flags.against)}'`)
    }
    const seed = flags.seed ?? Math.floor(Math.random() * 2 ** 32)
    const steps = flags.steps ?? FULL_SIZE.steps
    const count = flags.sequences ?? FULL_SIZE.sequences
    const indexes =
      flags.only === undefined ? Array.from({ length: count }, (_, at) => at) : [flags.only]
    const exclusions = loadExclusions()
    const timeoutScale = flags['timeout-scale'] ?? 1
    const folder = resolve(shell.cwd, flags.out ?? 'found')
    const found = new FoundFolder({ folder, target, timeoutScale })
    shell.stdout.write(`seed ${String(seed)}\n`)
    const started = performance.now()
    const result = await runCampaign({
      target,
      seed,
      indexes,
      steps,
      jobs: flags.jobs ?? parseJobs('auto'),
      timeoutScale,
      unreadReplies: unreadReplies(exclusions),
      exclusions,
      tries: flags.tries ?? 200,
      signal: shell.signal,
      onProgress: ({ played, differing }) => {
        if (flags.quiet || played % 100 !== 0) return
        shell.stderr.write(`${String(played)} played, ${String(differing)} differ\n`)
      },
      onFinding: async (finding) => {
        const again = `--seed ${String(seed)} --steps ${String(steps)} --only ${String(finding.index)}`
        const { path, doubt } = await found.write(finding, again)
        shell.stdout.write(findingText(finding, path, doubt))
      },
    })
    const isFull =
      count >= FULL_SIZE.sequences && steps >= FULL_SIZE.steps && flags.only === undefined
    return report({
      result,
      exclusions,
      shell,
      quiet: flags.quiet,
      allowed: flags.allow ?? (isFull ? MOST_DIFFERING : 0),
      isFull,
      seconds: (performance.now() - started) / 1000,
    })
  },
})

function unreadReplies(exclusions: readonly Exclusion[]): ReadonlySet<string> {
  return new Set(
    exclusions.flatMap(({ subject, figure }) => {
      const [kind, name] = subject.split(' ')
      return figure === 'reply' && kind === 'command' && name !== undefined ? [name] : []
    }),
  )
}

function findingText(
  { difference, replayed }: Finding,
  path: string,
  doubt: string | undefined,
): string {
  const steps = replayed.steps.slice(0, difference.step + 1).map((step) => `  ${showStep(step)}`)
  const lines = [
    `FOUND ${path}: ${isEnd(difference) ? `${difference.side} ${difference.part}` : difference.part}`,
    ...steps,
    `  real: ${difference.real}`,
    `  ours: ${difference.ours}`,
    ...(doubt === undefined ? [] : [`  but: ${doubt}`]),
  ]
  return `${lines.map((line) => printable(line)).join('\n')}\n`
}

function unsteadyText(indexes: readonly number[]): string {
  if (indexes.length === 0) return ''
  return `, ${String(indexes.length)} that did not show again (${indexes.join(' ')})`
}

interface Report {
  readonly result: CampaignResult
  readonly exclusions: readonly Exclusion[]
  readonly shell: Shell
  readonly quiet: boolean
  readonly allowed: number
  /** Whether the minimal figures are asked for. */
  readonly isFull: boolean
  readonly seconds: number
}

function report({ result, exclusions, shell, quiet, allowed, isFull, seconds }: Report): number {
  const say = (line: string): void => {
    shell.stdout.write(`${line}\n`)
  }
  if (!quiet) for (const line of coverageLines(result.coverage)) say(line)
  for (const { subject, figure, why } of exclusions) say(`excluded: ${subject}, ${figure}: ${why}`)
  const { missing, stale } = judgeCoverage(result.coverage, exclusions, result.built)
  if (isFull) {
    for (const { subject, message } of missing) say(`short: ${subject}: ${message}`)
    for (const line of stale) say(`stale exclusion: ${line}`)
  }
  for (const [shape, times] of result.shapes) say(`${String(times)} × ${printable(shape)}`)
  const indexes =
    result.differing.length === 0 ? '' : ` (${result.differing.slice(0, 20).join(' ')})`
  say(
    `${String(result.played)} sequences in ${seconds.toFixed(0)} s, ` +
      `${String(result.differing.length)} differ${indexes}, ` +
      `${String(result.deaths.length)} deaths or hangs of the real target` +
      unsteadyText(result.unsteady),
  )
  if (shell.signal.aborted) {
    return shell.signal.reason === 'SIGTERM' ? EXIT.terminated : EXIT.interrupted
  }
  if (result.differing.length > allowed) return EXIT.failed
  return isFull && missing.length + stale.length > 0 ? EXIT.gate : EXIT.ok
}
