/** Known implementations: each folder here says in `target.yaml` which targets it describes. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { targetsFolder } from '../places.ts'
import type { TargetKind } from './target.ts'
import { TargetError } from './target.ts'

interface Known {
  readonly name: string
  readonly kinds: readonly string[]
  /** Major and minor; absent: any. */
  readonly version?: string
  /** The package that the greeting names; such an entry goes before those that name none. */
  readonly package?: string
}

let table: readonly Known[] | undefined

/** The folder of a known implementation: target.yaml and divergences.yaml lie in it. */
export function targetFolder(known: string): string {
  return join(targetsFolder(), known)
}

/** The name of the folder that describes this kind, version and package. */
export function findKnown(
  kind: TargetKind,
  version: string,
  greeted: string | undefined,
): string | undefined {
  table ??= load()
  const fitting = table.filter(
    (entry) =>
      entry.kinds.includes(kind) &&
      (entry.version === undefined || version.startsWith(`${entry.version}.`)),
  )
  const own = fitting.find((entry) => entry.package !== undefined && entry.package === greeted)
  return (own ?? fitting.find((entry) => entry.package === undefined))?.name
}

function load(): readonly Known[] {
  const root = targetsFolder()
  if (!existsSync(root)) return []
  return readdirSync(root)
    .filter((name) => existsSync(join(root, name, 'target.yaml')))
    .sort()
    .map((name) => read(root, name))
}

function read(root: string, name: string): Known {
  const path = join(root, name, 'target.yaml')
  const data: unknown = parse(readFileSync(path, 'utf8'))
  const { kinds, version, package: greeted } = (data ?? {}) as Record<string, unknown>
  if (!Array.isArray(kinds) || !kinds.every((kind) => typeof kind === 'string')) {
    throw new TargetError(`${path}: 'kinds' must be a list of target kinds`)
  }
  if (version !== undefined && typeof version !== 'string') {
    throw new TargetError(`${path}: 'version' must be text such as '7.2'`)
  }
  if (greeted !== undefined && typeof greeted !== 'string') {
    throw new TargetError(`${path}: 'package' must be text, as the greeting has it`)
  }
  return {
    name,
    kinds,
    ...(version === undefined ? {} : { version }),
    ...(greeted === undefined ? {} : { package: greeted }),
  }
}
