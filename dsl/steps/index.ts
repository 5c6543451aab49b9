/** Every step kind. Adding one means one definition and one line here. */
import { exportStep, node, object } from './add.ts'
import { fault } from './fault.ts'
import { io, verify } from './io.ts'
import type { StepKindInfo } from './kind.ts'
import { each } from './each.ts'
import { use } from './use.ts'
import { qmp, raw } from './qmp.ts'
import { crash, restart, save, schema } from './target.ts'
import { together } from './together.ts'
import { img } from './img.ts'
import { nbd } from './nbd.ts'
import { advance, events, graph, phase, wait } from './wait.ts'

/** Kinds whose key is nothing else in any step; `save` and `events` may also be attributes. */
export const STEP_KINDS: Readonly<Record<string, StepKindInfo>> = {
  phase,
  qmp,
  raw,
  node,
  object,
  export: exportStep,
  io,
  verify,
  wait,
  graph,
  img,
  nbd,
  each,
  use,
  schema,
  restart,
  crash,
  advance,
  fault,
  together,
}

export const ATTRIBUTE_KINDS = { save, events } as const satisfies Record<string, StepKindInfo>

/** Kinds of the language that nobody has built yet. */
export const KINDS_NOT_BUILT = ['hmp', 'device', 'migrate', 'expect-log'] as const

/** What people write who want a pause. */
export const SLEEPS = ['sleep', 'pause', 'delay'] as const
