/** `events`: claims about everything since the last such step, or since the phase began. */
import { makeEventClaims } from '../../dsl/events.ts'
import type { EventClaim } from '../../dsl/plan-claims.ts'
import { defineStep } from './step.ts'

declare module '../../dsl/plan.ts' {
  interface StepBodies {
    readonly events: { readonly kind: 'events'; readonly claims: readonly EventClaim[] }
  }
}

export const events = defineStep({
  kind: 'events',
  written: {
    doc: 'Claims about every event since the last events or phase step.',
    schema: { type: 'array' },
    keys: {},
    isAttribute: true,
    build: (context, { value }) => [{ kind: 'events', claims: makeEventClaims(context, value) }],
  },
  facts: () => ({
    keepsGraph: true,
    notByActors: 'claims about events stand behind the actors, or at the together step',
  }),
  words: () => 'events',
  async run(step, play) {
    await play.session.fence(play.withinMs)
    play.collectEvents()
    play.judgeEvents(step.claims, play.takeEvents())
  },
  claimsEffect: ({ claims }) => claims.some(({ kind }) => kind !== 'optional'),
})
