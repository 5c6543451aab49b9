/** The ways to log in: the keys that the user's agent holds, then those in the usual files. */
import type { AnyAuthMethod, BaseAgent, ParsedKey } from 'ssh2'
import type { Services } from '../../block/driver.ts'
import type { Account } from '../../host/host.ts'
import { BlockError } from '../../util/errors.ts'
import { textOf } from './known-hosts.ts'
import type { Ssh2 } from './library.ts'
import { socketOver } from './socket.ts'

type Outside = Pick<Services, 'files' | 'sockets'>

const KEY_FILES = ['id_ed25519', 'id_ecdsa', 'id_rsa']

/** What is tried, in this order, until the server is content. */
export async function loginsOf(
  ssh2: Ssh2,
  username: string,
  { keyAgent, home }: Account,
  outside: Outside,
): Promise<AnyAuthMethod[]> {
  const files = home === undefined ? [] : KEY_FILES.map((name) => `${home}/.ssh/${name}`)
  const keys = await Promise.all(files.map((path) => keyIn(ssh2, path, outside)))
  const ways: AnyAuthMethod[] = [{ type: 'none', username }]
  if (keyAgent !== undefined) {
    ways.push({ type: 'agent', username, agent: agentAt(ssh2, keyAgent, outside) })
  }
  for (const key of keys) if (key !== undefined) ways.push({ type: 'publickey', username, key })
  return ways
}

/** Keys that need a passphrase are of no use: nobody could be asked for it. */
async function keyIn(
  { utils }: Ssh2,
  path: string,
  { files }: Outside,
): Promise<ParsedKey | undefined> {
  const key = utils.parseKey(Buffer.from(await textOf(files, path), 'latin1'))
  return key instanceof Error || !key.isPrivateKey() ? undefined : key
}

/** The agent, which is spoken to anew for each question. */
function agentAt(ssh2: Ssh2, path: string, { sockets }: Outside): BaseAgent<ParsedKey> {
  const agent = new ssh2.OpenSSHAgent(path)
  agent.getStream = (done) => {
    sockets.connect({ type: 'unix', path }).then(
      (stream) => {
        done(null, socketOver(stream))
      },
      (error: unknown) => {
        if (!(error instanceof BlockError)) throw error
        done(error)
      },
    )
  }
  return agent
}
