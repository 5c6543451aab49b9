/** What changes the graph. */
import type { BackingHint, Driver } from '../block/driver.ts'
import type { GraphNode, HeldNode, NodeOptions } from './graph-node.ts'

/** Three-argument form of `x-blockdev-change`; which combinations are legal is checked here. */
export interface ChildChange {
  readonly parent: string
  readonly child?: string
  /** `null`: the child goes. */
  readonly node?: string | null
}

/** What `change-backing-file` is told. */
export interface BackingChange {
  /** The node at the top of the chain. */
  readonly device: string
  readonly image: string
  /** Empty for none. */
  readonly backingFile: string
}

export interface FilenameAbout {
  /** Name of the driver; found by looking at the image where absent. */
  readonly format?: string
  /** Further options, nested or dotted, strings where values have types or not. */
  readonly options?: NodeOptions
  /** Leave the chain below closed: backing images are not opened. */
  readonly noBacking?: boolean
  /** It is opened to be checked: damage that keeps others out does not. */
  readonly forCheck?: boolean
}

/** A filter that a job puts into a chain. */
export interface FilterAbout {
  /** The node that it is put above. */
  readonly above: GraphNode
  /**
   * A driver that no client can name, whose node is put in place at once; or the name of a listed
   * one, whose node is opened over its children first, as QEMU does with either.
   */
  readonly driver: Driver | string
  /** The client's choice of a name; without it one is made up and the node is implicit. */
  readonly name?: string | undefined
  /** Not implicit, even without a name. */
  readonly visible?: boolean
  readonly readOnly?: boolean
  /** Own options of a listed driver. */
  readonly options?: NodeOptions
  /** Children of a listed driver besides `file`. */
  readonly children?: Readonly<Record<string, GraphNode>>
  /** Links to the filter are not to be frozen by others: it is dropped when its own job ends. */
  readonly neverFreeze?: boolean
  /** It comes while requests and jobs go on. */
  readonly undrained?: boolean
}

/** An image that is made by its name. */
export interface NewImage {
  readonly filename: string
  readonly format: string
  /** Its options, as `img create -o` takes them. */
  readonly words?: string
  /** Bytes; those of the backing image where neither this nor a word says how many. */
  readonly size: bigint | undefined
  /** What it is to name as its backing image. */
  readonly backing?: {
    readonly filename?: string | undefined
    readonly format?: string | undefined
  }
  /** Nothing is made where the backing image cannot be opened under that name. */
  readonly opensBacking?: boolean
}

/** An image that a command brings along. */
export interface ImageFile {
  readonly filename: string
  /** Found by looking at the image where absent; over a protocol node the image is one too then. */
  readonly format: string | undefined
  /** Name of its node; made up where absent. */
  readonly name?: string | undefined
  /** Writable, whatever the node that it takes after is. */
  readonly writable?: boolean
  /** Leave its backing image closed. */
  readonly noBacking: boolean
  /** Further options. */
  readonly options?: NodeOptions
}

export interface IntermediateAbout {
  /** The highest node that is taken out of the chain. */
  readonly top: GraphNode
  readonly base: GraphNode
  /** Shown by `top`, whose parents go where those of `top` go. */
  readonly beside?: GraphNode | undefined
  /** What headers are to say instead of the name of `base`. */
  readonly backingFile?: string | undefined
}

/** What happened already and may still be taken back, until it is released. */
export interface UndoableChange {
  readonly undo: () => Promise<void>
  readonly release: () => Promise<void>
}

/** What changes the graph. Changes take turns; what is refused leaves all as it was. */
export interface GraphChanges {
  /** `blockdev-add`. On failure the graph is as before. */
  add(options: NodeOptions): Promise<GraphNode>
  /**
   * Opens an image by its name: a path, `json:` or another name with a protocol, looking for the
   * format unless `format` says it. The node belongs to the client, as one of `add` does, and goes
   * with `remove`.
   */
  addFilename(filename: string | undefined, about?: FilenameAbout): Promise<GraphNode>
  /** Opens a node, which lives until it is let go of and nothing else refers to it. */
  open(options: NodeOptions): Promise<HeldNode>
  /** `blockdev-reopen`: all of the nodes become what is restated, or none. */
  reopen(list: readonly NodeOptions[]): Promise<void>
  reopenUndoably(list: readonly NodeOptions[]): Promise<UndoableChange>
  /** `change-backing-file` */
  changeBackingFile(change: BackingChange): Promise<void>
  /** `blockdev-del` */
  remove(name: string): Promise<void>
  /** `x-blockdev-change` */
  changeChild(change: ChildChange): Promise<void>
  /**
   * Moves a node, with all that it hangs together with, to an iothread; it is drained meanwhile.
   *
   * @param home - The thread's path; absent: the main thread.
   * @throws {BlockError} if a user of one of them keeps it where it is.
   */
  moveHome(node: GraphNode, home: string | undefined): Promise<void>
  /** `block_resize` of a node, after the argument checks of the command. */
  resize(node: GraphNode, bytes: number | bigint): Promise<void>
  /**
   * Puts a new filter above a node, below all that was above it but jobs. The filter lives until
   * `dropFilter`. On failure the graph is as before.
   */
  insertFilter(about: FilterAbout): Promise<GraphNode>
  /** Takes a filter out again; while a job has an edge to it, it stays and shows nothing. */
  dropFilter(filter: GraphNode): Promise<void>
  /**
   * Leads all edges to a node, but those of jobs and of nodes below the other one, to another node.
   * Edges keep their names and places. On failure the graph is as before.
   */
  replaceNode(node: GraphNode, next: GraphNode): Promise<void>
  /** Makes an image file. On failure a file that was there may be gone or empty. */
  createImage(about: NewImage): Promise<void>
  /** Opens an image with the flags of a node. On failure the graph is as before. */
  openImage(node: GraphNode, about: ImageFile): Promise<HeldNode>
  /** Puts an overlay above a drained node, below all else that was above it. */
  putOverlay(node: GraphNode, overlay: GraphNode): Promise<void>
  /** What a commit does in the end: overlays of `top` become overlays of `base`, headers too. */
  dropIntermediate(about: IntermediateAbout): Promise<void>
  /** The same of any two nodes, wherever `base` is. */
  takePlace(about: IntermediateAbout): Promise<void>
  /** Claims of a node's driver have changed. @throws {BlockError} the conflict text. */
  settleClaims(node: GraphNode): Promise<void>
  /** Opens the backing image that the header names, where that was left closed. */
  openBacking(node: GraphNode): Promise<void>
  /** Another backing image, or none; the header stays as it is. */
  setBacking(node: GraphNode, backing: GraphNode | undefined): Promise<void>
  /** Writes the name of a backing image, or that there is none, into an image's header. */
  writeBacking(node: GraphNode, hint: BackingHint | undefined): Promise<void>
  /** Reopens a node, and below it what was opened for it. */
  setReadOnly(node: GraphNode, readOnly: boolean): Promise<void>
}
