/**
 * Images at rest that are not raw: a second target over the same files opens them. An engine in this
 * process gives the node itself; any other target shows it over NBD.
 */
import type { Span, Value } from '../dsl/plan.ts'
import { BlockError } from '../engine/client.ts'
import { type Device, nodeDevice } from './device.ts'
import type { Play } from './play.ts'
import { RestDaemon } from './rest-daemon.ts'
import { StepError } from './step-error.ts'
import type { Machine } from './targets/target.ts'

export interface OpenImage {
  readonly device: Device
  close(): Promise<void>
}

/** What opens images, from the first of a case until its own target starts. */
export interface Opener {
  /** @throws {BlockError} when it cannot be opened; what is left of it ends with the opener. */
  open(
    node: string,
    options: Readonly<Record<string, Value>>,
    writable: boolean,
  ): Promise<OpenImage>
  stop(): Promise<void>
}

export class AtRest {
  readonly #play: Play
  #opener: Opener | undefined
  #serial = 0

  constructor(play: Play) {
    this.#play = play
  }

  /** @throws {StepError} when the image cannot be opened. */
  async withDevice<T>(
    path: string,
    format: string,
    write: boolean,
    span: Span,
    work: (device: Device) => Promise<T>,
  ): Promise<T> {
    this.#opener ??= await this.#start()
    const opener = this.#opener
    const name = `rest${String(++this.#serial)}`
    const options = {
      driver: format,
      'read-only': !write,
      file: { driver: 'file', filename: path },
    }
    const image = await this.#telling(span, opener.open(name, options, write))
    try {
      return await work(image.device)
    } finally {
      await this.#telling(span, image.close())
    }
  }

  async stop(): Promise<void> {
    const opener = this.#opener
    this.#opener = undefined
    await opener?.stop()
  }

  async #start(): Promise<Opener> {
    const machine = await this.#play.station.startOffline()
    return inProcess(machine) ?? RestDaemon.start(this.#play, machine)
  }

  /** What the target says against it is the step's failure. */
  async #telling<T>(span: Span, work: Promise<T>): Promise<T> {
    try {
      return await work
    } catch (error) {
      if (!(error instanceof BlockError)) throw error
      throw new StepError(this.#play.normaliser.prose(error.message), span)
    }
  }
}

function inProcess(machine: Machine): Opener | undefined {
  const { openDevice } = machine
  if (openDevice === undefined) return undefined
  return {
    async open(node, options, writable) {
      const device = await openDevice({ ...options, 'node-name': node }, { writable })
      return { device: nodeDevice(device), close: () => device.close() }
    },
    stop: () => machine.stop(),
  }
}
