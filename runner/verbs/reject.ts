/** `blockspec reject`: drops pending goldens. */
import { CHOICE_FLAGS, chooseGoldens, loadPending, printJson } from './chosen-goldens.ts'
import { defineVerb, EXIT } from './verb.ts'

export const reject = defineVerb({
  name: 'reject',
  usage: '[IDS…]',
  doc: 'Drops pending goldens; accepted ones stay as they are.',
  examples: ['blockspec reject --all', "blockspec reject --only 'quorum/*'"],
  flags: CHOICE_FLAGS,
  async run({ flags, words, shell }) {
    const pending = await loadPending(flags['golden-dir'], shell)
    const chosen = chooseGoldens(pending, flags, words)
    if (flags.json) {
      printJson(chosen, shell)
      return EXIT.ok
    }
    pending.store.reject(chosen)
    for (const { scenario, profile } of chosen) {
      shell.stdout.write(`rejected ${scenario} ${profile}\n`)
    }
    shell.stdout.write(`${chosen.length} rejected\n`)
    return EXIT.ok
  },
})
