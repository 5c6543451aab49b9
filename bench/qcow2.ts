/**
 * What requests to a qcow2 image behind an NBD export cost either daemon: its processor time, which
 * other programs on the machine hardly change. One and the same client asks, the real `qemu-img
 * bench`, so that only the servers differ.
 */
import { execFile, execFileSync, spawn } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { promisify } from 'node:util'

/** One kind of request: sixteen at a time, from the start of the image on, `step` bytes apart. */
interface Load {
  readonly what: string
  readonly words: readonly string[]
}

// The first one makes the clusters that the others use; 68 KiB apart, each is in another cluster.
const LOADS: readonly Load[] = [
  { what: 'allocate 64 KiB clusters', words: ['-w', '-c', '2000', '-s', '64k'] },
  { what: 'read 64 KiB', words: ['-c', '2000', '-s', '64k'] },
  { what: 'read 4 KiB', words: ['-c', '10000', '-s', '4k', '-S', '68k'] },
  { what: 'overwrite 4 KiB', words: ['-w', '-c', '10000', '-s', '4k', '-S', '68k'] },
]
const SIZE = '125M'
const DEPTH = '16'
const MS_PER_TICK = 10

/** Processor milliseconds that each load takes, by its name, on a new image. */
export async function measureQcow2(
  daemon: readonly [command: string, ...words: string[]],
  qemuImg: string,
  folder: string,
): Promise<ReadonlyMap<string, number>> {
  const image = join(folder, 'image')
  const socket = join(folder, 'socket')
  rmSync(image, { force: true })
  execFileSync(qemuImg, ['create', '-q', '-f', 'qcow2', image, SIZE])
  const [command, ...words] = daemon
  const server = spawn(
    command,
    [
      ...words,
      ...['--blockdev', `driver=file,node-name=file,filename=${image}`],
      ...['--blockdev', 'driver=qcow2,node-name=image,file=file'],
      ...['--nbd-server', `addr.type=unix,addr.path=${socket}`],
      ...['--export', 'type=nbd,id=e,node-name=image,writable=on'],
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  )
  const ended = new Promise((resolve) => server.once('exit', resolve))
  try {
    while (!existsSync(socket)) {
      if (server.exitCode !== null) throw new Error(`${command} ended before it listened`)
      await setTimeout(5)
    }
    const costs = new Map<string, number>()
    for (const load of LOADS) {
      const before = processorTime(server.pid)
      await play(load, qemuImg, socket)
      costs.set(load.what, processorTime(server.pid) - before)
    }
    return costs
  } finally {
    server.kill()
    await ended
    rmSync(socket, { force: true })
  }
}

/** Milliseconds in user and system mode since the process began: fields 14 and 15, in ticks. */
function processorTime(pid: number | undefined): number {
  const fields =
    readFileSync(`/proc/${String(pid)}/stat`, 'utf8')
      .split(') ')[1]
      ?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK
}

async function play({ words }: Load, qemuImg: string, socket: string): Promise<void> {
  const uri = `nbd+unix:///image?socket=${socket}`
  const options = ['bench', '-f', 'raw', '-t', 'none', '-d', DEPTH, ...words, uri]
  await promisify(execFile)(qemuImg, options)
}
