/**
 * `commit_top`: stands above the highest image of a commit while it runs, so that those above see
 * the disk as a whole although the images below it, one by one, are no disks any more.
 */
import { defineFilter } from '../block/driver.ts'
import { ALL_PERMISSIONS, NO_PERMISSIONS } from '../block/permission.ts'

export const commitTop = defineFilter({
  name: 'commit_top',
  doc: 'Passes reads on, and keeps what is wanted of it from the nodes below.',
  options: {},
  filtered: 'backing',
  // What reads through it may read, whatever the job keeps from all others.
  claims: () => ({ uses: NO_PERMISSIONS, shares: ALL_PERMISSIONS }),
  namedAs: 'backing',
  open: () => ({}),
})
