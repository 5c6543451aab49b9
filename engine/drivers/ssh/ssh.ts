/** `ssh`: a protocol node whose storage is a file on another machine, reached by SFTP. */
import { defineDriver, type Instance, type Services } from '../../block/driver.ts'
import { SIZE_OPTION } from '../../block/image-options.ts'
import { BlockError } from '../../util/errors.ts'
import { sshCreation } from './create.ts'
import { describeSshName, sshName } from './filename.ts'
import { SSH_LEGACY, SSH_OPTIONS } from './options.ts'
import { openRemoteFile, type RemoteFile } from './remote-file.ts'

/** The real program asks for whole sectors only. */
const ALIGNMENT = 512

export const ssh = defineDriver({
  name: 'ssh',
  kind: 'protocol',
  doc: 'A file on another machine, reached over SSH.',
  options: SSH_OPTIONS,
  children: {},
  legacy: SSH_LEGACY,
  strict: true,
  strongOptions: ['path', 'user', 'server'],
  prefixes: { ssh: describeSshName },
  filename: sshName,
  create: sshCreation,
  imageOptions: [SIZE_OPTION],
  startsZeroed: true,
  async open({ options, node, services }) {
    const mode = node.flags.readOnly ? 'read' : 'write'
    const file = await openRemoteFile(options, mode, services)
    return instanceOver(file, options.server.host, services)
  },
})

function instanceOver(file: RemoteFile, host: string, services: Services): Instance {
  let warned = false
  return {
    length: () => file.length(),
    read: (offset, into) => file.read(offset, into),
    write: (offset, data) => file.write(offset, data),
    async flush() {
      if ((await file.flush()) || warned) return
      warned = true
      services.log(`warning: ssh server ${host} does not support fsync`)
      services.log('to support fsync, you need OpenSSH >= 6.3')
    },
    async truncate(bytes, { preallocation = 'off' }) {
      if (preallocation !== 'off') {
        throw new BlockError(`Unsupported preallocation mode '${preallocation}'`, {
          errno: 'ENOTSUP',
        })
      }
      if (bytes < file.length()) {
        throw new BlockError('ssh driver does not support shrinking files', { errno: 'ENOTSUP' })
      }
      if (bytes > file.length()) await file.grow(bytes)
    },
    limits: () => ({ requestAlignment: ALIGNMENT }),
    found: { user: file.user },
    close: () => file.close(),
  }
}
