/** The engine in a worker thread: one that dies or never yields is a finding, and not our end. */
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { packageRoot } from '../places.ts'
import type { SidePlayed } from './compare.ts'
import type { EngineJob, EngineMessage, EngineSetup } from './messages.ts'
import type { Ending, StepRecord } from './record.ts'
import type { FuzzStep } from './step.ts'

const HEAP_MB = 1024

/** Threads do not inherit the loader that lets the sources run as they are. */
const FROM_SOURCE = `import('tsx/esm/api').then(({ register }) => {
  register()
  return import(${JSON.stringify(new URL('./worker.ts', import.meta.url).href)})
})`

export interface EnginePlayed extends SidePlayed {
  /** The steps as drawn; of a sequence that ended early, up to the step of its end. */
  readonly steps: readonly FuzzStep[]
}

interface Waiting {
  readonly steps: FuzzStep[]
  readonly records: StepRecord[]
  finish(ending: Ending): void
}

export class EngineSide {
  readonly #setup: EngineSetup
  readonly #withinMs: number
  #worker: Worker | undefined
  #waiting: Waiting | undefined

  /** @param withinMs - What one sequence may take before its worker is ended from outside. */
  constructor(setup: EngineSetup, withinMs: number) {
    this.#setup = setup
    this.#withinMs = withinMs
  }

  async play(job: EngineJob): Promise<EnginePlayed> {
    const worker = this.#worker ?? this.#start()
    const steps: FuzzStep[] = 'steps' in job.play ? [...job.play.steps] : []
    const records: StepRecord[] = []
    const ending = await new Promise<Ending>((resolve) => {
      const timer = setTimeout(() => {
        this.#lose(worker, { kind: 'hung', how: `the engine took over ${this.#withinMs} ms` })
      }, this.#withinMs)
      const finish = (end: Ending): void => {
        clearTimeout(timer)
        this.#waiting = undefined
        resolve(end)
      }
      this.#waiting = { steps, records, finish }
      worker.postMessage(job)
    })
    return { steps, records, ending }
  }

  async close(): Promise<void> {
    this.#waiting?.finish({ kind: 'done' })
    await this.#worker?.terminate()
    this.#worker = undefined
  }

  #start(): Worker {
    const fromSource = import.meta.url.endsWith('.ts')
    const file = fromSource ? FROM_SOURCE : join(packageRoot(), 'dist', 'fuzz-worker.js')
    const worker = new Worker(file, {
      eval: fromSource,
      workerData: this.#setup,
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
    })
    this.#worker = worker
    worker.on('message', (message: EngineMessage) => {
      if (this.#worker === worker) this.#take(worker, message)
    })
    worker.on('error', (error: Error) => {
      this.#lose(worker, { kind: 'died', how: `${error.name}: ${error.message}` })
    })
    worker.on('exit', (status) => {
      this.#lose(worker, { kind: 'died', how: `the worker ended with status ${String(status)}` })
    })
    return worker
  }

  #take(worker: Worker, message: EngineMessage): void {
    switch (message.kind) {
      case 'step':
        this.#waiting?.steps.push(message.step)
        return
      case 'record':
        this.#waiting?.records.push(message.record)
        return
      case 'end':
        this.#waiting?.finish(message.ending)
        return
      case 'bug':
        this.#lose(worker, { kind: 'broken', how: message.message })
    }
  }

  #lose(worker: Worker, ending: Ending): void {
    if (this.#worker !== worker) return
    this.#worker = undefined
    void worker.terminate()
    this.#waiting?.finish(ending)
  }
}
