/**
 * A target that runs already and belongs to the user. It is neither started nor stopped; what a
 * case made in it is removed at the case's end.
 */
import { createRealHost } from '../../engine/index.ts'
import { BlockError } from '../../engine/index.ts'
import type { Nature } from './capabilities.ts'
import { runImg } from './engine.ts'
import { probeStation } from './probe.ts'
import { makeScratch } from './scratch.ts'
import type { Capabilities, Exit, Machine, Station, Target, TargetSpec } from './target.ts'
import { TargetError } from './target.ts'

type AttachedSpec = Extract<TargetSpec, { readonly kind: 'qmp' }>

const NATURE: Nature = {
  kind: 'qmp',
  program: 'qmp',
  clock: 'real',
  profiles: ['qemu'],
  features: ['net.unix', 'net.tcp'],
  channels: ['nbd'],
  // It runs for somebody.
  withheld: ['quit'],
}

/** @throws {TargetError} unless the user said that the target may be changed. */
export function createAttachedTarget(spec: AttachedSpec, owned: boolean): Target {
  if (!owned) {
    throw new TargetError(
      `target '${spec.text}' runs already and would be changed: --i-own-it allows that`,
    )
  }
  let probed: Promise<Capabilities> | undefined
  return {
    spec,
    probe() {
      probed ??= probeStation(createStation(spec), NATURE, spec.text)
      return probed
    },
    open: () => Promise.resolve(createStation(spec)),
  }
}

function createStation(spec: AttachedSpec): Station {
  const scratch = makeScratch()
  const host = createRealHost()
  const start = async (): Promise<Machine> => {
    const monitor = await host.sockets
      .connect({ type: 'unix', path: spec.path })
      .catch((error: unknown) => {
        if (!(error instanceof BlockError)) throw error
        throw new TargetError(`cannot connect to ${spec.path}: ${error.message}`)
      })
    let leave: (exit: Exit) => void = () => undefined
    const exited = new Promise<Exit>((resolve) => {
      leave = resolve
    })
    const kill = (): void => {
      monitor.destroy()
      leave({})
    }
    return {
      monitor,
      exited,
      log: () => '',
      kill,
      stop: () => {
        kill()
        return Promise.resolve()
      },
    }
  }
  return {
    host,
    directory: scratch.directory,
    socketDirectory: scratch.directory,
    play: (work) => work(),
    start,
    startOffline: () =>
      Promise.reject(new TargetError('a running target has no second one for images at rest')),
    img: (words) => runImg(host, words),
    close: (keep) => Promise.resolve(scratch.remove(keep)),
  }
}
