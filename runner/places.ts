/** Where the package and the descriptions of known targets lie, from source and from the bundle. */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

let found: string | undefined

/** The folder with `package.json` above this module. */
export function packageRoot(): string {
  if (found !== undefined) return found
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(folder, 'package.json')) && folder !== dirname(folder)) {
    folder = dirname(folder)
  }
  found = folder
  return folder
}

/** The folder of all known implementations. */
export function targetsFolder(): string {
  return join(packageRoot(), 'runner', 'targets')
}
