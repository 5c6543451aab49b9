/** The inside of a worker thread: draws sequences and plays them on the engine, one after the other. */
import { parentPort, workerData } from 'node:worker_threads'
import { createTarget } from '../targets/index.ts'
import { Generator } from './generator.ts'
import { baseCase } from './images.ts'
import type { EngineJob, EngineMessage, EngineSetup } from './messages.ts'
import { FuzzSchema } from './schema.ts'
import { playSide, type StepSource } from './side.ts'
import type { FuzzStep } from './step.ts'

const port = parentPort
// Only the engine's side in the main thread starts this module.
const setup = workerData as EngineSetup
const target = createTarget({ kind: 'engine', text: 'engine' })
const selected = baseCase()
const unreadReplies = new Set(setup.unreadReplies)

function send(message: EngineMessage): void {
  port?.postMessage(message)
}

function fixed(steps: readonly FuzzStep[]): StepSource {
  let at = 0
  return {
    next: () => {
      at += 1
      return steps[at - 1]
    },
  }
}

function drawn(generator: Generator): StepSource {
  return {
    next: () => {
      const step = generator.next()
      if (step !== undefined) send({ kind: 'step', step })
      return step
    },
    seen: (step, record, queried) => {
      if (step.kind === 'qmp' && record.accepted) generator.state.note(step)
      if (queried !== undefined) generator.state.see(queried)
    },
  }
}

async function play(job: EngineJob): Promise<void> {
  const capabilities = await target.probe()
  const station = await target.open({
    profile: 'qemu',
    time: 'virtual',
    seed: 1,
    surroundings: setup.surroundings,
    // Named as on the real side, so that both tell the same paths.
    directory: job.directory,
  })
  const source =
    'steps' in job.play
      ? fixed(job.play.steps)
      : drawn(
          new Generator({
            schema: new FuzzSchema(capabilities.schema),
            seed: setup.seed,
            index: job.play.index,
            steps: setup.steps,
            undrawn: new Set(setup.undrawn),
          }),
        )
  const ending = await playSide(source, {
    station,
    selected,
    capabilities,
    template: setup.template,
    timeoutScale: 1,
    unreadReplies,
    onRecord: (_step, record) => {
      send({ kind: 'record', record })
    },
    isStopped: () => false,
  })
  send({ kind: 'end', ending })
}

port?.on('message', (job: EngineJob) => {
  play(job).catch((error: unknown) => {
    send({
      kind: 'bug',
      message: error instanceof Error ? (error.stack ?? error.message) : String(error),
    })
  })
})
