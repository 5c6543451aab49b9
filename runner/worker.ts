/** The inside of a worker thread: plays on the engine what it is told, one case after the other. */
import { parentPort, workerData } from 'node:worker_threads'
import { playSelected } from './play-selected.ts'
import type { Answer, Job, WorkerSetup } from './pool.ts'
import { createTarget } from './targets/index.ts'

const port = parentPort
// The pool starts this module and nothing else does.
const setup = workerData as WorkerSetup
const target = createTarget(setup.target)

function send(answer: Answer): void {
  port?.postMessage(answer)
}

async function play(job: Job): Promise<void> {
  const scenario = setup.scenarios[job.scenario]
  const which = scenario?.cases[job.case]
  if (scenario === undefined || which === undefined) throw new Error('no such case')
  const played = await playSelected(
    { scenario, case: which, profile: job.profile },
    target,
    setup,
    (phase, text) => {
      send({ kind: 'step', phase, text })
    },
  )
  send({ kind: 'done', played })
}

port?.on('message', (job: Job) => {
  play(job).catch((error: unknown) => {
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
    send({ kind: 'broken', message })
  })
})
