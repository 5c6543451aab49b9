/** Making image files: a file is opened or made, locked like any image, and brought to its size. */
import type { Creation } from '../../block/driver.ts'
import { SIZE_OPTION, type ImageOption } from '../../block/image-options.ts'
import { SECTOR_BYTES } from '../../block/length.ts'
import { opt } from '../../block/option.ts'
import { ALL_PERMISSIONS, RESIZE, WRITE } from '../../block/permission.ts'
import type { Files, HostFile } from '../../host/host.ts'
import { alignUp } from '../../util/align.ts'
import { BlockError } from '../../util/errors.ts'
import { run, wait, type Routine } from '../../util/routine.ts'
import { fileLocking } from './locking.ts'
import { resizeFile, shrinkingWithStorage } from './resize.ts'

const PREALLOCATIONS = ['off', 'metadata', 'falloc', 'full'] as const
const PREALLOCATION = opt.enum('PreallocMode', PREALLOCATIONS)

/** Hints do not fit into more bits. */
const MAX_EXTENT_HINT = 2 ** 32 - 1

export const FILE_IMAGE_OPTIONS: readonly ImageOption[] = [
  SIZE_OPTION,
  {
    name: 'nocow',
    type: 'bool (on/off)',
    help: 'Turn off copy-on-write (valid only on btrfs)',
  },
  {
    name: 'preallocation',
    type: 'str',
    help: 'Preallocation mode (allowed values: off, falloc, full)',
  },
  {
    name: 'extent_size_hint',
    type: 'size',
    help: 'Extent size hint for the image file, 0 to disable',
  },
]

export const fileCreation: Creation = {
  needsFile: false,
  options: {
    filename: opt.str({ doc: 'Path of the file.' }),
    size: opt.size({ doc: 'Bytes of the file.' }),
    preallocation: PREALLOCATION({ optional: true, doc: 'How storage is set aside; default off.' }),
    nocow: opt.bool({ optional: true, doc: 'Ask the file system not to copy on write.' }),
    'extent-size-hint': opt.size({
      optional: true,
      doc: 'What the file system should set aside at once; a hint that changes no content.',
    }),
  },
  fromWords(values) {
    const preallocation = values.text('preallocation')
    if (preallocation !== undefined && !PREALLOCATIONS.some((known) => known === preallocation)) {
      throw new BlockError(`invalid parameter value: ${preallocation}`)
    }
    return {
      size: alignUp(values.number('size') ?? 0, SECTOR_BYTES),
      preallocation,
      nocow: values.flag('nocow'),
      'extent-size-hint': values.number('extent_size_hint'),
    }
  },
  // Checked against the declaration above.
  run: ({ options, services }) =>
    run(createFile(options as unknown as CreateOptions, services.files)),
  undo(options, { files }) {
    const { filename } = options as unknown as CreateOptions
    try {
      files.unlink(filename)
    } catch (error) {
      // Whoever is told why there is no image need not hear of that too.
      if (!(error instanceof BlockError)) throw error
    }
  },
}

function* createFile(options: CreateOptions, files: Files): Routine<void> {
  const { filename, size, preallocation = 'off' } = options
  const hint = options['extent-size-hint'] ?? 0
  if (hint < 0 || hint > MAX_EXTENT_HINT) throw new BlockError('Extent size hint is too large')
  const file = openForCreation(files, filename)
  try {
    yield* bringToSize(file, { filename, size, preallocation })
  } finally {
    file.close()
  }
}

interface CreateOptions {
  readonly filename: string
  readonly size: number
  readonly preallocation?: 'off' | 'metadata' | 'falloc' | 'full'
  readonly 'extent-size-hint'?: number
}

function openForCreation(files: Files, filename: string): HostFile {
  try {
    return files.open(filename, { write: true, create: true })
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    throw BlockError.system(`Could not create '${filename}'`, error.errno)
  }
}

/** Others may read and write meanwhile, but not resize; what was in the file goes. */
function* bringToSize(
  file: HostFile,
  {
    filename,
    size,
    preallocation,
  }: {
    readonly filename: string
    readonly size: number
    readonly preallocation: NonNullable<CreateOptions['preallocation']>
  },
): Routine<void> {
  const locks = fileLocking(() => file.locks, filename)
  const claims = { uses: WRITE | RESIZE, shares: ALL_PERMISSIONS & ~RESIZE }
  locks.check(claims)
  if (file.regular) file.truncate(0)
  // As of any request to storage, the outcome is not there at once.
  yield* wait(Promise.resolve())
  if (file.regular && size < 0 && preallocation !== 'off') throw shrinkingWithStorage()
  if (size < 0 || !file.regular) throw BlockError.system('Could not resize file', 'EINVAL')
  yield* wait(resizeFile(file, size, preallocation))
  locks.set({ uses: 0, shares: ALL_PERMISSIONS })
}
