/** `blockspec diverge`: known differences of an implementation, beside its settings. */
import { existsSync, readdirSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { addDivergence, loadDivergences, removeDivergence, staleEntries } from '../divergences.ts'
import { DEATH } from '../execute.ts'
import { targetFolder } from '../targets/index.ts'
import { one, text, type FlagTable, type Values } from './flags.ts'
import { LastRun, type LastCase } from './last-run.ts'
import { bareId, chooseFiles } from './choose-files.ts'
import { load, refuseProblems } from './selection.ts'
import { shownPath, type SuiteRoot } from './suite-files.ts'
import { openTarget, TARGET_FLAGS } from './target-flag.ts'
import { CommandError, defineVerb, EXIT, type Shell } from './verb.ts'

const FILE = 'divergences.yaml'

const FLAGS = {
  target: TARGET_FLAGS.target,
  'i-own-it': TARGET_FLAGS['i-own-it'],
  file: one({
    value: 'FILE',
    example: 'my-target/divergences.yaml',
    doc: "A divergence file to use instead of the target's own.",
    parse: text,
  }),
  why: one({ value: 'TEXT', example: "'names are reused'", doc: 'The reason.', parse: text }),
  owner: one({ value: 'NAME', example: 'block-team', doc: 'Who looks after it.', parse: text }),
  link: one({ value: 'URL', example: 'https://…', doc: 'Where it is discussed.', parse: text }),
  until: one({ value: 'VERSION', example: '8.0', doc: 'Red from this version on.', parse: text }),
  'clause-id': one({ value: 'CLAUSE', example: 'QUO-5', doc: 'The clause.', parse: text }),
  'not-applicable': one({
    value: 'REASON',
    example: "'no -compat option'",
    doc: 'Do not play the case there: a capability is missing.',
    parse: text,
  }),
} satisfies FlagTable

type Flags = Values<typeof FLAGS>

export const diverge = defineVerb({
  name: 'diverge',
  usage: 'add|rm|check [IDS…]',
  doc: 'add writes an entry for each broken case of the last run on the target, pinned to the differing lines; --why and --owner are mandatory. rm removes the entries of scenarios or cases. check names entries that fit no scenario, case or phase.',
  examples: [
    "blockspec diverge add quorum/names --target qsd:10.0 --why 'names are reused' --owner me",
    "blockspec diverge rm 'quorum/names[n=2]' --target qsd:10.0",
    'blockspec diverge check',
  ],
  flags: FLAGS,
  async run({ flags, words, shell }) {
    const [action, ...ids] = words
    if (action === 'add') return add(flags, ids, shell)
    if (action === 'rm') return remove(flags, ids, shell)
    if (action === 'check') return check(flags, ids, shell)
    throw new CommandError(`diverge wants add, rm or check, not '${action ?? ''}'`)
  },
})

/** The divergence file of the target that the flags name. */
async function fileOf(flags: Flags, shell: Shell): Promise<string> {
  if (flags.file !== undefined) return resolve(shell.cwd, flags.file)
  if (flags.target === undefined)
    throw new CommandError('say which: --target TARGET or --file FILE')
  const target = await openTarget(
    flags.target,
    { owned: flags['i-own-it'], timeoutScale: 1 },
    shell,
  )
  const { known, title } = await target.probe()
  if (known === undefined) {
    throw new CommandError(`${title} is no known implementation: name a file with --file`)
  }
  return join(targetFolder(known), FILE)
}

async function add(flags: Flags, ids: readonly string[], shell: Shell): Promise<number> {
  const { target, why, owner } = flags
  if (why === undefined || owner === undefined || target === undefined) {
    throw new CommandError('diverge add needs --target, --why and --owner')
  }
  if (ids.length === 0) throw new CommandError('diverge add needs ids of scenarios or cases')
  const { root } = chooseFiles(ids, shell.cwd)
  const path = await fileOf(flags, shell)
  const notApplicable = flags['not-applicable']
  let written = 0
  for (const id of ids) {
    const found = notApplicable === undefined ? brokenCases(root, target, id, shell) : [undefined]
    for (const last of found) {
      addDivergence(path, {
        scenario: bareId(id),
        case: last === undefined ? casePart(id) : casePart(last.id),
        why,
        owner,
        ...optional(flags),
        ...(last === undefined ? {} : pinned(last)),
      })
      written += 1
    }
  }
  shell.stdout.write(`${written} entries written to ${shownPath(path, shell.cwd)}\n`)
  return EXIT.ok
}

function optional(flags: Flags) {
  const { link, until } = flags
  const clause = flags['clause-id']
  const notApplicable = flags['not-applicable']
  return {
    ...(link === undefined ? {} : { link }),
    ...(until === undefined ? {} : { until }),
    ...(clause === undefined ? {} : { clause }),
    ...(notApplicable === undefined ? {} : { notApplicable }),
  }
}

function casePart(id: string): string {
  const part = id.slice(bareId(id).length)
  return part === '' ? '*' : part.slice(1, -1)
}

function brokenCases(
  root: SuiteRoot,
  target: string,
  id: string,
  shell: Shell,
): readonly LastCase[] {
  const last = new LastRun(root, target, shell.env)
  const found = last
    .all()
    .filter((one) => one.id === id || bareId(one.id) === id)
    .filter((one) => ['fail', 'crash', 'timeout', 'diverged-differently'].includes(one.verdict))
  if (found.length === 0) {
    throw new CommandError(
      `the last run of ${id} on ${target} did not fail: play it first, blockspec run ${id} --target ${target}`,
    )
  }
  return found
}

/** What an entry pins: the differing lines, or the death of the target, or the claims. */
function pinned(last: LastCase) {
  const diff = last.failures.map((failure) => failure.diff).filter((text) => text !== undefined)
  const [first] = last.failures
  const death = last.failures.map(({ message }) => message).find((text) => text.startsWith(DEATH))
  if (death !== undefined) {
    return { profile: last.profile, crash: death.slice(DEATH.length).split('\n')[0] ?? '' }
  }
  if (diff.length === 0) {
    throw new CommandError(
      `${last.id} failed without a difference to pin: ${first?.message ?? last.verdict}`,
    )
  }
  return { profile: last.profile, expect: diff.join('\n') }
}

async function remove(flags: Flags, ids: readonly string[], shell: Shell): Promise<number> {
  if (ids.length === 0) throw new CommandError('diverge rm needs ids of scenarios or cases')
  const path = await fileOf(flags, shell)
  let removed = 0
  for (const id of ids) {
    const part = id.slice(bareId(id).length)
    const count =
      part === ''
        ? removeDivergence(path, id)
        : removeDivergence(path, bareId(id), part.slice(1, -1))
    if (count === 0)
      throw new CommandError(`${shownPath(path, shell.cwd)} has no entry for '${id}'`)
    removed += count
  }
  shell.stdout.write(`${removed} entries removed from ${shownPath(path, shell.cwd)}\n`)
  return EXIT.ok
}

async function check(flags: Flags, ids: readonly string[], shell: Shell): Promise<number> {
  if (ids.length > 0) throw new CommandError(`diverge check does not take '${ids[0] ?? ''}'`)
  const loaded = await load(chooseFiles([], shell.cwd), shell)
  await refuseProblems(loaded.problems, shell)
  const one = flags.file !== undefined || flags.target !== undefined
  const paths = one ? [await fileOf(flags, shell)] : knownFiles()
  let entries = 0
  let stale = 0
  for (const path of paths) {
    const file = loadDivergences(path)
    entries += file.entries.length
    for (const message of staleEntries(file, loaded.suite.scenarios)) {
      stale += 1
      shell.stderr.write(`${message}\n`)
    }
  }
  shell.stdout.write(`${entries} entries in ${paths.length} files, ${stale} stale\n`)
  return stale > 0 ? EXIT.failed : EXIT.ok
}

/** The divergence file of every implementation that we know. */
function knownFiles(): readonly string[] {
  const folder = dirname(targetFolder('engine'))
  if (!existsSync(folder)) return []
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(folder, entry.name, FILE))
    .filter((path) => existsSync(path))
}
