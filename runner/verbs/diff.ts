/** `blockspec diff`: the same cases on two targets, until their transcripts differ. */
import { unifiedDiff } from '../compare.ts'
import type { CaseEnd } from '../report/event.ts'
import { showDiff } from '../report/diff-text.ts'
import { paint, printable, wantsColour } from '../report/paint.ts'
import type { Selected } from '../selected.ts'
import { runSuite, type RunOptions } from '../suite.ts'
import type { TargetSpec } from '../targets/target.ts'
import { one, toggle, whole } from './flags.ts'
import { parseJobs, SELECTION_FLAGS } from './selection-flags.ts'
import { selectCases } from './selection.ts'
import { parseTarget, TARGET_FLAGS } from './target-flag.ts'
import { CommandError, defineVerb, EXIT, type Shell } from './verb.ts'

export const diff = defineVerb({
  name: 'diff',
  usage: 'TARGET TARGET [PATHS|IDS…]',
  doc: 'Plays each case on both targets and stops at the first case whose transcripts differ. Goldens are not looked at. Exit status 1 if there is a difference.',
  examples: ['blockspec diff engine qsd:/usr/bin/qemu-storage-daemon quorum'],
  flags: {
    ...SELECTION_FLAGS,
    'i-own-it': TARGET_FLAGS['i-own-it'],
    'timeout-scale': TARGET_FLAGS['timeout-scale'],
    jobs: one({
      short: 'j',
      value: 'N|N%|auto',
      example: '4',
      doc: 'Cases played at once on each target. Default: auto.',
      parse: parseJobs,
    }),
    seed: one({
      value: 'N',
      example: '4711',
      doc: "Of the simulated host's scheduler.",
      parse: whole(0, 2 ** 32 - 1),
    }),
    all: toggle({ doc: 'Go on after a difference.' }),
    'no-color': toggle({ doc: 'No colour.' }),
  },
  async run({ flags, words, shell }) {
    const [first, second, ...rest] = words
    if (first === undefined || second === undefined) {
      throw new CommandError('diff needs two targets, such as: blockspec diff engine qsd:/path')
    }
    const specs = [await parseTarget(first, shell), await parseTarget(second, shell)] as const
    if (specs.some(({ kind }) => kind === 'qmp') && !flags['i-own-it']) {
      throw new CommandError('a qmp: target runs already: add --i-own-it if it may be changed')
    }
    const { cases, root, suite } = await selectCases(rest, flags, shell)
    if (cases.length === 0) throw new CommandError('no case is selected', EXIT.empty)
    const jobs = flags.jobs ?? parseJobs('auto')
    const base = {
      jobs,
      sources: suite.sources,
      seed: flags.seed ?? 1,
      timeoutScale: flags['timeout-scale'] ?? 1,
      golden: { mode: 'off', root: root.golden },
      keep: 'none',
      owned: flags['i-own-it'],
      signal: shell.signal,
    } as const
    const colour = wantsColour(shell.stdout.isTTY, shell.env, flags['no-color'])
    return compare({ base, specs, cases, all: flags.all, colour, shell })
  },
})

interface Comparison {
  readonly base: Omit<RunOptions, 'onEvent' | 'cases' | 'target'>
  readonly specs: readonly [TargetSpec, TargetSpec]
  readonly cases: readonly Selected[]
  readonly all: boolean
  readonly colour: boolean
  readonly shell: Shell
}

/** Cases go to both targets in small batches, so that the first difference is found early. */
async function compare({ base, specs, cases, all, colour, shell }: Comparison): Promise<number> {
  const size = Math.max(4, base.jobs * 2)
  let same = 0
  let different = 0
  const skipped: string[] = []
  for (let start = 0; start < cases.length; start += size) {
    if (shell.signal.aborted) break
    const batch = cases.slice(start, start + size)
    const one = await playOn(specs[0], batch, base)
    const two = await playOn(specs[1], batch, base)
    for (const selected of batch) {
      const a = one.get(keyOf(selected))
      const b = two.get(keyOf(selected))
      if (a === undefined || b === undefined) continue
      const reason = whyNot(a) ?? whyNot(b)
      if (reason !== undefined) skipped.push(`${a.id}: ${reason}`)
      else if (transcript(a) === transcript(b)) same += 1
      else {
        different += 1
        shell.stdout.write(describe(a, b, colour))
        if (!all) return report(shell, same, different, skipped)
      }
    }
  }
  return report(shell, same, different, skipped)
}

function report(shell: Shell, same: number, different: number, skipped: readonly string[]): number {
  for (const line of skipped) shell.stdout.write(`not compared: ${printable(line)}\n`)
  shell.stdout.write(`${same} same, ${different} different, ${skipped.length} not compared\n`)
  if (shell.signal.aborted) {
    return shell.signal.reason === 'SIGTERM' ? EXIT.terminated : EXIT.interrupted
  }
  return different > 0 ? EXIT.failed : EXIT.ok
}

async function playOn(
  target: TargetSpec,
  cases: readonly Selected[],
  base: Comparison['base'],
): Promise<ReadonlyMap<string, CaseEnd>> {
  const ends = new Map<string, CaseEnd>()
  await runSuite({
    ...base,
    jobs: Math.min(base.jobs, cases.length),
    cases,
    target,
    onEvent(event) {
      if (event.event === 'case-end') ends.set(`${event.profile} ${event.id}`, event)
    },
  })
  return ends
}

function keyOf(one: Selected): string {
  return `${one.profile} ${one.case.id}`
}

/** A case that did not run to its end has no transcript to compare. */
function whyNot(end: CaseEnd): string | undefined {
  if (end.verdict === 'n/a') return `not applicable on ${end.target}: ${end.reason ?? ''}`
  if (end.verdict === 'error') return `error on ${end.target}: ${end.failures[0]?.message ?? ''}`
  return undefined
}

function transcript(end: CaseEnd): string {
  const ended = ['crash', 'timeout'].includes(end.verdict) ? `\n== ${end.verdict}` : ''
  return end.phases.map(({ text }) => text).join('\n\n') + ended
}

function describe(a: CaseEnd, b: CaseEnd, colour: boolean): string {
  const body = printable(unifiedDiff(transcript(a), transcript(b)))
  const legend = [`--- ${a.target}`, `+++ ${b.target}`].map(printable)
  const lines = [...legend, ...showDiff(body, paint(colour), false)]
  const first = firstDifference(transcript(a), transcript(b))
  return [
    `DIFFERENT ${printable(a.id)} at line ${first}`,
    ...lines.map((line) => `  ${line}`),
    '',
  ].join('\n')
}

function firstDifference(a: string, b: string): number {
  const one = a.split('\n')
  const two = b.split('\n')
  return one.findIndex((line, index) => line !== two[index]) + 1 || one.length + 1
}
