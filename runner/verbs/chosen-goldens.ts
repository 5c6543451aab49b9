/** What `accept`, `reject` and `review` have in common: finding pending goldens and naming some. */
import { resolve } from 'node:path'
import type { Scenario } from '../../dsl/plan.ts'
import { GoldenStore, type Accepted, type PendingGolden } from '../store.ts'
import { many, one, text, toggle, type FlagTable, type Values } from './flags.ts'
import { globTest } from './glob.ts'
import { chooseFiles } from './choose-files.ts'
import { load, refuseProblems } from './selection.ts'
import { CommandError, EXIT, type Shell } from './verb.ts'

export const GOLDEN_DIR_FLAG = {
  'golden-dir': one({
    value: 'DIR',
    example: 'out/golden',
    doc: "The folder that the run recorded into, instead of the suite's golden/.",
    parse: text,
  }),
} satisfies FlagTable

export const CHOICE_FLAGS = {
  ...GOLDEN_DIR_FLAG,
  all: toggle({ doc: 'All that is pending.' }),
  only: many({
    value: 'GLOB',
    example: "'quorum/*'",
    doc: 'Goldens of the scenarios that match.',
    parse: text,
  }),
  group: many({
    value: 'HASH',
    example: '1a2b3c4d',
    doc: 'Goldens all of whose differences are in the named groups; review and --json show them.',
    parse: text,
  }),
  json: toggle({ doc: 'Change nothing; list what is pending as one JSON object for each golden.' }),
} satisfies FlagTable

export const ACCEPT_FLAGS = {
  unconfirmed: toggle({
    doc: 'Take goldens of profile qemu that only the engine has recorded; they count as unconfirmed.',
  }),
  shrink: toggle({ doc: 'Let a golden lose more than 30 % of its lines.' }),
} satisfies FlagTable

export interface Pending {
  readonly store: GoldenStore
  readonly scenarios: readonly Scenario[]
  readonly goldens: readonly PendingGolden[]
}

export async function loadPending(folder: string | undefined, shell: Shell): Promise<Pending> {
  const loaded = await load(chooseFiles([], shell.cwd), shell)
  await refuseProblems(loaded.problems, shell)
  const root = folder === undefined ? loaded.root.golden : resolve(shell.cwd, folder)
  const store = new GoldenStore(root)
  const { scenarios } = loaded.suite
  return { store, scenarios, goldens: store.pending(scenarios) }
}

/** The goldens that flags and words name. */
export function chooseGoldens(
  pending: Pending,
  flags: Values<typeof CHOICE_FLAGS>,
  words: readonly string[],
): readonly PendingGolden[] {
  const globs = [...flags.only, ...words].map(globTest)
  const groups = new Set(flags.group)
  if (!flags.all && globs.length === 0 && groups.size === 0 && !flags.json) {
    throw new CommandError('say which: --all, --only GLOB, --group HASH or ids')
  }
  for (const hash of groups) {
    const known = pending.goldens.some(({ hunks }) => hunks.some((hunk) => hunk.hash === hash))
    if (!known) throw new CommandError(`no pending difference is in group '${hash}'`)
  }
  const chosen = pending.goldens.filter(
    ({ scenario, hunks }) =>
      (globs.length === 0 || globs.some((test) => test(scenario))) &&
      (groups.size === 0 || hunks.every(({ hash }) => groups.has(hash))),
  )
  if (chosen.length === 0 && pending.goldens.length > 0 && !flags.json) {
    throw new CommandError('no pending golden matches', EXIT.empty)
  }
  return chosen
}

export function printJson(goldens: readonly PendingGolden[], shell: Shell): void {
  for (const { scenario, profile, path, before, cases, hunks } of goldens) {
    const row = {
      scenario,
      profile,
      path,
      new: before === '',
      from: [...new Set(cases.map(({ from }) => from))],
      failed: cases.filter(({ failed }) => failed).map(({ id }) => id),
      groups: [...new Set(hunks.map(({ hash }) => hash))],
    }
    shell.stdout.write(`${JSON.stringify(row)}\n`)
  }
}

/** Prints what became of an acceptance; returns the exit status. */
export function printAccepted({ accepted, refused }: Accepted, shell: Shell): number {
  for (const id of accepted) shell.stdout.write(`accepted ${id}\n`)
  for (const { id, reason } of refused) shell.stderr.write(`refused ${id}: ${reason}\n`)
  shell.stdout.write(`${accepted.length} accepted, ${refused.length} refused\n`)
  return refused.length > 0 ? EXIT.failed : EXIT.ok
}
