/** `snapshot-access`: the unchanging view that a copy-before-write node gives, as a node. */
import { defineDriver, type SnapshotIo } from '../block/driver.ts'
import { ALL_PERMISSIONS, NO_PERMISSIONS } from '../block/permission.ts'
import { assert } from '../util/assert.ts'
import { ioError } from '../util/errors.ts'

export const snapshotAccess = defineDriver({
  name: 'snapshot-access',
  kind: 'format',
  doc: 'Shows what the node below held when it was opened. It cannot be written.',
  options: {},
  children: {
    file: { doc: 'The node that keeps the snapshot.', role: { data: true, primary: true } },
  },
  namedAs: 'file',
  // The node below does all that is to be done with its own permissions.
  claims: () => ({ uses: NO_PERMISSIONS, shares: ALL_PERMISSIONS }),
  open({ children }) {
    const file = children.get('file')
    assert(file !== undefined, 'snapshot-access opens with its child attached')
    const length = file.length()
    const snapshot = (): SnapshotIo => {
      const view = file.snapshot()
      if (view === undefined) throw ioError('ENOTSUP')
      return view
    }
    return {
      length: () => length,
      read: (offset, into) => snapshot().read(offset, into),
      write() {
        throw ioError('ENOTSUP')
      },
      discard: (offset, bytes) => snapshot().discard(offset, bytes),
      status: (offset, bytes) => snapshot().status(offset, bytes),
      // Where there is no snapshot, that is known at once.
      readsAtOnce: () => file.snapshot() === undefined || file.readsAtOnce(),
    }
  },
})
