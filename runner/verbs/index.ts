/**
 * Every verb of the command line, with the module that does it. Modules are loaded only when their
 * verb is called, so that `--version` and a wrong word cost nothing.
 */
import type { PassThrough, Verb } from './verb.ts'

interface Entry {
  readonly summary: string
  load(): Promise<Verb | PassThrough>
}

/** A verb's own flag types matter only inside its module; the table holds them all alike. */
const entry = (summary: string, load: () => Promise<unknown>): Entry => ({
  summary,
  load: async () => (await load()) as Verb | PassThrough,
})

export const VERBS: Readonly<Record<string, Entry>> = {
  run: entry(
    'play scenarios on a target and compare with the goldens',
    async () => (await import('./run.ts')).run,
  ),
  list: entry('show which cases are selected', async () => (await import('./list.ts')).list),
  lint: entry(
    'check scenario files without any target',
    async () => (await import('./lint.ts')).lint,
  ),
  fmt: entry('format scenario files, keeping comments', async () => (await import('./fmt.ts')).fmt),
  schema: entry(
    'print the JSON Schema of a scenario file',
    async () => (await import('./schema.ts')).schema,
  ),
  new: entry(
    'write the skeleton of a scenario',
    async () => (await import('./new.ts')).newScenario,
  ),
  review: entry(
    'decide on pending goldens, one difference at a time',
    async () => (await import('./review.ts')).review,
  ),
  accept: entry('accept pending goldens', async () => (await import('./accept.ts')).accept),
  reject: entry('drop pending goldens', async () => (await import('./reject.ts')).reject),
  diff: entry(
    'play scenarios on two targets and stop at the first difference',
    async () => (await import('./diff.ts')).diff,
  ),
  probe: entry('show what a target is and can do', async () => (await import('./probe.ts')).probe),
  coverage: entry(
    'show which clauses the scenarios cover',
    async () => (await import('./coverage.ts')).coverage,
  ),
  conform: entry(
    'show which clauses several targets honour',
    async () => (await import('./conform.ts')).conform,
  ),
  diverge: entry(
    'add, remove and check known differences of a target',
    async () => (await import('./diverge.ts')).diverge,
  ),
  explain: entry(
    'explain a code, a clause or a scenario',
    async () => (await import('./explain.ts')).explain,
  ),
  fuzz: entry(
    'play random sequences on the engine and a real daemon and compare',
    async () => (await import('./fuzz.ts')).fuzz,
  ),
  'storage-daemon': entry(
    'the built-in engine as a storage daemon',
    async () => (await import('./storage-daemon.ts')).storageDaemon,
  ),
  img: entry('image files with the built-in engine', async () => (await import('./img.ts')).img),
}

/** Verbs that the design names and that do not exist yet. */
export const NOT_BUILT: ReadonlySet<string> = new Set([
  'watch',
  'golden',
  'merge',
  'report',
  'shard',
  'trace',
  'shrink',
  'crashpoints',
  'mutate',
  'bisect',
  'lsp',
])
