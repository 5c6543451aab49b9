/** What queries tell of the graph and its nodes. */
import type { BackingHint, InstanceInfo } from '../block/driver.ts'
import type { PermissionName } from '../block/permission.ts'

/** What queries tell of a node. */
export interface NodeInfo {
  readonly nodeName: string
  readonly driver: string
  readonly readOnly: boolean
  readonly cache: {
    readonly writeback: boolean
    readonly direct: boolean
    readonly noFlush: boolean
  }
  readonly detectZeroes: 'off' | 'on' | 'unmap'
  /** Plain, or `json:` with members in wire order. */
  readonly filename: string
  readonly encrypted: boolean
  readonly backingDepth: number
  readonly backingFile?: string
  readonly writeThreshold: bigint
  readonly image: ImageInfo
}

export interface ImageInfo {
  readonly filename: string
  readonly format: string
  readonly virtualSize: number
  readonly instance: InstanceInfo
  /** The backing image that the header names, and that name as seen from here. */
  readonly header?: BackingHint & { readonly fullFilename?: string }
  /** What a filter shows, or the backing image. */
  readonly backing?: ImageInfo
}

/** Per-node counters of `query-blockstats`. */
export interface NodeStats {
  /** End of the highest write so far, 0 before the first. */
  readonly writeHighestOffset: number
  readonly driverSpecific?: Readonly<Record<string, unknown>>
}

/** What `query-block-graph` tells. */
export interface BlockGraph {
  readonly nodes: readonly {
    readonly 'node-name': string
    readonly driver: string
    readonly 'read-only': boolean
    /** The engine put it there by itself. */
    readonly implicit: boolean
    readonly corrupt: boolean
    /** The child that a filter shows unchanged. */
    readonly 'filtered-child': string | undefined
    /** What would make it again. */
    readonly options: Readonly<Record<string, unknown>>
  }[]
  readonly edges: readonly {
    readonly 'parent-type': 'node' | 'user' | 'job'
    readonly parent: string
    readonly name: string
    readonly child: string
    readonly perm: readonly PermissionName[]
    readonly 'shared-perm': readonly PermissionName[]
  }[]
}

export interface GraphDump {
  readonly nodes: readonly {
    readonly id: number
    readonly type: 'block-driver' | 'block-backend' | 'block-job'
    readonly name: string
  }[]
  readonly edges: readonly {
    readonly parent: number
    readonly child: number
    readonly name: string
    readonly perm: readonly PermissionName[]
    readonly 'shared-perm': readonly PermissionName[]
  }[]
}
