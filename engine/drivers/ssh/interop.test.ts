/** The engine and a real 7.2 before the same sshd: they must say the same, and find the same files. */
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import * as fs from 'node:fs'
import { promisify } from 'node:util'
import type { Account } from '../../host/host.ts'
import { streamPair } from '../../host/pair.ts'
import { createRealHost } from '../../host/real/index.ts'
import { createEngine } from '../../index.ts'
import { needing, qemu } from '../../nbd/testing.ts'
import { Lab, needingSshd, type KeyPair, type TestServer } from './testing.ts'

type Options = Readonly<Record<string, unknown>>
type Command = readonly [name: string, args?: Options]

/** Whoever takes lines and sends some. */
interface Wire {
  write(line: string): void
  onData(reader: (chunk: string) => void): void
  close(): Promise<void>
}

/** Plays commands one after the other and returns all that comes back, but for times. */
async function replies(wire: Wire, commands: readonly Command[]): Promise<readonly string[]> {
  const lines: string[] = []
  let text = ''
  let answered: () => void = () => undefined
  wire.onData((chunk) => {
    text += chunk
    const complete = text.split('\n')
    text = complete.pop() ?? ''
    for (const line of complete) {
      const { timestamp: _, ...message } = JSON.parse(line) as Record<string, unknown>
      if ('QMP' in message) continue
      lines.push(JSON.stringify(message))
      if ('return' in message || 'error' in message) answered()
    }
  })
  for (const [execute, args = {}] of [['qmp_capabilities'] as Command, ...commands]) {
    const answer = new Promise<void>((resolve) => {
      answered = resolve
    })
    wire.write(`${JSON.stringify({ execute, arguments: args })}\n`)
    await answer
  }
  await wire.close()
  return lines
}

function ours(account: Account): Wire {
  const host = { ...createRealHost(), account }
  const engine = createEngine({ host })
  const [here, there] = streamPair(host)
  engine.openMonitor(there)
  return {
    write: (line) => void here.write(Buffer.from(line)),
    onData: (reader) => {
      here.onData((chunk) => {
        reader(Buffer.from(chunk).toString())
      })
    },
    close: () => engine.shutdown(),
  }
}

