/** What steps touch, as far as the text of a case tells: for the orders of actors. */
import type { AddStep, IoStep, Step, Template } from './plan.ts'
import { textOf } from './needs.ts'
import type { Footprint } from './schedules.ts'

const LOOKS_AT_EVERYTHING: Footprint = { touches: 'everything', writes: false }
const CHANGES_EVERYTHING: Footprint = { touches: 'everything', writes: true }

/** Drivers of which reading leaves no trace. All others may count, copy, throttle or repair. */
const QUIET = new Set(['file', 'raw', 'null-co', 'null-aio', 'qcow2'])

/** What the nodes of the setup stand on. */
export class Footprints {
  readonly #nodes = new Map<string, AddStep>()
  /** Backing images by image. */
  readonly #backing = new Map<string, string>()
  /** After a command that may have changed the graph nothing is known. */
  readonly #isKnown: boolean

  constructor(before: readonly Step[], lanes: readonly (readonly Step[])[]) {
    for (const step of before) {
      if (step.kind === 'node') this.#nodes.set(step.name, step)
      if (step.kind !== 'create') continue
      const backing = step.image.options.find(({ name }) => name === 'backing')
      if (backing !== undefined) this.#backing.set(step.image.name, backing.value)
    }
    const all = [...before.filter((step) => !isSetup(step)), ...lanes.flat()]
    this.#isKnown = all.every(keepsGraph)
  }

  of(step: Step): Footprint {
    switch (step.kind) {
      case 'verify':
        return step.want.kind === 'same' ? LOOKS_AT_EVERYTHING : this.#device(step.subject, false)
      case 'io':
        return this.#device(step.subject, changes(step))
      case 'graph':
      case 'schema':
        return LOOKS_AT_EVERYTHING
      case 'qmp':
        return isQuery(step.command) ? LOOKS_AT_EVERYTHING : CHANGES_EVERYTHING
      default:
        return CHANGES_EVERYTHING
    }
  }

  #device(subject: IoStep['subject'], writes: boolean): Footprint {
    if (subject.kind !== 'node' || !this.#isKnown) return CHANGES_EVERYTHING
    const touches = new Set<string>()
    const quiet = this.#follow(subject.name, touches)
    if (quiet === undefined) return CHANGES_EVERYTHING
    return { touches, writes: writes || !quiet }
  }

  /** Adds the node and all below it; whether reading them leaves no trace. */
  #follow(name: string, touches: Set<string>): boolean | undefined {
    if (touches.has(`node ${name}`)) return true
    touches.add(`node ${name}`)
    const step = this.#nodes.get(name)
    if (step?.options === undefined) return undefined
    return this.#inside(step.options, touches, (step.faults ?? []).length === 0)
  }

  #inside(options: Template, touches: Set<string>, quiet: boolean): boolean | undefined {
    let all: boolean = quiet
    if (options.kind === 'list') {
      for (const item of options.items) {
        const one = this.#value(item, touches)
        if (one === undefined) return undefined
        all &&= one
      }
    }
    if (options.kind !== 'map') return all
    for (const { key, value } of options.entries) {
      const text = textOf(value)
      if (key === 'driver') {
        all &&= text !== undefined && QUIET.has(text)
      } else if (key === 'img' || key === 'filename') {
        this.#image(text ?? '?', touches)
      } else {
        const one = this.#value(value, touches)
        if (one === undefined) return undefined
        all &&= one
      }
    }
    return all
  }

  #image(name: string, touches: Set<string>): void {
    if (touches.has(`image ${name}`)) return
    touches.add(`image ${name}`)
    const below = this.#backing.get(name)
    if (below !== undefined) this.#image(below, touches)
  }

  /** A text that is the name of a node is that node; anything else is a plain option. */
  #value(value: Template, touches: Set<string>): boolean | undefined {
    const text = textOf(value)
    if (text !== undefined) return this.#nodes.has(text) ? this.#follow(text, touches) : true
    return value.kind === 'variable' && value.value === undefined
      ? undefined
      : this.#inside(value, touches, true)
  }
}

function isSetup(step: Step): boolean {
  return (
    step.kind === 'create' ||
    step.kind === 'seed' ||
    (step.kind === 'node' && step.configured) ||
    (step.kind === 'object' && step.configured) ||
    (step.kind === 'export' && step.configured)
  )
}

function isQuery(command: string): boolean {
  return /^(?:x-debug-)?query-/.test(command)
}

function keepsGraph(step: Step): boolean {
  switch (step.kind) {
    case 'phase':
    case 'io':
    case 'verify':
    case 'graph':
    case 'schema':
    case 'events':
    case 'advance':
    case 'wait':
      return true
    case 'qmp':
      return isQuery(step.command)
    default:
      return false
  }
}

function changes({ script }: IoStep): boolean {
  return script.lines.some(({ statement }) => {
    if (statement.kind === 'rw') return statement.write || statement.async
    return statement.kind !== 'map' && statement.kind !== 'verify'
  })
}
