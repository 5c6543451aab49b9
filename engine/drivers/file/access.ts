/**
 * How the file of a node is open. With auto-read-only it is opened for writing only while somebody
 * means to write, so that a file that cannot be written to serves readers until then. Reopening the
 * node opens the file anew where the way of access changes.
 *
 * The alignment of direct access is found out when a file was opened, and at the end of each
 * reopening, there with the file that was open before: from buffered to direct access that tells nothing, as
 * with 7.2, where a file opened meanwhile tells it even if the command is refused after that.
 */
import type { NodeFlags, OpenContext } from '../../block/driver.ts'
import { RESIZE, WRITE, WRITE_UNCHANGED, type Claims } from '../../block/permission.ts'
import type { HostFile } from '../../host/host.ts'
import { BlockError } from '../../util/errors.ts'

const WRITING = WRITE | WRITE_UNCHANGED | RESIZE

type AccessFlags = Pick<NodeFlags, 'readOnly' | 'autoReadOnly' | 'direct'>

export interface Access {
  readonly current: () => HostFile
  /** What requests are multiples of. */
  readonly alignment: () => number
  /** The node is about to get these flags. */
  change(flags: AccessFlags): void
  /** It gets them. */
  settle(flags: AccessFlags): void
  /** Makes ready for these claims. @throws {BlockError} if the file cannot be opened so. */
  prepare(claims: Claims): void
  /** Takes what was made ready into use. `move` carries over what hangs on the open file. */
  commit(move: (next: HostFile) => void): void
  abort(): void
}

/** A file with the way it is open. */
interface Opened {
  readonly file: HostFile
  readonly writable: boolean
  readonly direct: boolean
}

/** @throws {BlockError} if the file cannot be opened, or is no regular file. */
export function openAccess(filename: string, { node, services }: OpenContext<unknown>): Access {
  const open = (writable: boolean, direct: boolean): Opened => {
    try {
      const file = services.files.open(filename, { write: writable, ...(direct ? { direct } : {}) })
      return { file, writable, direct }
    } catch (error) {
      if (!(error instanceof BlockError)) throw error
      throw openFailure(filename, direct, error)
    }
  }
  let current = open(!node.flags.readOnly && !node.flags.autoReadOnly, node.flags.direct)
  let next: Opened | undefined
  let planned: AccessFlags | undefined
  let aligns = node.flags.direct
  let alignment = 1
  const probe = ({ file }: Opened): void => {
    alignment = aligns ? file.probeAlignment() : 1
  }
  probe(current)
  const abort = (): void => {
    next?.file.close()
    next = undefined
    planned = undefined
  }
  const make = (writable: boolean, direct: boolean): void => {
    const last = next ?? current
    if (last.writable === writable && last.direct === direct) return
    const made = open(writable, direct)
    next?.file.close()
    next = made
    probe(made)
    node.limitsChanged()
  }
  return {
    current: () => current.file,
    alignment: () => alignment,
    change(flags) {
      planned = flags
    },
    settle({ direct }) {
      aligns = direct
      probe(current)
    },
    prepare({ uses }) {
      const { readOnly, autoReadOnly, direct } = planned ?? node.flags
      make(!readOnly && (!autoReadOnly || (uses & WRITING) !== 0), direct)
    },
    commit(move) {
      planned = undefined
      if (next === undefined) return
      move(next.file)
      current.file.close()
      current = next
      next = undefined
    },
    abort,
  }
}

function openFailure(filename: string, direct: boolean, error: BlockError): BlockError {
  const context = `Could not open '${filename}'`
  if (direct && error.errno === 'EINVAL') {
    return new BlockError(`${context}: filesystem does not support O_DIRECT`)
  }
  return BlockError.system(context, error.errno)
}
