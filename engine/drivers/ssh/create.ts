/** Making files on other machines: opened and emptied, or made, and brought to their size. */
import { checkMembers } from '../../block/check.ts'
import type { Creation } from '../../block/driver.ts'
import { SECTOR_BYTES } from '../../block/length.ts'
import { opt } from '../../block/option.ts'
import { alignUp } from '../../util/align.ts'
import { BlockError } from '../../util/errors.ts'
import { SSH_LEGACY, SSH_OPTIONS, type SshOptions } from './options.ts'
import { openRemoteFile } from './remote-file.ts'

const LOCATION = opt.of<SshOptions>({
  kind: 'struct',
  name: 'BlockdevOptionsSsh',
  members: SSH_OPTIONS,
})

interface CreateOptions {
  readonly location: SshOptions
  readonly size: number
}

export const sshCreation: Creation = {
  needsFile: false,
  options: {
    location: LOCATION({ doc: 'Where the file is.' }),
    size: opt.size({ doc: 'Bytes of the file.' }),
  },
  // The real program does nothing else until the server has answered.
  isWaitedFor: true,
  fromWords: (values) => ({ size: alignUp(values.number('size') ?? 0, SECTOR_BYTES) }),
  at(place) {
    if (place.size === 0) throw BlockError.system('Could not create image', 'EINVAL')
    const options = new Map(place)
    SSH_LEGACY.translate(options)
    return { location: checkMembers(SSH_OPTIONS, nestedWords(options), 'keyval') }
  },
  async run({ options, services }) {
    // Checked against the declaration above.
    const { location, size } = options as unknown as CreateOptions
    if (size < 0) throw BlockError.system('Failed to grow file', 'EINVAL')
    const file = await openRemoteFile(location, 'make', services)
    try {
      if (size > 0) await file.grow(size)
    } finally {
      await file.close()
    }
  },
}

/** Words with dots in their names, as what holds them: names have no deeper ones. */
function nestedWords(
  flat: ReadonlyMap<string, unknown>,
): Map<string, string | Map<string, string>> {
  const nested = new Map<string, string | Map<string, string>>()
  for (const [name, value] of flat) {
    const [head = '', member] = name.split('.')
    if (member === undefined) nested.set(name, String(value))
    else {
      const inner = nested.get(head)
      const members = inner instanceof Map ? inner : new Map<string, string>()
      nested.set(head, members.set(member, String(value)))
    }
  }
  return nested
}
