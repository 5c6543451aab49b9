/** `file`: a regular file of the host. */
import { defineDriver, type Instance, type NodeHandle } from '../../block/driver.ts'
import type { HostFile } from '../../host/host.ts'
import { BlockError } from '../../util/errors.ts'
import { openAccess, type Access } from './access.ts'
import { FILE_IMAGE_OPTIONS, fileCreation } from './create.ts'
import { fileLocking } from './locking.ts'
import { checkAio, checkFileOptions, FILE_OPTIONS, type FileOptions } from './options.ts'
import { fileRequests } from './requests.ts'

export const file = defineDriver({
  name: 'file',
  kind: 'protocol',
  doc: 'Reads and writes a regular file of the host.',
  features: ['dynamic-auto-read-only'],
  options: FILE_OPTIONS,
  children: {},
  strongOptions: ['filename'],
  filename: ({ options }) => options.filename,
  needsFilename: true,
  reopenable: ['drop-cache', 'x-check-cache-dropped'],
  resettable: ['x-check-cache-dropped'],
  unrestatable: ['aio-max-batch'],
  create: fileCreation,
  imageOptions: FILE_IMAGE_OPTIONS,
  startsZeroed: true,
  open(context) {
    const { options, node, services } = context
    checkFileOptions(options, services)
    const access = openAccess(options.filename, context)
    try {
      checkOpened(options, node, access)
    } catch (error) {
      access.current().close()
      throw error
    }
    return {
      ...fileRequests(access.current, access.alignment, services.fileQueue),
      // A ring reads from the page cache as it takes the request; past the cache it waits.
      readsAtOnce: () => options.aio === 'io_uring' && !node.flags.direct,
      limits: () => ({ requestAlignment: access.alignment() }),
      supports: { unmapZero: true },
      ...claims(access, options.locking !== 'off', options.filename),
      reopen({ flags }) {
        access.change(flags)
        return { commit: () => access.settle(flags), abort: () => access.abort() }
      },
      close() {
        access.current().close()
      },
    }
  },
})

function checkOpened(options: FileOptions, node: NodeHandle, access: Access): void {
  const { regular, locks } = access.current()
  checkAio(options, node.flags.direct)
  if (!regular) {
    throw new BlockError(`'file' driver requires '${options.filename}' to be a regular file`)
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
