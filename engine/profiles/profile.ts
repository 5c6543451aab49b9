/** What a profile decides: named switches, each read where its behaviour lives. */

/** Whether an entry of the schema is there, and flagged as on its way out. */
export type Presence = 'absent' | 'present' | 'deprecated'

export interface Profile {
  readonly 'quorum.reopen': boolean
  readonly 'quorum.explicitNames': boolean
  readonly 'quorum.holes': boolean
  readonly 'mirror.checkReplace': boolean
  readonly 'mirror.resolveReplaces': 'at-start' | 'start+complete'
  readonly 'mirror.replaceBlocker': boolean
  readonly 'corrupt.reads': 'allowed' | 'refused'
  readonly 'corrupt.flush': 'allowed' | 'refused'
  readonly 'corrupt.queryNodes': 'reported' | 'error'
  readonly 'corrupt.reopen': 'refused' | 'bypass'
  /** What a compressed write does where the image has data already. */
  readonly 'compressed.rewrite': 'replaces' | 'refused'
  readonly 'bitmap.forward': boolean
  readonly 'bitmap.unshareBackingWrite': boolean
  readonly 'commit.filterInChain': 'error' | 'bypass'
  readonly 'commit.header': 'filename' | 'json'
  readonly 'commit.shareBaseWrite': boolean
  /** What becomes of the use of a node by a stream that could not be started. */
  readonly 'stream.failedStart': 'ends' | 'stays'
  readonly 'reopen.cycleCheck': 'final-graph' | 'list-order'
  readonly 'reopen.emptyList': 'ok' | 'error'
  readonly 'reopen.duplicates': 'refused' | 'last-wins'
  /** Which children a reopened node may have other ones of. */
  readonly 'reopen.children': 'any' | 'file+backing'
  /** References may be names of devices too, which the texts of failed ones say. */
  readonly 'lookup.devices': boolean
  readonly 'options.negative': 'refused' | 'wraps'
  readonly 'options.fatFilenames': boolean
  /** `backing: ""` says the same as `null`. */
  readonly 'options.emptyBacking': boolean
  /** Drivers that are only read unless a daemon's white lists say otherwise. */
  readonly 'drivers.readOnly': readonly string[]
  readonly 'jobs.speed': Presence
  /** Commands and members that the note wants gone. */
  readonly legacyCommands: Presence
  /** What stays beside something better. */
  readonly superseded: Presence
  /** What takes the place of the former two. */
  readonly successors: Presence
}
