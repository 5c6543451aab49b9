/**
 * A host that can lose its process: files close without another write, locks and sockets go, timers
 * never fire. What runs on it stops at its next request to the host, as a killed process does.
 */
import {
  BlockError,
  type ByteStream,
  type Host,
  type HostFile,
  type Listener,
  type Timer,
} from '../../engine/index.ts'

export interface MortalHost {
  readonly host: Host
  kill(): void
}

export function mortalHost(inner: Host): MortalHost {
  const life = new Life()
  return {
    host: {
      kind: inner.kind,
      random: inner.random,
      compression: inner.compression,
      account: inner.account,
      clock: {
        nowNs: () => inner.clock.nowNs(),
        timeOfDay: () => inner.clock.timeOfDay(),
        after: (ns, fire) => life.timer(inner, ns, fire),
      },
      files: {
        open: (path, flags) => life.file(inner.files.open(path, flags)),
        exists: (path) => inner.files.exists(path),
        unlink: (path) => {
          life.check()
          inner.files.unlink(path)
        },
      },
      sockets: {
        async listen(address, accept) {
          const listener = await inner.sockets.listen(address, (stream) => {
            if (life.takes(stream)) accept(stream)
          })
          return life.listener(listener)
        },
        async connect(address) {
          const stream = await inner.sockets.connect(address)
          // A connection that comes too late is lost with its process.
          return life.takes(stream) ? stream : new Promise(() => undefined)
        },
      },
    },
    kill: () => {
      life.end()
    },
  }
}

class Life {
  #isOver = false
  readonly #files = new Set<HostFile>()
  readonly #timers = new Set<Timer>()
  readonly #streams = new Set<ByteStream>()
  readonly #listeners = new Set<Listener>()

  /** @throws {BlockError} when nobody is left who could ask. */
  check(): void {
    if (this.#isOver) throw new BlockError('the process was killed', { errno: 'EIO' })
  }

  end(): void {
    this.#isOver = true
    for (const timer of this.#timers) timer.cancel()
    for (const stream of this.#streams) stream.destroy()
    for (const listener of this.#listeners) listener.close()
    for (const file of this.#files) file.close()
  }

  timer(inner: Host, ns: number, fire: () => void): Timer {
    if (this.#isOver) return { cancel: () => undefined }
    const timer = inner.clock.after(ns, () => {
      this.#timers.delete(timer)
      fire()
    })
    this.#timers.add(timer)
    return {
      cancel: () => {
        this.#timers.delete(timer)
        timer.cancel()
      },
    }
  }

  /** Whether anybody is left to take the stream; its peer sees it end otherwise. */
  takes(stream: ByteStream): boolean {
    if (this.#isOver) stream.destroy()
    else this.#streams.add(stream)
    return !this.#isOver
  }

  listener(listener: Listener): Listener {
    this.#listeners.add(listener)
    return {
      address: listener.address,
      close: () => {
        this.#listeners.delete(listener)
        listener.close()
      },
    }
  }

  /** Every request is checked; what would wait for a dead process waits for ever. */
  file(file: HostFile): HostFile {
    this.#files.add(file)
    const checked =
      <A extends unknown[], T>(work: (...args: A) => T) =>
      (...args: A): T => {
        this.check()
        return work(...args)
      }
    const endless =
      <A extends unknown[], T>(work: (...args: A) => T | Promise<T>) =>
      (...args: A): T | Promise<T> =>
        this.#isOver ? new Promise<T>(() => undefined) : work(...args)
    return {
      regular: file.regular,
      device: file.device,
      probeAlignment: checked(() => file.probeAlignment()),
      length: checked(() => file.length()),
      allocatedBytes: checked(() => file.allocatedBytes()),
      read: endless((offset, into) => file.read(offset, into)),
      write: endless((offset, data) => file.write(offset, data)),
      flush: endless(() => file.flush()),
      truncate: checked((bytes) => {
        file.truncate(bytes)
      }),
      punchHole: checked((offset, bytes) => file.punchHole(offset, bytes)),
      zeroRange: checked((offset, bytes) => file.zeroRange(offset, bytes)),
      allocate: checked((offset, bytes) => {
        file.allocate(offset, bytes)
      }),
      extent: checked((offset) => file.extent(offset)),
      locks: file.locks,
      close: () => {
        if (this.#files.delete(file) && !this.#isOver) file.close()
      },
    }
  }
}
