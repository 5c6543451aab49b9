/** `blockspec accept`: makes pending goldens the accepted ones, without asking. */
import {
  ACCEPT_FLAGS,
  CHOICE_FLAGS,
  chooseGoldens,
  loadPending,
  printAccepted,
  printJson,
} from './chosen-goldens.ts'
import { defineVerb, EXIT } from './verb.ts'

export const accept = defineVerb({
  name: 'accept',
  usage: '[IDS…]',
  doc: 'Accepts pending goldens. Refused: what was not recorded by the recording target, what failed an inline claim, and what loses more than 30 % of its lines.',
  examples: ['blockspec accept --all', "blockspec accept --only 'quorum/*'"],
  flags: { ...CHOICE_FLAGS, ...ACCEPT_FLAGS },
  async run({ flags, words, shell }) {
    const pending = await loadPending(flags['golden-dir'], shell)
    const chosen = chooseGoldens(pending, flags, words)
    if (flags.json) {
      printJson(chosen, shell)
      return EXIT.ok
    }
    const { unconfirmed, shrink } = flags
    return printAccepted(
      pending.store.accept(pending.scenarios, chosen, { unconfirmed, shrink }),
      shell,
    )
  },
})
