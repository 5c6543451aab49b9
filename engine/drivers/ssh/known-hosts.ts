/** Files of known hosts, as OpenSSH keeps them: which keys a server has shown before. */
import { createHmac } from 'node:crypto'
import type { Files } from '../../host/host.ts'
import { BlockError } from '../../util/errors.ts'
import { be32, struct } from '../../util/struct.ts'

export interface HostKey {
  /** Such as `ssh-ed25519`: what the key itself begins with. */
  readonly type: string
  /** The key as it goes over the wire. */
  readonly blob: Buffer
}

/** Larger files than this are no list of hosts. */
const MAX_BYTES = 16 << 20

/** In front of each text in a key. */
const LENGTH = struct(4, { bytes: be32(0) })

/** The key in its wire form, which begins with the name of its type. */
export function hostKey(blob: Buffer): HostKey | undefined {
  if (blob.length < LENGTH.size) return undefined
  const end = LENGTH.size + LENGTH.decode(blob).bytes
  return end < blob.length ? { type: blob.toString('latin1', 4, end), blob } : undefined
}

/**
 * Keys that a file has for a host. One that cannot be read has none, and neither has one that names
 * the host without a usable key: nobody knows what is meant.
 */
export async function knownKeys(
  files: Files,
  path: string,
  host: string,
  port: number,
): Promise<readonly HostKey[]> {
  const name = port === 22 ? host.toLowerCase() : `[${host.toLowerCase()}]:${String(port)}`
  const lines = (await textOf(files, path)).split('\n').map(fieldsOf)
  const keys = lines.filter(({ names }) => isNamed(names, name)).map(keyOf)
  return keys.every((key) => key !== undefined) ? keys : []
}

/** The text of a small file, empty where it cannot be read. */
export async function textOf(files: Files, path: string): Promise<string> {
  try {
    const file = files.open(path, { write: false })
    try {
      const bytes = new Uint8Array(Math.min(file.regular ? file.length() : 0, MAX_BYTES))
      await file.read(0, bytes)
      return Buffer.from(bytes).toString('latin1')
    } finally {
      file.close()
    }
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    return ''
  }
}

interface Fields {
  readonly names: string
  readonly type: string
  readonly encoded: string
}

function fieldsOf(line: string): Fields {
  const [names = '', type = '', encoded = ''] = line.replace(/^ +/, '').split(/ +/)
  return { names, type, encoded }
}

/** Lines with a marker in front are about other things. */
function isNamed(names: string, name: string): boolean {
  if (names.startsWith('#') || names.startsWith('@')) return false
  return names.split(',').some((pattern) => isNamedBy(name, pattern))
}

function keyOf({ type, encoded }: Fields): HostKey | undefined {
  if (!/^[A-Za-z0-9+/]+=*$/.test(encoded)) return undefined
  const key = hostKey(Buffer.from(encoded, 'base64'))
  return key?.type === type ? key : undefined
}

function isNamedBy(name: string, pattern: string): boolean {
  const [, salt, hash] = /^\|1\|([^|]+)\|([^|]+)$/.exec(pattern) ?? []
  if (salt !== undefined && hash !== undefined) {
    const hashed = createHmac('sha1', Buffer.from(salt, 'base64')).update(name)
    return hashed.digest().equals(Buffer.from(hash, 'base64'))
  }
  return isMatchedBy(name, pattern.toLowerCase())
}

/** `*` stands for any letters and `?` for one. */
function isMatchedBy(name: string, pattern: string): boolean {
  const [first = '', ...others] = pattern.split('*')
  const fits = (at: number, piece: string): boolean =>
    at >= 0 &&
    at + piece.length <= name.length &&
    Array.from(piece).every((letter, index) => letter === '?' || letter === name[at + index])
  if (!fits(0, first)) return false
  const last = others.pop()
  if (last === undefined) return name.length === first.length
  let at = first.length
  for (const piece of others) {
    while (at + piece.length <= name.length && !fits(at, piece)) at += 1
    at += piece.length
  }
  return name.length - last.length >= at && fits(name.length - last.length, last)
}
