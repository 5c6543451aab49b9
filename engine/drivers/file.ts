/** `file`: a regular file of the host. */
import {
  defineDriver,
  type BlockStatus,
  type Instance,
  type NodeHandle,
  type OpenContext,
} from '../block/driver.ts'
import { opt } from '../block/option.ts'
import type { HostFile } from '../host/host.ts'
import { BlockError, errnoText, ioError } from '../util/errors.ts'
import { fileLocking } from './file-locking.ts'

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
  open(context) {
    const { options, node } = context
    checkOptions(options, node)
    const opened = openRegular(context)
    if (options.locking === 'on' && opened.locks === undefined) {
      opened.close()
      throw new BlockError('File locking is not available on this host', { errno: 'ENOTSUP' })
    }
    const locks = options.locking === 'off' ? undefined : opened.locks
    return {
      ...requests(opened),
      limits: () => ({ requestAlignment: opened.alignment }),
      ...(locks === undefined ? {} : fileLocking(locks)),
      close() {
        opened.close()
      },
    }
  },
})

type Options = Parameters<typeof checkOptions>[0]

function checkOptions(
  options: {
    readonly filename: string
    readonly 'pr-manager': string | undefined
    readonly aio: string | undefined
  },
  node: NodeHandle,
): void {
  if (options.filename === '') {
    throw new BlockError("The 'file' block driver requires a file name")
  }
  const manager = options['pr-manager']
  // There is no way to create one here, so none has this name.
  if (manager !== undefined) {
    throw new BlockError(`No persistent reservation manager with id '${manager}'`)
  }
  if (options.aio === 'native' && !node.flags.direct) {
    throw new BlockError(
      'aio=native was specified, but it requires cache.direct=on, which was not specified.',
    )
  }
}

function openRegular(context: OpenContext<Options>): HostFile {
  const opened = openFile(context)
  if (opened.regular) return opened
  opened.close()
  throw new BlockError(`'file' driver requires '${context.options.filename}' to be a regular file`)
}

function openFile({ options, node, services }: OpenContext<Options>): HostFile {
  const { filename } = options
  const open = (write: boolean): HostFile =>
    services.files.open(filename, { write, ...(node.flags.direct ? { direct: true } : {}) })
  try {
    return open(!node.flags.readOnly)
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    const described = BlockError.system(`Could not open '${filename}'`, error.errno)
    const forbidden = error.errno === 'EACCES' || error.errno === 'EROFS'
    if (node.flags.readOnly || !forbidden || !node.flags.autoReadOnly) throw described
    node.fallBackToReadOnly(described.message)
    return open(false)
  }
}

function requests(opened: HostFile): Instance {
  return {
    length: () => opened.length(),
    read: (offset, into) => opened.read(offset, into),
    write: (offset, data) => opened.write(offset, data),
    zero(offset, bytes, flags) {
      // Neither way of the host's makes a file longer.
      if (offset + bytes > opened.length()) throw ioError('ENOTSUP')
      if (flags.mayUnmap === true && opened.punchHole(offset, bytes)) return
      if (!opened.zeroRange(offset, bytes)) throw ioError('ENOTSUP')
    },
    discard(offset, bytes) {
      if (!opened.punchHole(offset, bytes)) throw ioError('ENOTSUP')
    },
    flush: () => opened.flush(),
    status: (offset, bytes) => status(opened, offset, bytes),
    truncate(bytes, { preallocation = 'off' }) {
      if (preallocation !== 'off') {
        throw new BlockError(`Preallocation mode '${preallocation}' is not built yet`, {
          errno: 'ENOTSUP',
        })
      }
      truncate(opened, bytes)
    },
    info: () => {
      const allocatedBytes = opened.allocatedBytes()
      return {
        dirty: false,
        zeroInit: true,
        ...(allocatedBytes === undefined ? {} : { allocatedBytes }),
      }
    },
  }
}

function truncate(opened: HostFile, bytes: number): void {
  if (!Number.isSafeInteger(bytes)) throw BlockError.system('Could not resize file', 'EFBIG')
  try {
    opened.truncate(bytes)
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    throw new BlockError(`Could not resize file: ${errnoText(error.errno)}`, {
      errno: error.errno,
      cause: error,
    })
  }
}

function status(opened: HostFile, offset: number, bytes: number): BlockStatus {
  const length = opened.length()
  if (offset >= length) return { bytes, allocated: true, data: false, zero: true, offset }
  const extent = opened.extent(offset)
  return {
    bytes: Math.min(bytes, extent.bytes),
    allocated: true,
    data: extent.data,
    zero: !extent.data,
    offset,
  }
}
