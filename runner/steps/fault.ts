/** `fault`: rules that come, go or let a request go on while the target runs. */
import { addFaults, clearFaults, resume } from '../breakpoints.ts'
import { defineStep } from './step.ts'

export const fault = defineStep({
  kind: 'fault',
  words: (step) => `fault ${step.text}`,
  async run(step, play) {
    const { action } = step
    let outcome = 'ok'
    switch (action.kind) {
      case 'add':
        await addFaults(play, action.node, action.rules, step.span)
        break
      case 'clear':
        await clearFaults(play, action.node, step.span)
        break
      case 'resume':
        if (!(await resume(play, action.tag, step.span))) {
          outcome = 'nothing'
          const message = `no request is suspended as '${action.tag}'`
          play.blame('claim', { span: step.span, message })
        }
    }
    play.transcript.add({
      kind: 'statement',
      label: 'fault',
      head: step.text,
      members: {},
      outcome,
      details: [],
    })
  },
})
