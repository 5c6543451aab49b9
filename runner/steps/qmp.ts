/** `qmp`: one command and its reply. */
import { isShownMap } from '../notation.ts'
import { resolveTemplate, showTemplate } from '../variables.ts'
import { callCommand } from './command.ts'
import { defineStep } from './step.ts'

export const qmp = defineStep({
  kind: 'qmp',
  words: (step) => `qmp ${step.command}`,
  async run(step, play) {
    const members = step.hasArguments ? showTemplate(step.arguments) : {}
    const worked = await callCommand(play, {
      command: step.command,
      args: step.hasArguments ? resolveTemplate(step.arguments, play.scope) : undefined,
      oob: step.oob,
      expect: step.expect,
      returns: step.returns,
      save: step.save,
      label: 'qmp',
      head: step.oob ? `${step.command} (oob)` : step.command,
      members: isShownMap(members) ? members : { arguments: members },
    })
    if (worked) play.configuration.note(step)
  },
})
