/** Conditions that only the running case on its target can decide. */
import type { Condition } from '../dsl/plan.ts'
import { sameValue } from './json.ts'
import { versionHolds } from './targets/capabilities.ts'
import type { Capabilities } from './targets/target.ts'
import { resolveTemplate, type Scope } from './variables.ts'

export function holds(condition: Condition, target: Capabilities, scope: Scope): boolean {
  switch (condition.kind) {
    case 'constant':
      return condition.value
    case 'has':
      return target.missing(condition.need) === undefined
    case 'version':
      return versionHolds(target.version, condition.operator, condition.version)
    case 'compare': {
      const left = resolveTemplate(condition.left, scope)
      const right = resolveTemplate(condition.right, scope)
      return sameValue(left, right) === condition.equal
    }
    case 'not':
      return !holds(condition.condition, target, scope)
    case 'and':
      return condition.conditions.every((part) => holds(part, target, scope))
    case 'or':
      return condition.conditions.some((part) => holds(part, target, scope))
  }
}
