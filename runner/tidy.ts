/**
 * Hygiene at the end of a case: exports, jobs and nodes that the scenario left are removed, and what
 * the target still shows after that is a leak.
 */
import { releaseAll } from './breakpoints.ts'
import { isList, member, text } from './json.ts'
import { isBare } from './notation.ts'
import type { Play } from './play.ts'
import type { Value } from '../dsl/plan.ts'
import type { Fact } from './transcript.ts'

/** Rounds of deleting nodes: a parent may have to go before its child can. */
const ROUNDS = 16

/** Cleans up, ends the target, and returns the line for the end of the transcript. */
export async function tidy(play: Play): Promise<Fact> {
  const options = play.scenario.tidy
  play.flushJobs()
  if (!play.isRunning) {
    await play.endQuietly()
    if (options.check) await checkImages(play)
    return line('ended')
  }
  await releaseAll(play)
  await play.hidden.closeAll()
  const exports = await removeAll(play, 'query-block-exports', [
    ['block-export-del', { mode: 'hard' }],
  ])
  const jobs = await removeAll(play, 'query-jobs', [
    ['job-cancel', {}],
    ['job-dismiss', {}],
  ])
  const leaks = await deleteNodes(play)
  if (play.capabilities.kind === 'qmp') await play.hidden.withdraw()
  await play.endQuietly()
  judge(play, options.jobs, 'jobs', jobs)
  judge(play, options.exports, 'exports', exports)
  judge(play, options.leaks, 'nodes', leaks)
  if (options.check) await checkImages(play)
  return line(
    `jobs ${String(jobs.length)}  exports ${String(exports.length)}  leaks ${String(leaks.length)}`,
  )
}

/** Sends each command for each thing that the query lists; returns what it lists after that. */
async function removeAll(
  play: Play,
  query: string,
  commands: readonly (readonly [string, Readonly<Record<string, Value>>])[],
): Promise<readonly string[]> {
  const found = await list(play, query, 'id')
  if (found.length === 0) return []
  for (const [command, more] of commands) {
    for (const id of found) await play.ask(command, { id, ...more })
    await play.settle()
  }
  return list(play, query, 'id')
}

function line(words: string): Fact {
  return { kind: 'line', label: 'tidy', text: words }
}

async function list(play: Play, command: string, key: string, args?: Value): Promise<string[]> {
  if (!play.capabilities.commands.has(command)) return []
  const reply = await play.ask(command, args)
  if (reply.kind === 'error' || !isList(reply.value)) return []
  return reply.value.flatMap((entry: Value) => text(member(entry, key)) ?? [])
}

/** Deletes newest first, over and over while that helps; returns what stays. */
async function deleteNodes(play: Play): Promise<readonly string[]> {
  const found = await nodeNames(play)
  let names = found.filter((name) => !name.startsWith('#'))
  for (let round = 0; round < ROUNDS; round += 1) {
    const left = []
    for (const name of names) {
      const reply = await play.ask('blockdev-del', { 'node-name': name })
      if (reply.kind === 'error') left.push(name)
    }
    if (left.length === names.length) break
    names = left
  }
  return found.length === 0 ? found : nodeNames(play)
}

/** Flat: what nodes lie on is listed by itself, and names are all that is wanted. */
function nodeNames(play: Play): Promise<string[]> {
  return list(play, 'query-named-block-nodes', 'node-name', { flat: true })
}

function judge(play: Play, wanted: boolean, what: string, left: readonly string[]): void {
  if (!wanted || left.length === 0) return
  const names = left.map((name) => {
    const word = play.normaliser.word(name)
    return isBare(word) ? word.text : name
  })
  play.fail('tidy', `${what} that cannot be removed: ${names.join(', ')}`, undefined)
}

/** Of the image tool: nothing is wrong but clusters that nobody uses. */
const LEAKS = 3

/** Every image whose format has a checker must be sound; a killed target may leave leaks. */
async function checkImages(play: Play): Promise<void> {
  for (const { name, format } of play.images.checkable()) {
    const result = await play.station.img(['check', '-f', format, play.images.path(name)])
    if (result.status === 0 || result.status === 63) continue
    if (result.status === LEAKS && play.wasKilled) continue
    const words = play.normaliser.prose((result.stderr || result.stdout).trim())
    play.fail('tidy', `img check of '${name}' says: ${words}`, undefined)
  }
}
