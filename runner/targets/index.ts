/** From a target's name to a target that plays. */
import { createAttachedTarget } from './attached.ts'
import { createEngineTarget } from './engine.ts'
import { createProcessTarget } from './process.ts'
import type { Target, TargetSpec } from './target.ts'

export { targetFolder } from './known.ts'
export { parseTargetSpec } from './spec.ts'

export interface TargetSettings {
  /** The user said that a running target may be changed. */
  readonly owned: boolean
  readonly timeoutScale: number
}

const made = new Map<string, Target>()

/** Cached by the spec's text, so that a target is probed once. @throws {TargetError} */
export function createTarget(
  spec: TargetSpec,
  settings: TargetSettings = { owned: false, timeoutScale: 1 },
): Target {
  const key = `${spec.text} ${JSON.stringify(settings)}`
  const known = made.get(key)
  if (known !== undefined) return known
  const target = create(spec, settings)
  made.set(key, target)
  return target
}

function create(spec: TargetSpec, settings: TargetSettings): Target {
  switch (spec.kind) {
    case 'engine':
      return createEngineTarget(spec)
    case 'qsd':
    case 'system':
      return createProcessTarget(spec, settings.timeoutScale)
    case 'qmp':
      return createAttachedTarget(spec, settings.owned)
  }
}
