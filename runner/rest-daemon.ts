/** A target that runs beside the case's own and shows images at rest over NBD, as nodes are shown. */
import type { Value } from '../dsl/plan.ts'
import { BlockError, NbdClient } from '../engine/client.ts'
import { ALLOCATION, nbdDevice } from './device.ts'
import type { OpenImage, Opener } from './at-rest.ts'
import { member } from './json.ts'
import type { Play } from './play.ts'
import { Session } from './session.ts'
import type { Machine } from './targets/target.ts'

export class RestDaemon implements Opener {
  readonly #play: Play
  readonly #machine: Machine
  readonly #session: Session

  static async start(play: Play, machine: Machine): Promise<RestDaemon> {
    const daemon = new RestDaemon(play, machine)
    await daemon.#session.negotiate(play.withinMs)
    await daemon.#ask('nbd-server-start', {
      addr: { type: 'unix', data: { path: daemon.#socket } },
    })
    return daemon
  }

  private constructor(play: Play, machine: Machine) {
    this.#play = play
    this.#machine = machine
    this.#session = new Session(machine.monitor, play.station.host.clock)
  }

  async open(
    node: string,
    options: Readonly<Record<string, Value>>,
    writable: boolean,
  ): Promise<OpenImage> {
    await this.#ask('blockdev-add', { ...options, 'node-name': node })
    await this.#ask('block-export-add', {
      type: 'nbd',
      id: node,
      'node-name': node,
      name: node,
      writable,
    })
    const client = await this.#play.limit(this.#connect(node), 'the NBD connection')
    return { device: nbdDevice(client), close: () => this.#close(node, client) }
  }

  async stop(): Promise<void> {
    await this.#machine.stop()
    this.#session.close()
  }

  async #close(node: string, client: NbdClient): Promise<void> {
    await this.#play.limit(client.disconnect(), 'the NBD client')
    await this.#ask('block-export-del', { id: node, mode: 'hard' })
    await this.#session.waitFor(
      () =>
        this.#session.events.some(
          ({ name, data }) => name === 'BLOCK_EXPORT_DELETED' && member(data, 'id') === node,
        ),
      this.#play.withinMs,
      'the end of an export',
    )
    await this.#ask('blockdev-del', { 'node-name': node })
  }

  /** @throws {BlockError} what the target says against it. */
  async #ask(command: string, args: Readonly<Record<string, Value>>): Promise<void> {
    const reply = await this.#session.command(command, args, this.#play.withinMs)
    if (reply.kind === 'error') throw new BlockError(reply.desc)
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
}
