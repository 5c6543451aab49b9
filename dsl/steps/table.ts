/** The kinds of step that a compiler was given, by all that the language looks them up by. */
import type { KeyInfo } from '../check.ts'
import type { Step } from '../plan.ts'
import { group } from './group.ts'
import type { SectionForm, StepFacts, StepForm, StepKindInfo, StepKinds } from './kind.ts'

/** Words that the language keeps for kinds of step; those that it is given are built. */
const KEPT = ['hmp', 'device', 'migrate', 'expect-log'] as const

/** What people write who want a pause. */
export const SLEEPS = ['sleep', 'pause', 'delay'] as const

export class StepTable {
  /** Kinds whose key is nothing else in any step. */
  readonly steps: Readonly<Record<string, StepForm>>
  /** Kinds whose key may stand on steps of other kinds too. */
  readonly attributes: Readonly<Record<string, StepForm>>
  readonly notBuilt: readonly string[]
  readonly #byBody: ReadonlyMap<string, StepKindInfo>
  readonly #sections: ReadonlyMap<string, SectionForm>
  readonly #keys = new Map<string, Readonly<Record<string, KeyInfo>>>()

  constructor(kinds: StepKinds) {
    const forms = Object.entries(kinds).flatMap(([name, { written }]) =>
      written === undefined ? [] : [[name, written] as const],
    )
    this.steps = Object.fromEntries(forms.filter(([, form]) => form.isAttribute !== true))
    this.attributes = Object.fromEntries(forms.filter(([, form]) => form.isAttribute === true))
    this.notBuilt = KEPT.filter((name) => !Object.hasOwn(kinds, name))
    const all: readonly StepKindInfo[] = [group, ...Object.values(kinds)]
    this.#byBody = new Map(all.map((info) => [info.kind, info]))
    this.#sections = new Map(
      all.flatMap(({ section }) => (section === undefined ? [] : [[section.name, section]])),
    )
  }

  section(name: SectionForm['name']): SectionForm | undefined {
    return this.#sections.get(name)
  }

  facts(step: Step): StepFacts {
    return this.#byBody.get(step.kind)?.facts?.(step) ?? {}
  }

  /** Keys that a step may carry, `common` being those of every step; made once per kind. */
  keys(name: string, form: StepForm, common: Readonly<Record<string, KeyInfo>>) {
    const known = this.#keys.get(name)
    if (known !== undefined) return known
    const made = { ...common, [name]: form, ...form.keys }
    this.#keys.set(name, made)
    return made
  }
}
