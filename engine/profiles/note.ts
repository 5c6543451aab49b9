/** Profile `note`: the end state that the design note asks for. */
import type { Profile } from './profile.ts'

export const note: Profile = {
  'quorum.reopen': true,
  'quorum.explicitNames': true,
  'quorum.holes': true,
  'mirror.checkReplace': false,
  'mirror.resolveReplaces': 'at-start',
  'mirror.replaceBlocker': false,
  'corrupt.reads': 'allowed',
  'corrupt.flush': 'refused',
  'corrupt.queryNodes': 'reported',
  'corrupt.reopen': 'refused',
  'bitmap.forward': true,
  'bitmap.unshareBackingWrite': true,
  'commit.filterInChain': 'error',
  'commit.header': 'filename',
  'commit.shareBaseWrite': true,
  'reopen.cycleCheck': 'final-graph',
  'reopen.emptyList': 'ok',
  'reopen.duplicates': 'refused',
  'options.negative': 'refused',
  'options.fatFilenames': false,
  'jobs.speed': 'absent',
  legacyCommands: 'absent',
  superseded: 'deprecated',
  successors: 'present',
}
