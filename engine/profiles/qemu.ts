/** Profile `qemu`: what QEMU 7.2 does, told by the real one. */
import type { Profile } from './profile.ts'

export const qemu: Profile = {
  'quorum.reopen': false,
  'quorum.explicitNames': false,
  'quorum.holes': false,
  'mirror.checkReplace': true,
  'mirror.resolveReplaces': 'start+complete',
  'mirror.replaceBlocker': true,
  'corrupt.reads': 'refused',
  'corrupt.flush': 'allowed',
  'corrupt.queryNodes': 'error',
  'corrupt.reopen': 'bypass',
  'bitmap.forward': false,
  'bitmap.unshareBackingWrite': false,
  'commit.filterInChain': 'bypass',
  'commit.header': 'json',
  'commit.shareBaseWrite': false,
  'reopen.cycleCheck': 'list-order',
  'reopen.emptyList': 'error',
  'reopen.duplicates': 'last-wins',
  'options.negative': 'wraps',
  'options.fatFilenames': true,
  'jobs.speed': 'present',
  legacyCommands: 'present',
  superseded: 'present',
  successors: 'absent',
}
