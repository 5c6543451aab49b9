/** How long storage daemons take for jobs, from command to event. */
import { execFileSync, spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const MIB = 2 ** 20

export type Program = readonly [command: string, ...args: string[]]

interface Message {
  readonly event?: string
  readonly error?: { readonly desc: string }
  readonly data?: { readonly status?: string }
}

/** A daemon that is spoken to over its standard streams. */
class Daemon {
  readonly #process: ChildProcessWithoutNullStreams
  readonly #lines: AsyncIterator<string>

  constructor([command, ...args]: Program, folder: string) {
    const monitor = ['--chardev', 'stdio,id=m', '--monitor', 'chardev=m']
    this.#process = spawn(command, [...args, ...monitor], { cwd: folder })
    this.#process.stderr.resume()
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]()
    this.send('qmp_capabilities')
  }

  send(execute: string, about: object = {}): void {
    this.#process.stdin.write(`${JSON.stringify({ execute, arguments: about })}\n`)
  }

  /** Reads on until so many messages were the right ones. */
  async until(isRight: (message: Message) => boolean, count = 1): Promise<void> {
    for (let found = 0; found < count;) {
      const line = await this.#lines.next()
      if (line.done === true) throw new Error('the daemon ended too early')
      const message = JSON.parse(line.value) as Message
      if (message.error !== undefined) throw new Error(message.error.desc)
      if (isRight(message)) found += 1
    }
  }

  async end(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once('exit', resolve))
    this.send('quit')
    await ended
  }
}

interface Kind {
  readonly what: string
  /** Images that are made first, each with its backing image and whether it is full of data. */
  readonly images: readonly { readonly name: string; readonly backing?: string; full: boolean }[]
  readonly command: string
  readonly args: object
  readonly over: string
}

const CHAIN = [
  { name: 'base', full: false },
  { name: 'mid', backing: 'base', full: true },
  { name: 'top', backing: 'mid', full: false },
]

const PAIR = [
  { name: 'from', full: true },
  { name: 'to', full: false },
]

const COPY = { 'job-id': 'j', device: 'from', target: 'to', sync: 'full' }

export const KINDS: readonly Kind[] = [
  {
    what: 'backup, file to file',
    images: PAIR,
    command: 'blockdev-backup',
    args: COPY,
    over: 'BLOCK_JOB_COMPLETED',
  },
  {
    what: 'mirror, file to file',
    images: PAIR,
    command: 'blockdev-mirror',
    args: COPY,
    over: 'BLOCK_JOB_READY',
  },
  {
    what: 'commit of a qcow2 image',
    images: CHAIN,
    command: 'block-commit',
    args: { 'job-id': 'j', device: 'top', 'top-node': 'mid' },
    over: 'BLOCK_JOB_COMPLETED',
  },
  {
    what: 'stream into a qcow2 image',
    images: CHAIN,
    command: 'block-stream',
    args: { 'job-id': 'j', device: 'top' },
    over: 'BLOCK_JOB_COMPLETED',
  },
]

/** Where the program that makes qcow2 images and fills them is. */
export interface ImageTools {
  readonly qemuImg: string
  readonly qemuIo: string
}

/** @returns Wall milliseconds of the job alone. */
export async function jobTime(
  program: Program,
  kind: Kind,
  about: { readonly folder: string; readonly mebibytes: number; readonly tools?: ImageTools },
): Promise<number> {
  const { folder, mebibytes, tools } = about
  const daemon = new Daemon(program, folder)
  for (const { name, backing, full } of kind.images) {
    const file = join(folder, name)
    const isChain = kind.images === CHAIN
    rmSync(file, { force: true })
    if (!isChain) writeFileSync(file, Buffer.alloc(mebibytes * MIB, full ? 7 : 1))
    else if (tools !== undefined) makeImage(tools, file, mebibytes, full)
    daemon.send('blockdev-add', {
      'node-name': name,
      ...(isChain
        ? { driver: 'qcow2', file: { driver: 'file', filename: file }, backing: backing ?? null }
        : { driver: 'file', filename: file }),
    })
  }
  daemon.send(kind.command, kind.args)
  await daemon.until(({ data }) => data?.status === 'created')
  const begin = process.hrtime.bigint()
  await daemon.until(({ event }) => event === kind.over)
  const milliseconds = Number(process.hrtime.bigint() - begin) / 1e6
  await daemon.end()
  return milliseconds
}

function makeImage(tools: ImageTools, file: string, mebibytes: number, full: boolean): void {
  const size = `${String(mebibytes)}M`
  execFileSync(tools.qemuImg, ['create', '-q', '-f', 'qcow2', file, size])
  if (!full) return
  const fill = ['-f', 'qcow2', '-c', `write -P 7 0 ${size}`, file]
  execFileSync(tools.qemuIo, fill, { stdio: 'ignore' })
}

/** Wall milliseconds for 1,000 nodes and a list of them, then for 100 mirrors at once. */
export async function crowdTimes(
  program: Program,
  folder: string,
): Promise<{ readonly nodes: number; readonly jobs: number }> {
  const daemon = new Daemon(program, folder)
  await daemon.until((message) => 'return' in message)
  const isAnswer = (message: Message): boolean => 'return' in message
  const timed = async (work: () => Promise<void>): Promise<number> => {
    const begin = process.hrtime.bigint()
    await work()
    return Number(process.hrtime.bigint() - begin) / 1e6
  }
  const nodes = await timed(async () => {
    for (let index = 0; index < 1000; index++) {
      const node = { driver: 'null-co', 'node-name': `n${String(index)}`, size: 16 * MIB }
      daemon.send('blockdev-add', { ...node, 'read-zeroes': true })
    }
    daemon.send('query-named-block-nodes', { flat: true })
    await daemon.until(isAnswer, 1001)
  })
  const jobs = await timed(async () => {
    for (let index = 0; index < 100; index++) {
      const id = String(index)
      const ends = { device: `n${id}`, target: `n${String(index + 100)}` }
      daemon.send('blockdev-mirror', { 'job-id': `j${id}`, ...ends, sync: 'full' })
    }
    await daemon.until(({ event }) => event === 'BLOCK_JOB_READY', 100)
  })
  await daemon.end()
  return { nodes, jobs }
}
