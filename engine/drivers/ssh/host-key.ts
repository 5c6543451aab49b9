/** Whether a server's key is the one that was asked for. */
import { createHash } from 'node:crypto'
import type { Files } from '../../host/host.ts'
import { BlockError } from '../../util/errors.ts'
import { hostKey, knownKeys, type HostKey } from './known-hosts.ts'
import type { HashName, HostKeyCheck } from './options.ts'

/** What a server is asked to show, and what is said of what it shows. */
export interface HostKeyJudge {
  /** Names of algorithms, the best first. */
  readonly algorithms: readonly string[]
  /** @throws {BlockError} that says what is wrong with the key. */
  judge(blob: Buffer): void
}

/** Each with the type of the keys that it works with. */
const ALGORITHMS = [
  ['ssh-ed25519', 'ssh-ed25519'],
  ['ecdsa-sha2-nistp521', 'ecdsa-sha2-nistp521'],
  ['ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp384'],
  ['ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp256'],
  ['rsa-sha2-512', 'ssh-rsa'],
  ['rsa-sha2-256', 'ssh-rsa'],
] as const

const SYSTEM_FILE = '/etc/ssh/ssh_known_hosts'

/** Which host it is, and where the user's own list of known hosts is. */
interface HostAbout {
  readonly host: string
  readonly port: number
  readonly home: string | undefined
}

export async function hostKeyJudge(
  check: HostKeyCheck,
  { host, port, home }: HostAbout,
  files: Files,
): Promise<HostKeyJudge> {
  const all = ALGORITHMS.map(([name]) => name)
  if (check.mode === 'none') return { algorithms: all, judge: () => undefined }
  if (check.mode === 'hash') {
    return { algorithms: all, judge: (blob) => compareHash(blob, check.type, check.hash) }
  }
  const own = home === undefined ? [] : [`${home}/.ssh/known_hosts`]
  const lists = await Promise.all(
    [...own, SYSTEM_FILE].map((path) => knownKeys(files, path, host, port)),
  )
  const known = lists.flat()
  return { algorithms: byFamiliarity(known), judge: (blob) => compareKnown(blob, known) }
}

/** A server is asked first for keys of the types that it is known by. */
function byFamiliarity(known: readonly HostKey[]): readonly string[] {
  const isKnown = (keyType: string): boolean => known.some(({ type }) => type === keyType)
  const first = ALGORITHMS.filter(([, type]) => isKnown(type))
  const others = ALGORITHMS.filter(([, type]) => !isKnown(type))
  return [...first, ...others].map(([name]) => name)
}

function compareKnown(blob: Buffer, known: readonly HostKey[]): void {
  if (known.some((key) => key.blob.equals(blob))) return
  if (known.length === 0) throw new BlockError('no host key was found in known_hosts')
  const type = typeOf(blob)
  if (!known.some((key) => key.type === type)) {
    throw new BlockError('host key for this server not found, another type exists')
  }
  const hash = createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')
  throw new BlockError(
    `host key (${type} key with fingerprint SHA256:${hash}) does not match the one in ` +
      'known_hosts; this may be a possible attack',
  )
}

function compareHash(blob: Buffer, kind: HashName, wanted: string): void {
  const hash = createHash(kind).update(blob).digest('hex')
  // Any number of colons may stand before each byte.
  const bytes = /^(?::*[0-9a-f]{2})*$/i.test(wanted) ? wanted.replaceAll(':', '') : undefined
  if (bytes?.toLowerCase() === hash) return
  throw new BlockError(
    `remote host ${typeOf(blob)} key fingerprint '${kind}:${hash}' does not match ` +
      `host_key_check '${kind}:${wanted}'`,
  )
}

function typeOf(blob: Buffer): string {
  return hostKey(blob)?.type ?? 'unknown'
}
