/** `blockspec review`: shows each pending difference once and asks what to do with it. */
import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import type { Scenario } from '../../dsl/plan.ts'
import { showDiff } from '../report/diff-text.ts'
import { paint, printable, wantsColour, type Paint } from '../report/paint.ts'
import { splitWords } from '../targets/spec.ts'
import {
  ACCEPT_FLAGS,
  GOLDEN_DIR_FLAG,
  loadPending,
  printAccepted,
  type Pending,
} from './chosen-goldens.ts'
import { many, text, toggle } from './flags.ts'
import { globTest } from './glob.ts'
import { readKeys, type Keys } from './keys.ts'
import { decisions, verdictOf, type Answer, type Decision } from './review-groups.ts'
import { defineVerb, EXIT, type Shell } from './verb.ts'

const PROMPT =
  '[a]ccept [r]eject [s]kip [e]dit scenario [q]uit; capitals: this and all that follow > '

export const review = defineVerb({
  name: 'review',
  usage: '[IDS…]',
  doc: 'Shows pending differences one by one; equal ones in many goldens are one decision. Keys: a accept, r reject, s skip, e edit the scenario ($VISUAL or $EDITOR), q quit; A, R and S answer for this one and all that follow. A golden is accepted when all of its differences are. Keys may be piped in.',
  examples: ['blockspec review', 'printf aas | blockspec review'],
  flags: {
    ...GOLDEN_DIR_FLAG,
    ...ACCEPT_FLAGS,
    only: many({
      value: 'GLOB',
      example: "'quorum/*'",
      doc: 'Goldens of the scenarios that match.',
      parse: text,
    }),
    'no-color': toggle({ doc: 'No colour.' }),
  },
  async run({ flags, words, shell }) {
    const pending = await loadPending(flags['golden-dir'], shell)
    const globs = [...flags.only, ...words].map(globTest)
    const goldens = pending.goldens.filter(
      ({ scenario }) => globs.length === 0 || globs.some((test) => test(scenario)),
    )
    if (goldens.length === 0) {
      shell.stdout.write('nothing is pending\n')
      return EXIT.ok
    }
    const colour = paint(wantsColour(shell.stdout.isTTY, shell.env, flags['no-color']))
    const answers = await ask(decisions(goldens), pending.scenarios, colour, shell)
    const { unconfirmed, shrink } = flags
    return settle({ ...pending, goldens }, answers, { unconfirmed, shrink }, shell)
  },
})

/** Asks about each decision in turn; what is not reached stays pending. */
async function ask(
  list: readonly Decision[],
  scenarios: readonly Scenario[],
  colour: Paint,
  shell: Shell,
): Promise<ReadonlyMap<string, Answer>> {
  const answers = new Map<string, Answer>()
  const keys = readKeys(shell.stdin)
  let forAll: Answer | undefined
  try {
    for (const [index, decision] of list.entries()) {
      if (forAll === undefined) {
        shell.stdout.write(show(decision, `${index + 1}/${list.length}`, scenarios, colour))
        const key = await answer(keys, decision, scenarios, shell)
        if (key === undefined) break
        if (key.all) forAll = key.answer
        answers.set(decision.hash, key.answer)
      } else answers.set(decision.hash, forAll)
    }
  } finally {
    keys.close()
  }
  return answers
}

const ANSWERS: Readonly<Record<string, Answer>> = { a: 'accept', r: 'reject', s: 'skip' }

async function answer(
  keys: Keys,
  decision: Decision,
  scenarios: readonly Scenario[],
  shell: Shell,
): Promise<{ readonly answer: Answer; readonly all: boolean } | undefined> {
  for (;;) {
    shell.stdout.write(PROMPT)
    const key = await keys.next()
    shell.stdout.write(`${key ?? ''}\n`)
    if (key === undefined || key === 'q' || key === 'Q') return undefined
    const found = ANSWERS[key.toLowerCase()]
    if (found !== undefined) return { answer: found, all: key !== key.toLowerCase() }
    if (key === 'e' || key === 'E') edit(keys, decision, scenarios, shell)
    else shell.stdout.write(`no such key: ${printable(key)}\n`)
  }
}

/** Opens the scenario; its golden stays pending, as only a new run can tell what changed. */
function edit(keys: Keys, decision: Decision, scenarios: readonly Scenario[], shell: Shell): void {
  const editor = shell.env['VISUAL'] ?? shell.env['EDITOR']
  const scenario = scenarios.find(({ id }) => id === decision.goldens[0]?.scenario)
  if (editor === undefined || scenario === undefined) {
    shell.stdout.write('set VISUAL or EDITOR to edit\n')
    return
  }
  const [program = editor, ...args] = splitWords(editor)
  keys.pause()
  const path = resolve(shell.cwd, scenario.file)
  const { error } = spawnSync(program, [...args, path], { stdio: 'inherit' })
  if (error !== undefined) shell.stdout.write(`cannot run ${editor}: ${error.message}\n`)
  else shell.stdout.write('edited; run it again to record it anew\n')
}

function show(
  decision: Decision,
  position: string,
  scenarios: readonly Scenario[],
  colour: Paint,
): string {
  const { goldens, isNew, hash } = decision
  const [first] = goldens
  const scenario = scenarios.find(({ id }) => id === first?.scenario)
  const others = goldens.length - 1
  const failed = first?.cases.some((one) => one.failed) === true
  const from = [...new Set(first?.cases.map((one) => one.from) ?? [])].join(', ')
  const refs = [...(scenario?.spec ?? []), ...(scenario?.refuses ?? [])]
  const clauses = [...new Set(refs.map(({ id }) => id))]
  const name = first === undefined ? '' : `${first.scenario} (${first.profile})`
  return [
    '',
    colour('bold', `${position}  ${isNew ? 'new golden' : `group ${hash}`}  ${printable(name)}`),
    ...(scenario === undefined ? [] : [`  ${printable(scenario.title)}`]),
    ...(scenario?.about === undefined || scenario.about === ''
      ? []
      : [`  ${printable(scenario.about.trim()).replaceAll('\n', '\n  ')}`]),
    ...(clauses.length === 0 ? [] : [`  clauses: ${clauses.join(' ')}`]),
    `  recorded from: ${printable(from)}`,
    ...(failed ? [colour('red', '  an inline claim failed: this cannot be accepted')] : []),
    ...(others === 0 ? [] : [`  the same in ${others} more: ${listed(goldens.slice(1))}`]),
    '',
    ...showDiff(printable(decision.text), colour, true),
    '',
    '',
  ].join('\n')
}

function listed(goldens: readonly { readonly scenario: string }[]): string {
  const names = goldens.slice(0, 8).map(({ scenario }) => scenario)
  const rest = goldens.length - names.length
  return names.join(', ') + (rest === 0 ? '' : ` and ${rest} more`)
}

function settle(
  { store, scenarios, goldens }: Pending,
  answers: ReadonlyMap<string, Answer>,
  options: { readonly unconfirmed: boolean; readonly shrink: boolean },
  shell: Shell,
): number {
  const by = (wanted: Answer) => goldens.filter((golden) => verdictOf(golden, answers) === wanted)
  const rejected = by('reject')
  const accepted = by('accept')
  const status = printAccepted(store.accept(scenarios, accepted, options), shell)
  store.reject(rejected)
  const left = goldens.length - accepted.length - rejected.length
  shell.stdout.write(`${rejected.length} rejected, ${left} left pending\n`)
  return status
}
