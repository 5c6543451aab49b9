/** What a node tells of itself and of its image. */

/** Sizes that requests must or should respect. Every member is bytes; 0 means no limit. */
export interface Limits {
  /** Offsets and lengths of reads and writes must be multiples of this power of two. */
  readonly requestAlignment: number
  readonly maxTransfer: number
  readonly optimalTransfer: number
  readonly zeroAlignment: number
  readonly maxZero: number
  readonly discardAlignment: number
  readonly maxDiscard: number
}

/** What a node can tell about its image, for queries and tools. */
export interface InstanceInfo {
  /** Bytes of storage taken; absent where unknown. */
  readonly allocatedBytes?: number
  readonly dirty?: boolean
  readonly clusterBytes?: number
  readonly compressed?: boolean
  readonly encrypted?: boolean
  /** New or truncated space reads as zeroes without being written. */
  readonly zeroInit?: boolean
  /** Format specific information, already in its wire form. */
  readonly specific?: Readonly<Record<string, unknown>>
  /** Internal snapshots; absent where there are none. */
  readonly snapshots?: readonly SnapshotInfo[]
}

/** An internal snapshot, in its wire form. */
export interface SnapshotInfo {
  readonly id: string
  readonly name: string
  /** 64 bits, signed, as all numbers on the wire. */
  readonly 'vm-state-size': bigint
  readonly 'date-sec': number
  readonly 'date-nsec': number
  readonly 'vm-clock-sec': bigint
  readonly 'vm-clock-nsec': bigint
  readonly icount?: bigint
}

/** A backing image as an image header names it. */
export interface BackingHint {
  /** As stored: a path relative to the image, an absolute one, a URL-like name or `json:`. */
  readonly filename: string
  /** The driver to open it with; absent: found by probing. */
  readonly format?: string
}

/** What a check is to do. */
export interface CheckAbout {
  /** What may be changed: counts that are too high, or everything. Absent: nothing. */
  readonly repair?: 'leaks' | 'all'
  /** Gets a line for each finding, as soon as it is made. */
  readonly tell: (line: string) => void
}

/** What a check found and left. */
export interface CheckReport {
  readonly corruptions: number
  readonly leaks: number
  readonly corruptionsFixed: number
  readonly leaksFixed: number
  /** What could not be checked. */
  readonly checkErrors: number
  /** Where the last cluster in use ends in the file. */
  readonly imageEnd: number
  /** Clusters of the disk; of them those with storage, out of sequence, compressed. */
  readonly total: number
  readonly allocated: number
  readonly fragmented: number
  readonly compressed: number
}

/** The generic options of an open node, resolved: what the user gave, inherited or the default. */
export interface NodeFlags {
  readonly readOnly: boolean
  readonly autoReadOnly: boolean
  readonly direct: boolean
  readonly noFlush: boolean
  readonly discard: boolean
  readonly forceShare: boolean
  readonly detectZeroes: 'off' | 'on' | 'unmap'
}
