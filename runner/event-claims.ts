/** Claims about the events that a step caused: occurrence, order, number, absence. */
import type { EventClaim, EventMatch } from '../dsl/plan-claims.ts'
import { laneOf } from './lanes.ts'
import { assign, type Mismatch, mismatches, type Resolve } from './match.ts'
import type { QmpEvent } from './session.ts'

/** Every claim that does not hold for these events, which are in order of arrival. */
export function eventMismatches(
  claims: readonly EventClaim[],
  events: readonly QmpEvent[],
  resolve: Resolve,
): Mismatch[] {
  const optional = claims.flatMap((claim) => (claim.kind === 'optional' ? [claim.event.name] : []))
  return claims.flatMap((claim) => claimMismatches(claim, events, optional, resolve))
}

function claimMismatches(
  claim: EventClaim,
  events: readonly QmpEvent[],
  optional: readonly string[],
  resolve: Resolve,
): readonly Mismatch[] {
  switch (claim.kind) {
    case 'occurs':
      return events.some((event) => isLike(claim.event, event, resolve))
        ? []
        : [missing(claim.event, events, resolve)]
    case 'ordered':
      return orderedMismatch(claim.events, events, resolve)
    case 'set': {
      const table = claim.events.map((wanted) =>
        events.map((event) => isLike(wanted, event, resolve)),
      )
      const owner = assign(table)
      return claim.events.flatMap((wanted, index) =>
        owner.has(index) ? [] : [missing(wanted, events, resolve)],
      )
    }
    case 'never': {
      const seen = events.find((event) => isLike(claim.event, event, resolve))
      return seen === undefined
        ? []
        : [{ span: claim.event.span, message: `expected no ${claim.event.name}, but it occurred` }]
    }
    case 'optional':
      return optionalMismatch(claim.event, events, resolve)
    case 'times': {
      const count = events.filter((event) => isLike(claim.event, event, resolve)).length
      if (count === claim.count) return []
      const message = `expected ${claim.event.name} ${String(claim.count)} times, got ${String(count)}`
      const near = events.filter((event) => event.name === claim.event.name)
      const leaf =
        near.length === claim.count ? missing(claim.event, events, resolve).span : undefined
      return [{ span: leaf ?? claim.span, message }]
    }
    case 'only':
      return onlyMismatch(claim, events, optional)
  }
}

export function isLike(wanted: EventMatch, event: QmpEvent, resolve: Resolve): boolean {
  if (event.name !== wanted.name) return false
  return wanted.data === undefined || mismatches(wanted.data, event.data, resolve).length === 0
}

/** Blames the member that is wrong in the event that fits best, or the name. */
function missing(wanted: EventMatch, events: readonly QmpEvent[], resolve: Resolve): Mismatch {
  let best: readonly Mismatch[] | undefined
  for (const event of events) {
    if (event.name !== wanted.name || wanted.data === undefined) continue
    const wrong = mismatches(wanted.data, event.data, resolve)
    if (wrong.length > 0 && (best === undefined || wrong.length < best.length)) best = wrong
  }
  const leaf = best?.[0]
  if (leaf !== undefined)
    return { span: leaf.span, message: `event ${wanted.name}: ${leaf.message}` }
  return { span: wanted.span, message: `expected event ${wanted.name}, got ${namesOf(events)}` }
}

function namesOf(events: readonly QmpEvent[]): string {
  const names = [...new Set(events.map((event) => event.name))]
  return names.length === 0 ? 'no event' : `only ${names.join(', ')}`
}

function orderedMismatch(
  wanted: readonly EventMatch[],
  events: readonly QmpEvent[],
  resolve: Resolve,
): readonly Mismatch[] {
  let at = 0
  for (const match of wanted) {
    const found = events.findIndex((event, index) => index >= at && isLike(match, event, resolve))
    if (found < 0) {
      const early = events.some((event) => isLike(match, event, resolve))
      if (!early) return [missing(match, events, resolve)]
      return [
        { span: match.span, message: `event ${match.name} occurred, but earlier than claimed` },
      ]
    }
    at = found + 1
  }
  return []
}

/** An optional event need not come, but one that comes must be as described. */
function optionalMismatch(
  wanted: EventMatch,
  events: readonly QmpEvent[],
  resolve: Resolve,
): readonly Mismatch[] {
  const same = events.filter((event) => event.name === wanted.name)
  if (same.length === 0 || same.some((event) => isLike(wanted, event, resolve))) return []
  return [missing(wanted, same, resolve)]
}

function onlyMismatch(
  claim: Extract<EventClaim, { readonly kind: 'only' }>,
  events: readonly QmpEvent[],
  optional: readonly string[],
): readonly Mismatch[] {
  const allowed = new Set([...claim.names.map((entry) => entry.name), ...optional])
  const touched = new Set(
    events.filter((event) => allowed.has(event.name)).map((event) => laneKey(event)),
  )
  // Without any event of the list, every lane counts: a wrong name must not widen the claim.
  const extra = events.find(
    (event) => !allowed.has(event.name) && (touched.size === 0 || touched.has(laneKey(event))),
  )
  if (extra === undefined) return []
  const unseen = claim.names.find((entry) => !events.some((event) => event.name === entry.name))
  return [{ span: unseen?.span ?? claim.span, message: `unexpected event ${extra.name}` }]
}

function laneKey(event: QmpEvent): string {
  const lane = laneOf(event.name, event.data)
  return `${lane.kind} ${lane.name}`
}
