/** `file`: a regular file of the host. */
import { defineDriver, type Instance, type NodeHandle } from '../../block/driver.ts'
import { opt } from '../../block/option.ts'
import type { HostFile } from '../../host/host.ts'
import { BlockError } from '../../util/errors.ts'
import { openAccess, type Access } from './access.ts'
import { fileCreation } from './create.ts'
import { fileLocking } from './locking.ts'
import { fileRequests } from './requests.ts'

export const file = defineDriver({
  name: 'file',
  kind: 'protocol',
  doc: 'Reads and writes a regular file of the host.',
  features: ['dynamic-auto-read-only'],
  options: {
    filename: opt.str({ doc: 'Path of the file; never a URL.' }),
    'pr-manager': opt.str({ optional: true, doc: 'Helper for SCSI persistent reservations.' }),
    locking: opt.enum('OnOffAuto', ['auto', 'on', 'off'])({
      optional: true,
      doc: 'Whether to lock the file against conflicting use; auto where the host can.',
    }),
    aio: opt.enum('BlockdevAioOptions', ['threads', 'native', 'io_uring'])({
      optional: true,
      doc: 'How requests reach the host. It changes nothing that a client can see.',
    }),
    'aio-max-batch': opt.int({ optional: true, doc: 'Requests handed over at once.' }),
    'drop-cache': opt.bool({ optional: true, doc: 'Drop cached data after a migration.' }),
    'x-check-cache-dropped': opt.bool({
      optional: true,
      features: ['unstable'],
      doc: 'Check that drop-cache worked.',
    }),
  },
  children: {},
  strongOptions: ['filename'],
  filename: ({ options }) => options.filename,
  needsFilename: true,
  reopenable: ['drop-cache', 'x-check-cache-dropped'],
  create: fileCreation,
  open(context) {
    const { options, node } = context
    checkOptions(options)
    const access = openAccess(options.filename, context)
    try {
      checkOpened(options, node, access)
    } catch (error) {
      access.current().close()
      throw error
    }
    return {
      ...fileRequests(access.current),
      limits: () => ({ requestAlignment: access.current().alignment }),
      ...claims(access, options.locking !== 'off', options.filename),
      reopen({ options: restated, flags }) {
        if (options['drop-cache'] !== undefined && restated['drop-cache'] === undefined) {
          throw new BlockError("Option 'drop-cache' cannot be reset to its default value")
        }
        access.change(flags)
        return { abort: () => access.abort() }
      },
      close() {
        access.current().close()
      },
    }
  },
})

interface Options {
  readonly filename: string
  readonly 'pr-manager': string | undefined
  readonly locking: 'auto' | 'on' | 'off' | undefined
  readonly aio: 'threads' | 'native' | 'io_uring' | undefined
}

function checkOptions(options: Options): void {
  const manager = options['pr-manager']
  // There is no way to create one here, so none has this name.
  if (manager !== undefined) {
    throw new BlockError(`No persistent reservation manager with id '${manager}'`)
  }
}

function checkOpened(options: Options, node: NodeHandle, access: Access): void {
  const { regular, locks } = access.current()
  if (!regular) {
    throw new BlockError(`'file' driver requires '${options.filename}' to be a regular file`)
  }
  if (options.aio === 'native' && !node.flags.direct) {
    throw new BlockError(
      'aio=native was specified, but it requires cache.direct=on, which was not specified.',
    )
  }
  if (options.locking === 'on' && locks === undefined) {
    throw new BlockError('File locking is not available on this host', { errno: 'ENOTSUP' })
  }
}

function claims(
  access: Access,
  locking: boolean,
  filename: string,
): Required<Pick<Instance, 'checkClaims' | 'setClaims' | 'abortClaims'>> {
  const locks = fileLocking(() => (locking ? access.current().locks : undefined), filename)
  const move = (next: HostFile): void => {
    if (locking && next.locks !== undefined) locks.copyTo(next.locks)
  }
  return {
    checkClaims(wanted) {
      access.prepare(wanted)
      try {
        locks.check(wanted)
      } catch (error) {
        access.abort()
        throw error
      }
    },
    setClaims(wanted) {
      locks.set(wanted)
      access.commit(move)
    },
    abortClaims() {
      locks.abort()
      access.abort()
    },
  }
}
