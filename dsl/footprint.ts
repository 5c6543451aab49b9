/** What steps touch, as far as the text of a case tells: for the orders of actors. */
import type { Step, Subject, Template } from './plan.ts'
import { textOf } from './needs.ts'
import type { Footprint } from './schedules.ts'
import type { StepFacts } from './steps/kind.ts'
import type { StepTable } from './steps/table.ts'

const LOOKS_AT_EVERYTHING: Footprint = { touches: 'everything', writes: false }
const CHANGES_EVERYTHING: Footprint = { touches: 'everything', writes: true }

/** Drivers of which reading leaves no trace. All others may count, copy, throttle or repair. */
const QUIET = new Set(['file', 'raw', 'null-co', 'null-aio', 'qcow2'])

type Node = NonNullable<StepFacts['node']>

/** What the nodes of the setup stand on. */
export class Footprints {
  readonly #kinds: StepTable
  readonly #nodes = new Map<string, Node>()
  /** Backing images by image. */
  readonly #backing = new Map<string, string>()
  /** After a command that may have changed the graph nothing is known. */
  readonly #isKnown: boolean

  /** @param before - Steps of the case that are played before the lanes, without the setup. */
  constructor(
    kinds: StepTable,
    setup: readonly Step[],
    before: readonly Step[],
    lanes: readonly (readonly Step[])[],
  ) {
    this.#kinds = kinds
    for (const step of [...setup, ...before]) {
      const { node, image } = kinds.facts(step)
      if (node !== undefined) this.#nodes.set(node.name, node)
      const backing = image?.options.find(({ name }) => name === 'backing')
      if (image !== undefined && backing !== undefined) this.#backing.set(image.name, backing.value)
    }
    this.#isKnown = [...before, ...lanes.flat()].every(
      (step) => kinds.facts(step).keepsGraph === true,
    )
  }

  of(step: Step): Footprint {
    const { touches, changes = true } = this.#kinds.facts(step)
    if (touches === undefined) return changes ? CHANGES_EVERYTHING : LOOKS_AT_EVERYTHING
    return this.#device(touches, changes)
  }

  #device(subject: Subject, writes: boolean): Footprint {
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
    const node = this.#nodes.get(name)
    if (node?.options === undefined) return undefined
    return this.#inside(node.options, touches, node.faults.length === 0)
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
