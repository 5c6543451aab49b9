/** Which targets the goldens of a scenario stand for, as the provenance says. */
import { join } from 'node:path'
import type { Scenario } from '../../dsl/plan.ts'
import { readProvenance, type Origin } from '../provenance.ts'
import { goldenPath } from '../store.ts'

/** Targets that recorded or confirmed every recorded case, by `PROFILE SCENARIO`. */
export function confirmedTargets(
  golden: string,
  scenarios: readonly Scenario[],
): ReadonlyMap<string, ReadonlySet<string>> {
  const provenance = readProvenance(join(golden, 'provenance.json'))
  const found = new Map<string, ReadonlySet<string>>()
  for (const { id, profiles } of scenarios) {
    for (const profile of profiles) {
      const origins = [...(provenance.get(goldenPath(id, profile))?.values() ?? [])]
      if (origins.length > 0) found.set(`${profile} ${id}`, common(origins))
    }
  }
  return found
}

function common(origins: readonly Origin[]): ReadonlySet<string> {
  const [first = [], ...rest] = origins.map(({ from, same }) => [from, ...same])
  return new Set(first.filter((target) => rest.every((others) => others.includes(target))))
}
