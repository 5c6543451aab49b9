/** For tests: a real sshd in a folder of its own, with its keys, and an agent that holds a user's. */
import assert from 'node:assert/strict'
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import * as fs from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import type { Instance, OpenContext, Services } from '../../block/driver.ts'
import type { Account } from '../../host/host.ts'
import { createRealHost } from '../../host/real/index.ts'
import { ssh } from './ssh.ts'

const FOLDERS = (process.env['PATH'] ?? '').split(':').concat('/usr/sbin', '/usr/local/sbin')

export function programAt(name: string): string | undefined {
  return FOLDERS.map((folder) => join(folder, name)).find((path) => fs.existsSync(path))
}

/** For `before`: skips, and says why, where the programs are not installed. */
export function needingSshd(this: Mocha.Context): void {
  const missing = ['sshd', 'ssh-keygen', 'ssh-agent'].find((name) => programAt(name) === undefined)
  if (missing === undefined) return
  const suite = this.test?.parent
  if (suite !== undefined) suite.title += ` (skipped: ${missing} is not installed)`
  this.skip()
}

export interface KeyPair {
  /** Of the private half; the public one ends in `.pub`. */
  readonly path: string
  /** Type and key, as lists of known hosts have them. */
  readonly line: string
  /** As it goes over the wire. */
  readonly blob: Buffer
}

export type KeyType = 'ed25519' | 'rsa' | 'ecdsa'

/** Whatever a test starts and makes, all of which goes with it. */
export class Lab {
  readonly folder = fs.mkdtempSync(join(tmpdir(), 'blockspec-ssh-'))
  readonly user = userInfo().username
  readonly #children: ChildProcess[] = []
  readonly #userKey: KeyPair

  constructor() {
    this.#userKey = this.key('user', 'ed25519')
    fs.mkdirSync(join(this.folder, 'home', '.ssh'), { recursive: true })
    // A server that could change who it is wants this folder, which a booting system makes.
    if (process.getuid?.() === 0) fs.mkdirSync('/run/sshd', { recursive: true, mode: 0o755 })
  }

  get userKey(): KeyPair {
    return this.#userKey
  }

  path(name: string): string {
    return join(this.folder, name)
  }

  key(name: string, type: KeyType): KeyPair {
    const path = this.path(name)
    execFileSync('ssh-keygen', ['-q', '-t', type, '-N', '', '-f', path])
    const [kind = '', encoded = ''] = fs.readFileSync(`${path}.pub`, 'utf8').split(' ')
    return { path, line: `${kind} ${encoded}`, blob: Buffer.from(encoded, 'base64') }
  }

  /** The account of a user with an agent, or only with what lies in the home directory. */
  account({ keyAgent }: { readonly keyAgent?: string } = {}): Account {
    return { user: this.user, home: this.path('home'), keyAgent }
  }

  /** @returns the path of the socket of an agent that holds the user's key. */
  async agent(): Promise<string> {
    const socket = this.path('agent')
    const program = programAt('ssh-agent')
    assert(program !== undefined)
    const child = spawn(program, ['-D', '-a', socket], { stdio: ['ignore', 'pipe', 'inherit'] })
    this.#children.push(child)
    await once(child.stdout, 'data')
    const env = { ...process.env, SSH_AUTH_SOCK: socket }
    execFileSync('ssh-add', ['-q', this.#userKey.path], { env, stdio: 'ignore' })
    return socket
  }

  /**
   * Starts a server that lets the user's key in.
   *
   * @param sftp - What follows the name of the built-in file server, or `none`.
   */
  async server(hostKeys: readonly KeyPair[], sftp = ''): Promise<TestServer> {
    const port = await freePort()
    const config = this.path(`sshd-${String(port)}`)
    fs.copyFileSync(`${this.#userKey.path}.pub`, this.path('authorized'))
    const lines = [
      `Port ${String(port)}`,
      'ListenAddress 127.0.0.1',
      ...hostKeys.map(({ path }) => `HostKey ${path}`),
      `AuthorizedKeysFile ${this.path('authorized')}`,
      'PidFile none',
      'UsePAM no',
      'StrictModes no',
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      ...(sftp === 'none' ? [] : [`Subsystem sftp internal-sftp ${sftp}`]),
    ]
    fs.writeFileSync(config, `${lines.join('\n')}\n`)
    const program = programAt('sshd')
    assert(program !== undefined)
    const child = spawn(program, ['-D', '-e', '-f', config], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    this.#children.push(child)
    await listening(child)
    return { port: String(port), drop: () => end(child) }
  }

  close(): void {
    for (const child of this.#children) end(child)
    fs.rmSync(this.folder, { recursive: true })
  }
}

export interface TestServer {
  readonly port: string
  /** Ends it with all its connections. */
  drop(): void
}

function end({ pid, exitCode }: ChildProcess): void {
  if (pid === undefined || exitCode !== null) return
  // Whoever serves a connection is a child of its own.
  for (const each of familyOf(pid)) {
    try {
      process.kill(each)
    } catch {
      // It ended by itself.
    }
  }
}

function familyOf(pid: number): readonly number[] {
  const list = `/proc/${String(pid)}/task/${String(pid)}/children`
  const text = fs.existsSync(list) ? fs.readFileSync(list, 'utf8') : ''
  const children = text.split(' ').filter((word) => word !== '')
  return [pid, ...children.flatMap((child) => familyOf(Number(child)))]
}

function listening({ stderr }: ChildProcess): Promise<void> {
  assert(stderr !== null)
  return new Promise((resolve, reject) => {
    let said = ''
    stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString()
      if (said.includes('Server listening')) resolve()
    })
    stderr.once('end', () => {
      reject(new Error(`sshd did not start: ${said}`))
    })
  })
}

async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  assert(typeof address === 'object' && address !== null)
  server.close()
  await once(server, 'close')
  return address.port
}

export interface OpenAbout {
  readonly account: Account
  readonly readOnly?: boolean
  readonly log?: (line: string) => void
}

/** Opens a node of the driver on the real host, with an account of the test's. */
export function openNode(
  options: Readonly<Record<string, unknown>>,
  { account, readOnly = false, log = () => undefined }: OpenAbout,
): Promise<Instance> {
  const context = {
    options,
    services: { ...servicesFor(account), log },
    node: { flags: { readOnly } },
  }
  // The driver looks at no more of its context than this.
  return Promise.resolve(ssh.open(context as unknown as OpenContext))
}

export function servicesFor(account: Account): Services {
  // The driver needs nothing that a graph has.
  return { ...createRealHost(), account } as unknown as Services
}
