/** A node of memory whose requests take steps on the simulated host, for tests. */
import { defineDriver, type Driver, type Limits } from '../block/driver.ts'
import type { SimHost } from '../host/sim/index.ts'

interface Memory {
  readonly driver: Driver
  /** What is stored, as it is now. */
  readonly bytes: Uint8Array
  /** Reads and writes that reached the driver. */
  readonly requests: {
    readonly kind: 'read' | 'write' | 'discard'
    offset: number
    bytes: number
  }[]
}

/** @param host - Where each request waits for its turn; without one all complete at once. */
export function memory(size: number, limits: Partial<Limits> = {}, host?: SimHost): Memory {
  const bytes = new Uint8Array(size)
  const requests: Memory['requests'] = []
  const step = (): Promise<void> | undefined =>
    host === undefined
      ? undefined
      : new Promise((resolve) => {
          host.post(resolve)
        })
  const inTurn = (run: () => void): void | Promise<void> => {
    const turn = step()
    if (turn === undefined) run()
    else return turn.then(run)
  }
  const driver = defineDriver({
    name: 'memory',
    kind: 'protocol',
    doc: 'Bytes of a test.',
    options: {},
    children: {},
    open: () => ({
      length: () => size,
      limits: () => limits,
      read(offset, into) {
        requests.push({ kind: 'read', offset, bytes: into.length })
        return inTurn(() => {
          into.set(bytes.subarray(offset, offset + into.length))
        })
      },
      discard(offset, count) {
        requests.push({ kind: 'discard', offset, bytes: count })
        return inTurn(() => {
          bytes.fill(0, offset, offset + count)
        })
      },
      reopen: () => ({}),
      write(offset, data) {
        requests.push({ kind: 'write', offset, bytes: data.length })
        return inTurn(() => {
          bytes.set(data, offset)
        })
      },
    }),
  })
  return { driver, bytes, requests }
}
