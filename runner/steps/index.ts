/** Every kind of step. Adding one means one new file and one line here. */
import { exported, node, object } from './add.ts'
import { events } from './events.ts'
import { fault } from './fault.ts'
import { graph } from './graph.ts'
import { img } from './img.ts'
import { io } from './io.ts'
import { nbd } from './nbd.ts'
import { qmp } from './qmp.ts'
import { raw } from './raw.ts'
import { save } from './save.ts'
import { schema } from './schema.ts'
import { create, seed } from './seed.ts'
import type { PlayedKind, StepDefinition } from './step.ts'
import { advance, crash, restart } from './target.ts'
import { verify } from './verify.ts'
import { wait } from './wait.ts'

type Steps = { readonly [K in PlayedKind]: StepDefinition<K> }

export const STEPS: Steps = {
  advance,
  crash,
  create,
  events,
  export: exported,
  fault,
  graph,
  img,
  io,
  nbd,
  node,
  object,
  qmp,
  raw,
  restart,
  save,
  schema,
  seed,
  verify,
  wait,
}
