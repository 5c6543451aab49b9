/**
 * Something that a script reads and writes: a node behind an NBD export, or an image file at rest.
 * Failures are `BlockError`s whose errno the script's outcome names.
 */
import type { Host, HostFile, NbdClient, NodeDevice } from '../engine/index.ts'

/** What is known of a run of bytes. */
export interface StatusRun {
  readonly bytes: number
  readonly hole: boolean
  readonly zero: boolean
}

export interface Device {
  readonly size: number
  /** Fills all of `into`, whatever was there. */
  read(offset: number, into: Uint8Array): Promise<void>
  write(offset: number, data: Uint8Array, flags: { readonly fua: boolean }): Promise<void>
  zero(offset: number, bytes: number, flags: ZeroFlags): Promise<void>
  discard(offset: number, bytes: number): Promise<void>
  flush(): Promise<void>
  /** Runs that cover the range exactly. */
  status(offset: number, bytes: number): Promise<readonly StatusRun[]>
}

export interface ZeroFlags {
  readonly unmap: boolean
  readonly fua: boolean
  /** Fail rather than write zeroes the slow way. */
  readonly fast: boolean
}

const HOLE = 1
const ZERO = 2
export const ALLOCATION = 'base:allocation'

export function nbdDevice(client: NbdClient): Device {
  return {
    size: client.info.size,
    read: (offset, into) => client.readInto(offset, into),
    write: (offset, data, flags) => client.write(offset, data, flags),
    zero: (offset, bytes, { unmap, fua, fast }) =>
      client.zero(offset, bytes, { fua, noHole: !unmap, fast }),
    discard: (offset, bytes) => client.trim(offset, bytes),
    flush: () => client.flush(),
    status: (offset, bytes) => nbdStatus(client, offset, bytes),
  }
}

function nbdStatus(
  client: NbdClient,
  offset: number,
  bytes: number,
): Promise<readonly StatusRun[]> {
  return runsOf(offset, bytes, async (at, count) => {
    const replies = await client.blockStatus(at, count)
    const extents = replies.find((reply) => reply.context === ALLOCATION)?.extents ?? []
    return extents.map(({ bytes: length, flags }) => ({
      bytes: length,
      hole: (flags & HOLE) !== 0,
      zero: (flags & ZERO) !== 0,
    }))
  })
}

/** A node of an engine in this process. */
export function nodeDevice(node: NodeDevice): Device {
  return {
    size: node.size,
    read: (offset, into) => node.read(offset, into),
    write: (offset, data, flags) => node.write(offset, data, flags),
    zero: (offset, bytes, { unmap, fua, fast }) =>
      node.zero(offset, bytes, { fua, noHole: !unmap, fast }),
    discard: (offset, bytes) => node.trim(offset, bytes),
    flush: () => node.flush(),
    status: (offset, bytes) => runsOf(offset, bytes, (at, count) => node.status(at, count)),
  }
}

/** Asks on until the range is covered. */
async function runsOf(
  offset: number,
  bytes: number,
  ask: (offset: number, bytes: number) => Promise<readonly StatusRun[]>,
): Promise<readonly StatusRun[]> {
  const runs: StatusRun[] = []
  let at = 0
  while (at < bytes) {
    const before = at
    for (const run of await ask(offset + at, bytes - at)) {
      const length = Math.min(run.bytes, bytes - at)
      if (length <= 0) break
      add(runs, { ...run, bytes: length })
      at += length
    }
    // A server that makes no progress must not keep us here for ever.
    if (at === before) break
  }
  return runs
}

/** Joins neighbours of one state: where a server cuts its answers says nothing. */
function add(runs: StatusRun[], next: StatusRun): void {
  const last = runs.at(-1)
  if (last?.hole === next.hole && last.zero === next.zero) {
    runs[runs.length - 1] = { ...last, bytes: last.bytes + next.bytes }
  } else {
    runs.push(next)
  }
}

/** A raw image at rest. What lies past its end reads as zeroes, as a node would show its last sector. */
export function fileDevice(file: HostFile): Device {
  const size = Math.ceil(file.length() / 512) * 512
  return {
    size,
    async read(offset, into) {
      await file.read(offset, into)
    },
    async write(offset, data) {
      await file.write(offset, data)
    },
    async zero(offset, bytes, { unmap }) {
      const done = unmap ? file.punchHole(offset, bytes) : file.zeroRange(offset, bytes)
      if (!done) await file.write(offset, new Uint8Array(bytes))
    },
    discard(offset, bytes) {
      file.punchHole(offset, bytes)
      return Promise.resolve()
    },
    async flush() {
      await file.flush()
    },
    status(offset, bytes) {
      const runs: StatusRun[] = []
      for (let at = offset; at < offset + bytes;) {
        const left = offset + bytes - at
        const extent = at < file.length() ? file.extent(at) : { data: false, bytes: left }
        const length = Math.min(extent.bytes, left)
        add(runs, { bytes: length, hole: !extent.data, zero: !extent.data })
        at += length
      }
      return Promise.resolve(runs)
    },
  }
}

/** Opens a file for `fileDevice`, does the work and closes it. */
export async function withFile<T>(
  host: Host,
  path: string,
  write: boolean,
  work: (file: HostFile) => Promise<T>,
): Promise<T> {
  const file = host.files.open(path, { write })
  try {
    return await work(file)
  } finally {
    file.close()
  }
}
