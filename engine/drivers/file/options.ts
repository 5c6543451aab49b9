/** The options of drivers over files of the host. */
import type { Services } from '../../block/driver.ts'
import { opt } from '../../block/option.ts'
import { BlockError } from '../../util/errors.ts'

export const FILE_OPTIONS = {
  filename: opt.str({ doc: 'Path of the file; never a URL.' }),
  'pr-manager': opt.str({ optional: true, doc: 'Helper for SCSI persistent reservations.' }),
  locking: opt.enum('OnOffAuto', ['auto', 'on', 'off'])({
    optional: true,
    doc: 'Whether to lock the file against conflicting use; auto where the host can.',
  }),
  aio: opt.enum('BlockdevAioOptions', ['threads', 'native', 'io_uring'])({
    optional: true,
    doc: 'How requests reach the host; what io_uring reads from its page cache is there at once.',
  }),
  'aio-max-batch': opt.int({ optional: true, doc: 'Requests handed over at once.' }),
  'drop-cache': opt.bool({ optional: true, doc: 'Drop cached data after a migration.' }),
  'x-check-cache-dropped': opt.bool({
    optional: true,
    features: ['unstable'],
    doc: 'Check that drop-cache worked.',
  }),
} as const

export interface FileOptions {
  readonly filename: string
  readonly 'pr-manager': string | undefined
  readonly locking: 'auto' | 'on' | 'off' | undefined
  readonly aio: 'threads' | 'native' | 'io_uring' | undefined
}

/** What is refused before the file is opened. */
export function checkFileOptions(options: FileOptions, services: Pick<Services, 'object'>): void {
  const manager = options['pr-manager']
  if (manager === undefined) return
  // There is no way to create one here, so none has this name; that somebody looked can be seen.
  services.object('pr-manager', manager)
  throw new BlockError(`No persistent reservation manager with id '${manager}'`)
}

/** What is refused once it is open, before it is looked at. */
export function checkAio({ aio }: FileOptions, direct: boolean): void {
  if (aio !== 'native' || direct) return
  throw new BlockError(
    'aio=native was specified, but it requires cache.direct=on, which was not specified.',
  )
}