function theirs(agent: string): Wire {
  const child = spawn(qemu('qemu-storage-daemon'), ['--chardev', 'stdio,id=c', '--monitor', 'c'], {
    env: { ...process.env, SSH_AUTH_SOCK: agent },
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  return {
    write: (line) => void child.stdin.write(line),
    onData: (reader) => {
      child.stdout.on('data', (chunk: Buffer) => {
        reader(chunk.toString())
      })
    },
    close: () =>
      new Promise((resolve) => {
        child.once('exit', () => {
          resolve()
        })
        child.kill()
      }),
  }
}

describe('ssh node and a real 7.2', () => {
  let lab: Lab
  let hostKey: KeyPair
  let server: TestServer
  let agent: string

  before(needing(qemu('qemu-storage-daemon'), qemu('qemu-img')))
  before(needingSshd)
  before(async () => {
    lab = new Lab()
    hostKey = lab.key('host', 'ed25519')
    server = await lab.server([hostKey])
    agent = await lab.agent()
  })
  after(() => {
    // Nothing was made where all is skipped.
    ;(lab as Lab | undefined)?.close()
  })

  const place = (): Options => ({ host: '127.0.0.1', port: server.port })
  const at = (path: string, more: Options = {}): Options => ({
    server: place(),
    path,
    'host-key-check': { mode: 'none' },
    ...more,
  })
  const add = (path: string, more: Options = {}): Command => [
    'blockdev-add',
    { driver: 'ssh', 'node-name': 'n', ...at(path, more) },
  ]
  const NODES: Command = ['query-named-block-nodes', { flat: true }]
  const GONE: Command = ['blockdev-del', { 'node-name': 'n' }]

  /** @param reset - Puts the files of the test back to where both begin. */
  async function same(reset: () => void, commands: readonly Command[]): Promise<readonly string[]> {
    reset()
    const told = await replies(theirs(agent), commands)
    reset()
    assert.deepEqual(await replies(ours(lab.account({ keyAgent: agent })), commands), told)
    return told
  }

  function fileOf(name: string, bytes: number): string {
    const path = lab.path(name)
    fs.writeFileSync(path, Buffer.alloc(bytes, 5))
    return path
  }

  it('agree on nodes, their names, lengths and what they refuse', async () => {
    const resize = (size: number): Command => ['block_resize', { 'node-name': 'n', size }]
    const told = await same(
      () => fileOf('disk', 300_000),
      [
        add(lab.path('disk')),
        NODES,
        resize(400_000),
        resize(1000),
        ['query-block-jobs'],
        ['blockdev-reopen', { options: [{ driver: 'ssh', 'node-name': 'n', 'read-only': true }] }],
        NODES,
        GONE,
        add(lab.path('disk'), { user: lab.user, 'read-only': true }),
        NODES,
        GONE,
        add(lab.path('disk'), { server: { ...place(), ipv6: false, to: 9 } }),
        NODES,
      ],
    )
    assert(told.some((line) => line.includes(`ssh://${lab.user}@127.0.0.1:${server.port}/`)))
  })

  it('agree on a new file and a window over it', async () => {
    const create = (options: Options): Command => ['blockdev-create', { 'job-id': 'j', options }]
    const settled: readonly Command[] = [['query-jobs'], ['job-dismiss', { id: 'j' }]]
    const commands: readonly Command[] = [
      create({ driver: 'ssh', size: 0, location: at(lab.path('image')) }),
      ...settled,
      add(lab.path('image')),
      ['blockdev-add', { driver: 'raw', 'node-name': 'window', size: 512, file: 'n' }],
      ['block_resize', { 'node-name': 'n', size: 65_536 }],
      ['blockdev-add', { driver: 'raw', 'node-name': 'window', size: 512, file: 'n' }],
      NODES,
    ]
    await same(() => fileOf('image', 70_000), commands)
    assert.deepEqual(fs.readFileSync(lab.path('image')), Buffer.alloc(65_536))
  })

  it('agree on why there is no node', async () => {
    const hash = createHash('sha1').update(hostKey.blob).digest('hex')
    const checks: readonly Options[] = [
      { mode: 'hash', type: 'sha1', hash },
      { mode: 'hash', type: 'sha1', hash: `:${hash.toUpperCase()}` },
      { mode: 'hash', type: 'sha1', hash: `${hash}:` },
      { mode: 'hash', type: 'md5', hash },
      { mode: 'hash', type: 'sha256', hash: '' },
    ]
    const ports = ['', 'ssh', ' 1', '1 ', '-1', '4294967295', '4294967296', '65537']
    const paths = [
      '',
      '/',
      '.',
      lab.path('missing'),
      `${lab.path('disk')}/x`,
      lab.path('y'.repeat(300)),
    ]
    await same(
      () => fileOf('disk', 512),
      [
        ...checks.flatMap((check) => [add(lab.path('disk'), { 'host-key-check': check }), GONE]),
        ...ports.map((port) => add('/x', { server: { host: '127.0.0.1', port } })),
        ...paths.map((path) => add(path)),
        add('/x', { user: 'nobody-here' }),
        add('/x', { user: '' }),
        add('/x', { host_key_check: 'no' }),
        NODES,
      ],
    )
  })

  it('agree on why no file is made', async () => {
    const create = (options: Options): readonly Command[] => [
      ['blockdev-create', { 'job-id': 'j', options: { driver: 'ssh', ...options } }],
      ['query-jobs'],
      ['job-dismiss', { id: 'j' }],
    ]
    const paths = [lab.path('nowhere/x'), lab.folder, '']
    await same(
      () => undefined,
      [
        ...paths.flatMap((path) => create({ size: 512, location: at(path) })),
        ...create({ size: 512, location: at('/x', { user: 'nobody-here' }) }),
        ...create({ size: 512, location: at('/x', { server: { host: '127.0.0.1', port: '' } }) }),
        ...create({ size: 2 ** 63 - 1024, location: at(lab.path('huge')) }),
        ...create({ size: 512 }),
      ],
    )
  })

  it('read what the other wrote', async () => {
    const qcow2 = lab.path('written.qcow2')
    fs.writeFileSync(
      lab.path('source'),
      Buffer.from(Array.from({ length: 200_192 }, (_, at) => at)),
    )
    const env = { ...process.env, SSH_AUTH_SOCK: agent }
    const url = (path: string): string => `ssh://127.0.0.1:${server.port}${path}?host_key_check=no`
    const convert = (from: string, to: string, ...args: readonly string[]): Promise<unknown> =>
      promisify(execFile)(qemu('qemu-img'), ['convert', ...args, from, to], { env })
    await convert(lab.path('source'), url(qcow2), '-f', 'raw', '-O', 'qcow2')
    const options = {
      driver: 'qcow2',
      'node-name': 'top',
      file: { driver: 'ssh', ...at(qcow2) },
    }
    const target = { driver: 'ssh', 'node-name': 'target', ...at(lab.path('copy')) }
    fs.writeFileSync(lab.path('copy'), Buffer.alloc(200_192))
    const about = { device: 'top', target: 'target', sync: 'full', 'job-id': 'j' }
    const done = { 'auto-finalize': true, 'auto-dismiss': false }
    const wire = ours(lab.account({ keyAgent: agent }))
    let over: () => void = () => undefined
    const concluded = new Promise<void>((resolve) => {
      over = resolve
    })
    const watched: Wire = {
      ...wire,
      onData: (reader) => {
        wire.onData((chunk) => {
          reader(chunk)
          if (chunk.includes('concluded')) over()
        })
      },
      close: async () => {
        await concluded
        await wire.close()
      },
    }
    await replies(watched, [
      ['blockdev-add', options],
      ['blockdev-add', target],
      ['blockdev-backup', { ...about, ...done }],
    ])
    assert.deepEqual(fs.readFileSync(lab.path('copy')), fs.readFileSync(lab.path('source')))
    await convert(url(lab.path('copy')), lab.path('back'), '-f', 'raw', '-O', 'raw')
    assert.deepEqual(fs.readFileSync(lab.path('back')), fs.readFileSync(lab.path('source')))
  })
})
