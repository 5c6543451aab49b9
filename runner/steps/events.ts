/** `events`: claims about everything since the last such step, or since the phase began. */
import { defineStep } from './step.ts'

export const events = defineStep({
  kind: 'events',
  words: () => 'events',
  async run(step, play) {
    await play.session.fence(play.withinMs)
    play.collectEvents()
    play.judgeEvents(step.claims, play.takeEvents())
  },
})
