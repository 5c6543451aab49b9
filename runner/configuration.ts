/**
 * What `restart` adds again: the objects, nodes and exports that the scenario declares. `clean` takes
 * them as declared, `as configured` with the options that `blockdev-reopen` gave them last.
 */
import type { Span, Step, StepCommon, Template, Value } from '../dsl/plan.ts'
import type { AddStep } from './steps/add.ts'
import type { QmpStep } from './steps/qmp.ts'

type Configured = AddStep & StepCommon

export class Configuration {
  readonly #setup: readonly Step[]
  readonly #reopened = new Map<string, Template>()

  constructor(setup: readonly Step[]) {
    this.#setup = setup
  }

  /** After a command that worked: remembers what it restated. */
  note(step: QmpStep): void {
    if (step.command !== 'blockdev-reopen') return
    const list = memberOf(step.arguments, 'options')
    for (const item of itemsOf(list)) {
      const options = asTemplate(item)
      const name = textOf(memberOf(options, 'node-name'))
      if (options.kind !== 'map' || name === undefined) continue
      const entries = options.entries.filter(({ key }) => key !== 'node-name')
      this.#reopened.set(name, { ...options, entries })
    }
  }

  /** In the order of the declarations. */
  steps(how: 'clean' | 'as configured'): readonly Configured[] {
    return this.#setup.flatMap((step) => {
      if (!isConfigured(step)) return []
      const options = how === 'clean' ? undefined : this.#reopened.get(step.name)
      if (options === undefined || step.kind !== 'node') return [step]
      const { faults: _faults, ...rest } = step
      return [{ ...rest, options }]
    })
  }
}

function isConfigured(step: Step): step is Configured {
  return (
    (step.kind === 'node' || step.kind === 'object' || step.kind === 'export') && step.configured
  )
}

function memberOf(template: Template | undefined, name: string): Template | undefined {
  if (template?.kind !== 'map') return undefined
  return template.entries.find(({ key }) => key === name)?.value
}

function itemsOf(template: Template | undefined): readonly Template[] {
  const list = template === undefined ? undefined : asTemplate(template)
  return list?.kind === 'list' ? list.items : []
}

function textOf(template: Template | undefined): string | undefined {
  const plain = template === undefined ? undefined : asTemplate(template)
  return plain?.kind === 'scalar' && typeof plain.value === 'string' ? plain.value : undefined
}

/** A variable whose value is known is that value. */
function asTemplate(template: Template): Template {
  if (template.kind !== 'variable' || template.value === undefined) return template
  return templateOf(template.value, template.span)
}

function templateOf(value: Value, span: Span): Template {
  if (Array.isArray(value)) {
    const items = value as readonly Value[]
    return { kind: 'list', items: items.map((item) => templateOf(item, span)), span }
  }
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(([key, part]) => ({
      key,
      keySpan: span,
      value: templateOf(part, span),
    }))
    return { kind: 'map', entries, span }
  }
  return { kind: 'scalar', value: value, span }
}
