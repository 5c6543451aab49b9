/** Variables whose values are known when a scenario is compiled, innermost scope first. */
import type { Source } from './source.ts'
import type { Span } from './plan.ts'
import type { Node } from './tree.ts'

export type BindingScope = 'matrix' | 'param' | 'loop' | 'with'

export interface Binding {
  readonly name: string
  readonly scope: BindingScope
  readonly node: Node
  readonly source: Source
  readonly span: Span
  /** Shared by all cases, so that one use in one case is enough. */
  readonly usage: { used: boolean }
}

export class Scope {
  readonly #bindings: ReadonlyMap<string, Binding>
  readonly #outer: Scope | undefined

  constructor(bindings: Iterable<Binding>, outer?: Scope) {
    this.#bindings = new Map([...bindings].map((binding) => [binding.name, binding]))
    this.#outer = outer
  }

  lookup(name: string): Binding | undefined {
    return this.#bindings.get(name) ?? this.#outer?.lookup(name)
  }

  /** Every name in scope, for suggestions. */
  names(): string[] {
    return [...this.#bindings.keys(), ...(this.#outer?.names() ?? [])]
  }
}
