/**
 * Images at rest that are not raw: a second target over the same files opens them, and the script
 * reaches them through an NBD export, as it reaches nodes.
 */
import type { Span } from '../dsl/plan.ts'
import { NbdClient } from '../engine/client.ts'
import { ALLOCATION, type Device, nbdDevice } from './device.ts'
import type { Play } from './play.ts'
import { member } from './json.ts'
import { StepError } from './step-error.ts'
import { Session } from './session.ts'
import type { Machine } from './targets/target.ts'

interface Daemon {
  readonly machine: Machine
  readonly session: Session
}

export class AtRest {
  readonly #play: Play
  #daemon: Daemon | undefined
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
    const { session } = await this.#start()
    this.#serial += 1
    const node = `rest${String(this.#serial)}`
    const ask = async (command: string, args: Record<string, never> | object): Promise<void> => {
      const reply = await session.command(
        command,
        args as Record<string, never>,
        this.#play.withinMs,
      )
      if (reply.kind === 'error') {
        throw new StepError(this.#play.normaliser.prose(reply.desc), span)
      }
    }
    await ask('blockdev-add', {
      driver: format,
      'node-name': node,
      'read-only': !write,
      file: { driver: 'file', filename: path },
    })
    await ask('block-export-add', {
      type: 'nbd',
      id: node,
      'node-name': node,
      name: node,
      writable: write,
    })
    const client = await this.#play.limit(this.#connect(node), 'the NBD connection')
    try {
      return await work(nbdDevice(client))
    } finally {
      await this.#play.limit(client.disconnect(), 'the NBD client')
      await ask('block-export-del', { id: node, mode: 'hard' })
      await session.waitFor(
        () =>
          session.events.some(
            ({ name, data }) => name === 'BLOCK_EXPORT_DELETED' && member(data, 'id') === node,
          ),
        this.#play.withinMs,
        'the end of an export',
      )
      await ask('blockdev-del', { 'node-name': node })
    }
  }

  async stop(): Promise<void> {
    const daemon = this.#daemon
    this.#daemon = undefined
    if (daemon === undefined) return
    await daemon.machine.stop()
    daemon.session.close()
  }

  get #socket(): string {
    return `${this.#play.station.socketDirectory}/blockspec-rest.sock`
  }

  async #connect(name: string): Promise<NbdClient> {
    const stream = await this.#play.station.host.sockets.connect({
      type: 'unix',
      path: this.#socket,
    })
    return NbdClient.connect(stream, { export: name, metaContexts: [ALLOCATION] })
  }

  async #start(): Promise<Daemon> {
    if (this.#daemon !== undefined) return this.#daemon
    const machine = await this.#play.station.startOffline()
    const session = new Session(machine.monitor, this.#play.station.host.clock)
    this.#daemon = { machine, session }
    this.#serial = 0
    await session.negotiate(this.#play.withinMs)
    await session.command(
      'nbd-server-start',
      { addr: { type: 'unix', data: { path: this.#socket } } },
      this.#play.withinMs,
    )
    return this.#daemon
  }
}
