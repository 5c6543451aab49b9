/** Templates at run time: the value that is sent, and the words that the golden shows for it. */
import type { Scalar, Template, Value, Variable } from '../dsl/plan.ts'
import { assert } from '../engine/client.ts'
import { plainText } from './json.ts'
import { bare, isBare, type Shown } from './notation.ts'

/** What only the running case can tell. */
export interface Scope {
  /** Absolute path of an image. */
  image(name: string): string
  /** Absolute path that does not exist yet. */
  fresh(name: string): string
  saved(name: string): Value | undefined
}

/** The value of a variable; `undefined` for a `$save` that has none. */
export function valueOf(variable: Variable, scope: Scope): Value | undefined {
  switch (variable.scope) {
    case 'img':
      return scope.image(nameIn(variable))
    case 'new':
      return scope.fresh(nameIn(variable))
    case 'save':
      return savedValue(variable, scope)
    case 'matrix':
    case 'param':
    case 'loop':
    case 'with':
      assert(variable.value !== undefined, `$${variable.path} carries its value`)
      return variable.value
  }
}

/** `img.base` names `base`. */
function nameIn(variable: Variable): string {
  const dot = variable.path.indexOf('.')
  return dot < 0 ? variable.path : variable.path.slice(dot + 1)
}

function savedValue(variable: Variable, scope: Scope): Value | undefined {
  const path = variable.path.startsWith('save.') ? variable.path.slice(5) : variable.path
  const [name = '', ...members] = path.split('.')
  let value = scope.saved(name)
  for (const key of members) {
    const map = value
    if (typeof map !== 'object' || map === null) return undefined
    value = (map as Readonly<Record<string, Value>>)[key]
  }
  return value
}

/** The value to send. @throws {Error} for a `$save` without value. */
export function resolveTemplate(template: Template, scope: Scope): Value {
  switch (template.kind) {
    case 'scalar':
      return template.value
    case 'variable': {
      const value = valueOf(template, scope)
      if (value === undefined) throw new UnsetVariable(template)
      return value
    }
    case 'text':
      return template.parts
        .map((part) => (typeof part === 'string' ? part : plainText(resolveTemplate(part, scope))))
        .join('')
    case 'list':
      return template.items.map((item) => resolveTemplate(item, scope))
    case 'map':
      return Object.fromEntries(
        template.entries.map((entry) => [entry.key, resolveTemplate(entry.value, scope)]),
      )
  }
}

/** A variable that nothing was saved under. */
export class UnsetVariable extends Error {
  override readonly name = 'UnsetVariable'
  readonly variable: Variable

  constructor(variable: Variable) {
    super(`$${variable.path} has no value yet`)
    this.variable = variable
  }
}

/** The words for a template: matrix variables stay visible, so that cases share their lines. */
export function showTemplate(template: Template): Shown {
  switch (template.kind) {
    case 'scalar':
      return template.value
    case 'variable':
      return showVariable(template)
    case 'text':
      return showText(template.parts)
    case 'list':
      return template.items.map(showTemplate)
    case 'map':
      return Object.fromEntries(
        template.entries.map((entry) => [entry.key, showTemplate(entry.value)]),
      )
  }
}

function showVariable(variable: Variable): Shown {
  switch (variable.scope) {
    case 'matrix':
    case 'save':
      return bare(`$${variable.path}`)
    case 'img':
    case 'new':
      return bare(`${variable.scope}:${nameIn(variable)}`)
    case 'loop':
      return isScalar(variable.value) ? variable.value : bare(`$${variable.path}`)
    case 'param':
    case 'with':
      return variable.value ?? null
  }
}

function isScalar(value: Value | undefined): value is Scalar {
  return value !== undefined && (typeof value !== 'object' || value === null)
}

function showText(parts: readonly (string | Variable)[]): Shown {
  const symbolic = parts.some((part) => typeof part !== 'string' && isBare(showVariable(part)))
  let whole = ''
  parts.forEach((part, index) => {
    if (typeof part === 'string') {
      whole += part
      return
    }
    const word = showVariable(part)
    if (isBare(word)) {
      const next = parts[index + 1]
      const clash = word.text.startsWith('$') && typeof next === 'string' && /^[\w.]/.test(next)
      whole += clash ? `\${${word.text.slice(1)}}` : word.text
    } else {
      whole += plainText(word as Value)
    }
  })
  if (!symbolic) return whole
  return bare(/^[\w$:./#@+{}-]+$/.test(whole) ? whole : `$${JSON.stringify(whole)}`)
}
