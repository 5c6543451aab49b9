/**
 * Hygiene at the end of a case: exports, jobs and nodes that the scenario left are removed, and what
 * the target still shows after that is a leak.
 */
import { isList, member, text } from './json.ts'
import { Bare } from './notation.ts'
import type { Play } from './play.ts'
import type { Value } from '../dsl/plan.ts'
import type { Fact } from './transcript.ts'

/** Rounds of deleting nodes: a parent may have to go before its child can. */
const ROUNDS = 16

/** Cleans up, ends the target, and returns the line for the end of the transcript. */
export async function tidy(play: Play): Promise<Fact> {
  const options = play.scenario.tidy
  play.flushJobs()
  if (!play.isRunning) return line('ended')
  await play.hidden.closeAll()
  const found = await list(play, 'query-block-exports', 'id')
  const running = await list(play, 'query-jobs', 'id')
  for (const id of found) await play.ask('block-export-del', { id, mode: 'hard' })
  for (const id of running) await play.ask('job-cancel', { id })
  for (const id of running) await play.ask('job-dismiss', { id })
  if (found.length > 0) await play.settle()
  const leaks = await deleteNodes(play)
  await play.endQuietly()
  // What the scenario declared outside of its steps is not for its steps to remove.
  const declared = new Set(
    play.selected.case.setup.flatMap((step) => (step.kind === 'export' ? [step.name] : [])),
  )
  const exports = found.filter((id) => !declared.has(id))
  judge(play, options.jobs, 'jobs', running)
  judge(play, options.exports, 'exports', exports)
  judge(play, options.leaks, 'nodes that cannot be deleted', leaks)
  if (options.check) await checkImages(play)
  return line(
    `jobs ${String(running.length)}  exports ${String(exports.length)}  leaks ${String(leaks.length)}`,
  )
}

function line(words: string): Fact {
  return { kind: 'line', label: 'tidy', text: words }
}

async function list(play: Play, command: string, key: string): Promise<string[]> {
  if (!play.capabilities.commands.has(command)) return []
  const reply = await play.ask(command)
  if (reply.kind === 'error' || !isList(reply.value)) return []
  return reply.value.flatMap((entry: Value) => text(member(entry, key)) ?? [])
}

/** Deletes newest first, over and over while that helps; returns what stays. */
async function deleteNodes(play: Play): Promise<readonly string[]> {
  for (let round = 0; round < ROUNDS; round += 1) {
    const names = await list(play, 'query-named-block-nodes', 'node-name')
    let deleted = 0
    for (const name of names) {
      if (name.startsWith('#')) continue
      const reply = await play.ask('blockdev-del', { 'node-name': name })
      if (reply.kind === 'return') deleted += 1
    }
    if (deleted === 0) return names
  }
  return list(play, 'query-named-block-nodes', 'node-name')
}

function judge(play: Play, wanted: boolean, what: string, left: readonly string[]): void {
  if (!wanted || left.length === 0) return
  const names = left.map((name) => {
    const word = play.normaliser.word(name)
    return word instanceof Bare ? word.text : name
  })
  play.fail('tidy', `${what} are left at the end: ${names.join(', ')}`, undefined)
}

/** Every image whose format has a checker must be sound. */
async function checkImages(play: Play): Promise<void> {
  for (const { name, format } of play.images.checkable()) {
    const result = await play.station.img(['check', '-f', format, play.images.path(name)])
    if (result.status === 0 || result.status === 63) continue
    const words = play.normaliser.prose((result.stderr || result.stdout).trim())
    play.fail('tidy', `img check of '${name}' says: ${words}`, undefined)
  }
}
