/** What an engine is made of, as commands see it. */
import type { Exports } from '../exports/exports.ts'
import type { Graph } from '../graph/graph.ts'
import type { Jobs } from '../jobs/registry.ts'
import type { Services } from '../block/driver.ts'
import type { Host } from '../host/host.ts'
import type { Compat } from './policy.ts'
import type { Profile } from '../profiles/index.ts'
import type { Command } from './command.ts'
import type { EventBus } from './events.ts'
import type { ObjectType, Objects } from './objects.ts'

export interface EngineParts {
  readonly host: Host
  readonly profile: Profile
  readonly compat: Compat
  readonly graph: Graph
  readonly exports: Exports
  readonly jobs: Jobs
  /** The outside, as drivers reach it. */
  readonly services: Services
  readonly objects: Objects
  readonly objectTypes: readonly ObjectType[]
  readonly events: EventBus
  readonly commands: ReadonlyMap<string, Command>
  /** The character devices that monitors sit on, as `query-chardev` lists them. */
  readonly chardevs: readonly Chardev[]
  /** Closes exports and nodes; `finished` settles with `status` once the caller has been answered. */
  quit(status?: number): Promise<void>
}

export interface Chardev {
  readonly label: string
  /** `stdio`, `socket`, `null`. */
  readonly backend: string
  readonly filename: string
  readonly frontendOpen: boolean
}
