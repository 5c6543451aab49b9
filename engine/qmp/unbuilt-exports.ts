/** Stands in for the exports until they are built: refuses everything. */
import type { Exports } from '../exports/exports.ts'
import { BlockError } from '../util/errors.ts'

function refuse(): Promise<never> {
  return Promise.reject(new BlockError('exports are not built yet'))
}

export const UNBUILT_EXPORTS: Exports = {
  startServer: refuse,
  stopServer: () => Promise.reject(new BlockError('NBD server not running')),
  add: refuse,
  remove: (id) => Promise.reject(new BlockError(`Export '${id}' is not found`)),
  list: () => [],
  closeAll: () => Promise.resolve(),
}
