/** A login at a server, from the connection to the file transfer protocol spoken over it. */
import type { Client, SFTPWrapper } from 'ssh2'
import type { Services } from '../../block/driver.ts'
import type { Account, ByteStream, SocketAddress } from '../../host/host.ts'
import { connectFailure, hostAddress } from '../../nbd/address.ts'
import { BlockError } from '../../util/errors.ts'
import { hostKeyJudge, type HostKeyJudge } from './host-key.ts'
import { loadSsh2, type Ssh2 } from './library.ts'
import { loginsOf } from './login.ts'
import type { SshOptions } from './options.ts'
import { socketOver } from './socket.ts'

export type Outside = Pick<Services, 'clock' | 'sockets' | 'files' | 'account'>

export interface Session {
  readonly user: string
  readonly sftp: SFTPWrapper
  /** Calls `told` once when the server is gone, at once where it is gone already. */
  onLost(told: () => void): void
  close(): void
}

/** How long a server may take to show its key. */
const HANDSHAKE_NS = 10e9

/** What the real program's library calls its two kinds of failure. */
const DENIED = 1
const FATAL = 2

const LOST = 'Socket error: disconnected'

/** @throws {BlockError} that says how far it came. */
export async function openSession(options: SshOptions, outside: Outside): Promise<Session> {
  const { host, port } = options.server
  const number = numberOf(port)
  const address = hostAddress({ ...options.server, type: 'inet' })
  const stream = await connect(address, outside)
  try {
    const { account } = outside
    if (account === undefined) throw new BlockError('a simulated host cannot log in by SSH')
    const user = options.user ?? account.user
    if (user === '') {
      throw failure(
        'failed to set the user in the libssh session: Invalid argument in ssh_options_set',
        FATAL,
      )
    }
    const judge = await hostKeyJudge(
      options['host-key-check'] ?? { mode: 'known_hosts' },
      { host, port: number, home: account.home },
      outside.files,
    )
    const ssh2 = loadSsh2()
    const client = new ssh2.Client()
    const losses = watchLoss(client)
    await logIn(ssh2, client, { stream, user, host, judge, account }, outside)
    const sftp = await startTransfer(client)
    const close = (): void => {
      client.end()
      stream.destroy()
    }
    return { user, sftp, onLost: losses, close }
  } catch (error) {
    stream.destroy()
    throw error
  }
}

/** @throws {BlockError} for names of services, and for what does not fit into 32 bits. */
function numberOf(port: string): number {
  const [digits] = /^\s*[+-]?[0-9]+$/.exec(port) ?? []
  const whole = digits === undefined ? undefined : BigInt(digits.trim().replace('+', ''))
  if (whole !== undefined && whole < 2n ** 64n) {
    const number = Number(BigInt.asIntN(64, whole))
    if (number >= -(2 ** 31) && number < 2 ** 32) return number
  }
  throw new BlockError('Use only numeric port value')
}

async function connect(address: SocketAddress, { sockets }: Outside): Promise<ByteStream> {
  try {
    return await sockets.connect(address)
  } catch (error) {
    throw connectFailure(address, error)
  }
}

function failure(what: string, code: number): BlockError {
  return new BlockError(`${what} (libssh error code: ${String(code)})`)
}

function watchLoss(client: Client): Session['onLost'] {
  let lost = false
  const told: (() => void)[] = []
  client.on('close', () => {
    lost = true
    for (const tell of told.splice(0)) tell()
  })
  // An error is always followed by a close, which is what waiting requests hear of it.
  client.on('error', () => undefined)
  return (tell) => {
    if (lost) tell()
    else told.push(tell)
  }
}

interface Login {
  readonly stream: ByteStream
  readonly user: string
  readonly host: string
  readonly judge: HostKeyJudge
  readonly account: Account
}

async function logIn(
  ssh2: Ssh2,
  client: Client,
  { stream, user, host, judge, account }: Login,
  outside: Outside,
): Promise<void> {
  const authHandler = await loginsOf(ssh2, user, account, outside)
  await new Promise<void>((resolve, reject) => {
    let refused: unknown
    let shown = false
    const fail = (text: string): void => {
      timer.cancel()
      reject(
        refused instanceof Error
          ? refused
          : shown
            ? new BlockError(
                'failed to authenticate using publickey authentication and the identities held ' +
                  'by your ssh-agent',
                { errno: 'EPERM' },
              )
            : failure(`failed to establish SSH session: ${text}`, FATAL),
      )
    }
    const timer = outside.clock.after(HANDSHAKE_NS, () => {
      fail(`Timeout connecting to ${host}`)
    })
    client.once('ready', resolve)
    client.once('error', ({ message }) => {
      fail(message.startsWith('Connection lost') ? LOST : message)
    })
    client.once('close', () => {
      fail(LOST)
    })
    client.connect({
      sock: socketOver(stream),
      username: user,
      authHandler,
      readyTimeout: 0,
      // Names that the library does not know it refuses, but it knows these.
      algorithms: { serverHostKey: judge.algorithms as never },
      hostVerifier: (blob: Buffer) => {
        shown = true
        timer.cancel()
        try {
          judge.judge(blob)
          return true
        } catch (error) {
          refused = error
          return false
        }
      },
    })
  })
}

function startTransfer(client: Client): Promise<SFTPWrapper> {
  return new Promise((resolve, reject) => {
    client.sftp((error, sftp) => {
      if (error === undefined) {
        resolve(sftp)
        return
      }
      reject(
        /subsystem|channel open/i.test(error.message)
          ? failure('failed to create sftp handle: Channel request subsystem failed', DENIED)
          : new BlockError(
              'failed to initialize sftp handle: Received EOF while reading sftp packet size ' +
                '(libssh error code: 2, sftp error code: 1)',
            ),
      )
    })
  })
}
