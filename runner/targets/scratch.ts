/** Scratch folders: one for each case, short enough for socket names, removed whatever happens. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Scratch {
  readonly directory: string
  /** Returns what could not be removed. */
  remove(keep: boolean): readonly string[]
}

/** Folders of this process that still exist: removed at its end even if a case did not get so far. */
const open = new Set<string>()
let watching = false

export function makeScratch(): Scratch {
  const directory = mkdtempSync(join(tmpdir(), 'b-'))
  open.add(directory)
  if (!watching) {
    watching = true
    process.once('exit', () => {
      for (const left of open) removeFolder(left)
    })
  }
  return {
    directory,
    remove: (keep) => {
      open.delete(directory)
      if (keep) return []
      return removeFolder(directory) ? [] : [directory]
    },
  }
}

function removeFolder(directory: string): boolean {
  try {
    rmSync(directory, { recursive: true, force: true, maxRetries: 3 })
    return true
  } catch {
    return false
  }
}
