/**
 * Worker threads that play cases on the engine: each has an engine of its own, a memory limit, and
 * somebody outside who ends it when a case takes too long even to notice its own deadline.
 */
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Suite } from '../dsl/plan.ts'
import type { Played } from './execute.ts'
import { packageRoot } from './places.ts'
import type { Selected } from './selected.ts'
import type { EngineSpec } from './targets/target.ts'

/** Heap of one worker. */
const HEAP_MB = 1024
/** Beyond the case's own budget, before the worker is ended from outside. */
const GRACE_MS = 3000

/** Threads do not inherit the loader that lets the sources run as they are. */
const FROM_SOURCE = `import('tsx/esm/api').then(({ register }) => {
  register()
  return import(${JSON.stringify(new URL('./worker.ts', import.meta.url).href)})
})`

export interface WorkerSetup {
  readonly target: EngineSpec
  readonly scenarios: Suite['scenarios']
  readonly sources: Suite['sources']
  readonly seed: number
  readonly timeoutScale: number
  readonly keep: 'none' | 'failed' | 'all'
}

export interface Job {
  readonly scenario: number
  readonly case: number
  readonly profile: Selected['profile']
}

export type Answer =
  | { readonly kind: 'step'; readonly phase: string; readonly text: string }
  | { readonly kind: 'done'; readonly played: Played }
  | { readonly kind: 'broken'; readonly message: string }

/** What the case that is being played waits for. */
interface Waiting {
  answer(answer: Answer): void
  lose(end: Played['end'], message: string): void
}

/** One worker at a time plays one case at a time. */
export class PoolWorker {
  readonly #setup: WorkerSetup
  #worker: Worker | undefined
  #waiting: Waiting | undefined

  constructor(setup: WorkerSetup) {
    this.#setup = setup
  }

  async play(
    job: Job,
    budgetMs: number,
    onStep: (phase: string, text: string) => void,
  ): Promise<Played> {
    const worker = this.#worker ?? this.#start()
    return new Promise<Played>((resolve) => {
      const finish = (played: Played): void => {
        clearTimeout(timer)
        this.#waiting = undefined
        resolve(played)
      }
      const lose = (end: Played['end'], message: string): void => {
        if (this.#worker === worker) this.#worker = undefined
        void worker.terminate()
        finish(lost(end, message))
      }
      const timer = setTimeout(() => {
        const limit = String(budgetMs)
        lose('timeout', `the case took over ${limit} ms and had to be stopped from outside`)
      }, budgetMs + GRACE_MS)
      this.#waiting = {
        lose,
        answer: (answer) => {
          if (answer.kind === 'step') onStep(answer.phase, answer.text)
          else if (answer.kind === 'done') finish(answer.played)
          else lose('error', answer.message)
        },
      }
      worker.postMessage(job)
    })
  }

  async close(): Promise<void> {
    await this.#worker?.terminate()
    this.#worker = undefined
  }

  #start(): Worker {
    const fromSource = import.meta.url.endsWith('.ts')
    const file = fromSource ? FROM_SOURCE : join(packageRoot(), 'dist', 'worker.js')
    this.#worker = new Worker(file, {
      eval: fromSource,
      workerData: this.#setup,
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
    })
    const worker = this.#worker
    const ours = (): Waiting | undefined => (this.#worker === worker ? this.#waiting : undefined)
    worker.on('message', (answer: Answer) => ours()?.answer(answer))
    worker.on('error', (error: Error) => ours()?.lose('crash', `the worker died: ${error.message}`))
    worker.on('exit', (status) =>
      ours()?.lose('crash', `the worker ended with status ${String(status)}`),
    )
    return worker
  }
}

function lost(end: Played['end'], message: string): Played {
  return {
    end,
    transcript: '',
    phases: [],
    failures: [{ code: 'worker', message, phase: '' }],
    failedSteps: [],
    normalised: {},
  }
}
