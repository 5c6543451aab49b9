/** What a profile decides: named switches, each read where its behaviour lives. */

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
  readonly 'bitmap.forward': boolean
  readonly 'bitmap.unshareBackingWrite': boolean
  readonly 'commit.filterInChain': 'error' | 'bypass'
  readonly 'commit.header': 'filename' | 'json'
  readonly 'commit.shareBaseWrite': boolean
  readonly 'reopen.cycleCheck': 'final-graph' | 'list-order'
  readonly 'reopen.emptyList': 'ok' | 'error'
  readonly 'reopen.duplicates': 'refused' | 'last-wins'
  readonly 'options.negative': 'refused' | 'wraps'
  readonly 'options.fatFilenames': boolean
  readonly 'jobs.speed': 'absent' | 'present' | 'deprecated'
  readonly legacyCommands: 'absent' | 'present' | 'deprecated'
}
