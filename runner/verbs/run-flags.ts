/** The flags of `run`. */
import { parseReporters } from '../report/outputs.ts'
import { parseLimit } from './exit-status.ts'
import { choice, many, one, text, toggle, whole, type FlagTable, type Values } from './flags.ts'
import { parseJobs, SELECTION_FLAGS } from './selection-flags.ts'
import { TARGET_FLAGS } from './target-flag.ts'
import { CommandError } from './verb.ts'

const EXECUTION = {
  jobs: one({
    short: 'j',
    value: 'N|N%|auto',
    example: '4',
    doc: 'Cases played at once. Default: auto, one for each processor.',
    parse: parseJobs,
  }),
  order: one({
    value: 'name|plan|random[:SEED]|timing|failed-first',
    example: 'random:7',
    doc: 'In which order cases start. Default: plan, as files and matrices list them.',
    parse: parseOrder,
  }),
  'budget-total': one({
    value: 'DURATION',
    example: '20m',
    doc: 'Stop the run after this time; cases that were not played make it fail.',
    parse: parseBudget,
  }),
  'max-failures': one({
    short: 'x',
    value: 'N',
    example: '3',
    bare: '1',
    doc: 'Stop after so many broken cases.',
    parse: whole(1),
  }),
  repeat: one({
    value: 'N',
    example: '20',
    doc: 'Play everything N times; transcripts must not differ.',
    parse: whole(1, 100_000),
  }),
  'until-fail': toggle({ doc: 'Play again and again until something breaks.' }),
  retries: one({
    value: 'N',
    example: '2',
    doc: 'Play broken cases again; passing then is flaky. Real targets only.',
    parse: whole(0, 100),
  }),
  seed: one({
    value: 'N',
    example: '4711',
    doc: "Of the simulated host's scheduler. Default: 1. Results must not depend on it.",
    parse: whole(0, 2 ** 32 - 1),
  }),
} satisfies FlagTable

const GOLDENS = {
  golden: one({
    value: 'check|pending|off',
    example: 'pending',
    doc: 'Compare with goldens; pending also records what is new or changed for review. Default: check without a terminal or with CI set, else pending.',
    parse: choice('check', 'pending', 'off'),
  }),
  'golden-dir': one({
    value: 'DIR',
    example: 'out/golden',
    doc: "Compare with and record into this folder instead of the suite's golden/.",
    parse: text,
  }),
} satisfies FlagTable

const KNOWN_DIFFERENCES = {
  divergences: one({
    value: 'FILE',
    example: 'my-target/divergences.yaml',
    doc: 'Known differences of a target that has no folder of its own here.',
    parse: text,
  }),
} satisfies FlagTable

const OUTPUT = {
  keep: one({
    value: 'failed|all',
    example: 'all',
    bare: 'failed',
    doc: 'Leave the scratch folder of cases; the files of the engine live in memory and are not kept.',
    parse: choice('failed', 'all'),
  }),
  reporter: many({
    short: 'r',
    value: 'NAME[=PATH],…',
    example: 'tty,json=out.ndjson',
    doc: 'Reporters: tty (default), json, junit, tap, github; several at once.',
    parse: parseReporters,
  }),
  show: one({
    value: 'failed|all',
    example: 'all',
    doc: 'all: whole diffs and every phase of a broken case.',
    parse: choice('failed', 'all'),
  }),
  verbose: toggle({ short: 'v', doc: 'One line for every finished case.' }),
  quiet: toggle({ short: 'q', doc: 'Print broken cases alone.' }),
  'no-color': toggle({ doc: 'No colour; NO_COLOR and FORCE_COLOR are respected too.' }),
  ascii: toggle({ doc: 'ASCII characters only.' }),
} satisfies FlagTable

const GATES = {
  'max-na': one({
    value: 'N|P%',
    example: '10%',
    doc: 'Exit status 6 if more cases are not applicable.',
    parse: parseLimit,
  }),
  'pass-empty': toggle({ doc: 'An empty selection is not an error.' }),
  'fail-on-flaky': toggle({ doc: 'Exit status 5 if a case was flaky.' }),
} satisfies FlagTable

export const RUN_FLAGS = {
  ...SELECTION_FLAGS,
  ...TARGET_FLAGS,
  ...EXECUTION,
  ...GOLDENS,
  ...KNOWN_DIFFERENCES,
  ...OUTPUT,
  ...GATES,
}

export type RunFlags = Values<typeof RUN_FLAGS>

export type RunOrder =
  | { readonly kind: 'name' | 'plan' | 'timing' | 'failed-first' }
  | { readonly kind: 'random'; readonly seed: number | undefined }

function parseOrder(value: string): RunOrder {
  const [, seed] = /^random(?::(\d{1,10}))?$/.exec(value) ?? []
  if (value === 'random' || seed !== undefined) {
    return { kind: 'random', seed: seed === undefined ? undefined : Number(seed) }
  }
  return { kind: choice('name', 'plan', 'timing', 'failed-first')(value) }
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** Milliseconds of `90s`, `20m`, `1h`. */
function parseBudget(value: string): number {
  const [, digits, unit = ''] = /^(\d{1,7})(ms|s|m|h)$/.exec(value) ?? []
  const milliseconds = Number(digits) * (UNIT_MS[unit] ?? 0)
  if (digits === undefined || milliseconds === 0 || milliseconds > 2 ** 31 - 1) {
    throw new CommandError('wants a duration such as 90s, 20m or 1h')
  }
  return milliseconds
}
