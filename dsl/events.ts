/** Claims about events. */
import { readList, readText, shorten, wrongType } from './check.ts'
import { toMatch } from './claim.ts'
import type { Context } from './context.ts'
import type { EventClaim, EventMatch, Match } from './plan-claims.ts'
import { didYouMean } from './suggest.ts'
import {
  isNull,
  spanOf,
  type Entry,
  type ListNode,
  type MapNode,
  type Node,
  type ScalarNode,
} from './tree.ts'
import { fillText, resolve } from './variables.ts'

const WORDS = ['any', 'ordered', 'set', 'never', 'times', 'optional', 'only'] as const

export function makeEventClaims(context: Context, node: Node): readonly EventClaim[] {
  const list = readList(context, node, "'events'")
  return list?.items.flatMap((item) => makeEventClaim(context, item) ?? []) ?? []
}

function makeEventClaim(context: Context, node: Node): EventClaim | undefined {
  const item = resolve(context, node)
  if (item === undefined) return undefined
  const span = spanOf(item)
  const entry = item.kind === 'map' ? onlyEntry(context, item) : undefined
  if (item.kind === 'map' && entry === undefined) return undefined
  const word = entry?.name.split(' ')[0] ?? ''
  context.claim(span, word === 'never')
  if (entry === undefined || /^[A-Z$]/.test(word)) {
    const event = makeEvent(context, item)
    return event === undefined ? undefined : { kind: 'occurs', event, span }
  }
  return wordClaim(context, entry, word, span)
}

function wordClaim(
  context: Context,
  entry: Entry,
  word: string,
  span: EventClaim['span'],
): EventClaim | undefined {
  switch (word) {
    case 'any':
    case 'never':
    case 'optional': {
      const event = makeEvent(context, entry.value)
      if (event === undefined) return undefined
      return { kind: word === 'any' ? 'occurs' : word, event, span }
    }
    case 'ordered':
    case 'set': {
      const list = readList(context, entry.value, `'${word}'`)
      if (list === undefined) return undefined
      checkSeveral(context, list, word)
      return {
        kind: word,
        events: list.items.flatMap((item) => makeEvent(context, item) ?? []),
        span,
      }
    }
    case 'times':
      return timesClaim(context, entry, span)
    case 'only':
      return onlyClaim(context, entry, span)
    default:
      context.problem(
        entry.key,
        'events-unknown',
        `no claim about events is called '${shorten(entry.name)}'`,
        {
          help: didYouMean(word, WORDS) ?? 'event names are upper case, such as BLOCK_JOB_READY',
        },
      )
      return undefined
  }
}

function checkSeveral(context: Context, list: ListNode, word: string): void {
  if (list.items.length > 1) return
  context.problem(list, 'events-too-few', `'${word}' is about two events or more`)
}

function timesClaim(
  context: Context,
  entry: Entry,
  span: EventClaim['span'],
): EventClaim | undefined {
  const key = fillText(context, entry.key)?.text ?? ''
  const count = Number(/^times ([0-9]{1,6})$/.exec(key)?.[1] ?? Number.NaN)
  if (!(count >= 1)) {
    context.problem(entry.key, 'events-times', "a count of at least 1 follows 'times': times 3", {
      help: count === 0 ? 'an event that must not occur is claimed with never' : undefined,
    })
    return undefined
  }
  const event = makeEvent(context, entry.value)
  return event === undefined ? undefined : { kind: 'times', count, event, span }
}

function onlyClaim(
  context: Context,
  entry: Entry,
  span: EventClaim['span'],
): EventClaim | undefined {
  const list = readList(context, entry.value, "'only'")
  const names = list?.items.flatMap((item) => {
    const text = readText(context, item, 'an event name')
    return text === undefined || !checkEventName(context, text)
      ? []
      : [{ name: text.text, span: spanOf(text) }]
  })
  return names === undefined ? undefined : { kind: 'only', names, span }
}

/** `NAME`, or `NAME: {…}` with a claim about its data. */
export function makeEvent(context: Context, node: Node): EventMatch | undefined {
  const item = resolve(context, node)
  if (item === undefined) return undefined
  if (item.kind === 'list') {
    wrongType(context, item, 'an event', 'a name, or a name with its data')
    return undefined
  }
  if (item.kind === 'scalar') {
    const text = readText(context, item, 'an event')
    return text === undefined || !checkEventName(context, text)
      ? undefined
      : { name: text.text, span: spanOf(text) }
  }
  const entry = onlyEntry(context, item)
  const name = entry === undefined ? undefined : fillText(context, entry.key)
  if (entry === undefined || name === undefined || !checkEventName(context, name)) return undefined
  const span = spanOf(entry.key)
  const data = isNull(entry.value) ? undefined : eventData(context, entry.value)
  return { name: name.text, span, ...(data === undefined ? {} : { data }) }
}

export function eventData(context: Context, node: Node): Match | undefined {
  return toMatch(context, node)
}

function onlyEntry(context: Context, map: MapNode): Entry | undefined {
  const [entry, second] = map.entries
  if (entry === undefined) {
    wrongType(context, map, 'an event', 'a name, or a name with its data')
  } else if (second !== undefined) {
    context.problem(
      second.key,
      'events-two-keys',
      'each claim about events is a list item of its own',
      {
        notes: [{ message: 'the first one', span: spanOf(entry.key) }],
      },
    )
  }
  return entry
}

export function checkEventName(context: Context, text: ScalarNode): boolean {
  if (/^[A-Z][A-Z0-9_]*$/.test(text.text)) return true
  const upper = text.text.toUpperCase().replaceAll('-', '_')
  const isName = /^[A-Z][A-Z0-9_]*$/.test(upper)
  context.problem(text, 'event-name', `'${shorten(text.text)}' is no event name`, {
    help: isName
      ? `event names are upper case: ${upper}`
      : 'event names are upper case, such as BLOCK_JOB_READY',
  })
  return false
}
