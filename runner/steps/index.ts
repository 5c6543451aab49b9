/**
 * Every kind of step, in the order in which readers are told of them. Adding one means one new file
 * and one line here. Kinds that only hold or head other steps are the language's own.
 */
import { each, phase, together, use } from '../../dsl/index.ts'
import type { StepKinds } from '../../dsl/steps/kind.ts'
import { exported, node, object } from './add.ts'
import { events } from './events.ts'
import { expectLog } from './expect-log.ts'
import { fault } from './fault.ts'
import { graph } from './graph.ts'
import { img } from './img/img.ts'
import { io } from './io.ts'
import { nbd } from './nbd.ts'
import { qmp } from './qmp.ts'
import { raw } from './raw.ts'
import { save } from './save.ts'
import { schema } from './schema.ts'
import { create, seed } from './seed.ts'
import type { PlayedKind, PlayedStep, StepDefinition } from './step.ts'
import { advance, crash, restart } from './target.ts'
import { verify } from './verify.ts'
import { wait } from './wait.ts'

type Played = { readonly [K in PlayedKind]: StepDefinition<K> }

export const STEPS = {
  phase,
  qmp,
  raw,
  node,
  object,
  export: exported,
  io,
  verify,
  wait,
  graph,
  img,
  nbd,
  each,
  use,
  schema,
  'expect-log': expectLog,
  restart,
  crash,
  advance,
  fault,
  together,
  save,
  events,
  create,
  seed,
} as const satisfies Played & StepKinds

export function definitionOf(step: PlayedStep): StepDefinition {
  // The table gives each kind its own definition; that they agree is what its type says.
  return STEPS[step.kind]
}
