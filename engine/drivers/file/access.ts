/**
 * How the file of a node is open. With auto-read-only it is opened for writing only when somebody
 * means to write, so that a file that cannot be written to serves readers until then.
 */
import type { OpenContext } from '../../block/driver.ts'
import { RESIZE, WRITE, WRITE_UNCHANGED, type Claims } from '../../block/permission.ts'
import type { HostFile } from '../../host/host.ts'
import { BlockError } from '../../util/errors.ts'

const WRITING = WRITE | WRITE_UNCHANGED | RESIZE

export interface Access {
  readonly current: () => HostFile
  /** Makes ready for these claims. @throws {BlockError} if the file cannot be opened so. */
  prepare(claims: Claims): void
  /** Takes what was made ready into use. `move` carries over what hangs on the open file. */
  commit(move: (next: HostFile) => void): void
  abort(): void
}

/** @throws {BlockError} if the file cannot be opened, or is no regular file. */
export function openAccess(filename: string, { node, services }: OpenContext<unknown>): Access {
  const direct = node.flags.direct ? { direct: true } : {}
  const open = (write: boolean): HostFile => {
    try {
      return services.files.open(filename, { write, ...direct })
    } catch (error) {
      if (!(error instanceof BlockError)) throw error
      throw BlockError.system(`Could not open '${filename}'`, error.errno)
    }
  }
  let writable = !node.flags.readOnly && !node.flags.autoReadOnly
  let current = open(writable)
  let next: HostFile | undefined
  return {
    current: () => current,
    prepare({ uses }) {
      if (!writable && !node.flags.readOnly && (uses & WRITING) !== 0) next = open(true)
    },
    commit(move) {
      if (next === undefined) return
      move(next)
      current.close()
      current = next
      next = undefined
      writable = true
    },
    abort() {
      next?.close()
      next = undefined
    },
  }
}
