/**
 * What happened in one case, as typed facts in phases. The text that goldens hold is made from the
 * facts alone, so it is the same whatever order lanes arrived in.
 */
import { greedy, label, pad, requestLines, textLines, valueLines } from './layout.ts'
import type { Shown } from './notation.ts'
import { showMembers } from './notation.ts'

/** What belongs to the line above it. */
export type Detail =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'value'; readonly value: Shown }
  | { readonly kind: 'line'; readonly text: string }

export type Fact =
  /** Something that the runner did, with what came of it. */
  | {
      readonly kind: 'statement'
      readonly label: string
      /** Words after the label. */
      readonly head: string
      readonly members: Readonly<Record<string, Shown>>
      readonly outcome?: string
      readonly details: readonly Detail[]
    }
  | {
      readonly kind: 'event'
      readonly name: string
      readonly data: Readonly<Record<string, Shown>>
    }
  | {
      readonly kind: 'job'
      readonly id: string
      readonly type: string
      readonly states: readonly string[]
    }
  | { readonly kind: 'graph'; readonly lines: readonly string[] }
  | { readonly kind: 'data'; readonly subject: string; readonly words: readonly string[] }
  /** `-- n=0` before a turn of a loop, empty after the last. */
  | { readonly kind: 'turn'; readonly text: string }
  | { readonly kind: 'line'; readonly label: string; readonly text: string }

export interface PhaseText {
  readonly title: string
  readonly text: string
}

interface Phase {
  readonly title: string
  readonly facts: Fact[]
}

export class Transcript {
  readonly #phases: Phase[] = []
  /** False while a step with `golden: false` is played. */
  recording = true
  /** Inside a loop: the long requests of earlier turns, by their place in the turn. */
  repeats: { readonly seen: Map<string, string>; next: number } | undefined
  #turnEnded = false

  /** A phase that leaves no line. */
  #hidden: string | undefined

  get phase(): string {
    return this.#hidden ?? this.#phases.at(-1)?.title ?? 'setup'
  }

  begin(title: string): void {
    this.#hidden = this.recording ? undefined : title
    if (!this.recording) return
    this.#turnEnded = false
    this.#phases.push({ title, facts: [] })
  }

  add(fact: Fact): void {
    if (!this.recording) return
    if (this.#phases.length === 0) this.begin('setup')
    const facts = this.#phases.at(-1)?.facts
    // Only what follows a loop in its phase needs to be told apart from its last turn.
    if (this.#turnEnded && fact.kind !== 'turn') facts?.push({ kind: 'turn', text: '' })
    this.#turnEnded = false
    facts?.push(this.#shortened(fact))
  }

  /** Everything so far, without its phases. */
  facts(): readonly Fact[] {
    return this.#phases.flatMap((phase) => phase.facts)
  }

  /** The turns are over; what follows belongs to none of them. */
  endLoop(): void {
    if (this.recording) this.#turnEnded = true
  }

  /** A long request that a turn repeats word for word is shown as `(as above)`. */
  #shortened(fact: Fact): Fact {
    if (this.repeats === undefined || fact.kind !== 'statement') return fact
    const place = String(this.repeats.next)
    this.repeats.next += 1
    if (factLines({ ...fact, details: [] }).length < 2) return fact
    const { outcome: _outcome, ...request } = fact
    const text = factLines({ ...request, details: [] }).join('\n')
    const before = this.repeats.seen.get(place)
    this.repeats.seen.set(place, text)
    return before === text ? { ...fact, head: '(as above)', members: {} } : fact
  }

  phases(): PhaseText[] {
    return this.#phases
      .filter((phase) => phase.facts.length > 0 || !FIXED.has(phase.title))
      .map((phase) => ({
        title: phase.title,
        text: [`== ${phase.title}`, ...phase.facts.flatMap(factLines)].join('\n'),
      }))
  }
}

/** The text of a golden's case. */
export function joinPhases(phases: readonly PhaseText[]): string {
  return phases.length === 0 ? '' : `${phases.map(({ text }) => text).join('\n\n')}\n`
}

/** Phases that the runner opens itself; they are left out when nothing is in them. */
const FIXED = new Set(['setup', 'steps', 'after', 'finally'])

export function factLines(fact: Fact): string[] {
  switch (fact.kind) {
    case 'statement':
      return [
        ...requestLines(`${label(fact.label)}${fact.head}`, fact.members, fact.outcome),
        ...fact.details.flatMap(detailLines),
      ]
    case 'event': {
      const data = showMembers(fact.data)
      return greedy(`${label('evt')}${fact.name}${data === '' ? '' : ` ${data}`}`, 10)
    }
    case 'job':
      return greedy(`${label('job')}${fact.id} ${fact.type}: ${fact.states.join(' ')}`, 10)
    case 'graph':
      return ['graph', ...fact.lines.map((line) => pad(6) + line)]
    case 'data': {
      const head = `${label('data')}${fact.subject}`
      return greedy(`${head} ${fact.words.join(' ')}`, Math.max(10, head.length + 1))
    }
    case 'turn':
      return greedy(fact.text === '' ? '--' : `-- ${fact.text}`, 10)
    case 'line':
      return greedy(`${label(fact.label)}${fact.text}`, 10)
  }
}

function detailLines(detail: Detail): string[] {
  switch (detail.kind) {
    case 'text':
      return textLines(detail.text)
    case 'value':
      return valueLines(detail.value)
    case 'line':
      return greedy(pad(6) + detail.text, 8)
  }
}
