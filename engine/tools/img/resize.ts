/** `img resize`: makes a raw image longer or shorter. */
import { sizeOf } from '../../block/image-words.ts'
import type { Host } from '../../host/host.ts'
import { BlockError } from '../../util/errors.ts'
import type { ImgContext } from './command-line.ts'
import {
  ImgFailure,
  ON_IMAGES,
  onlyWord,
  QUIET,
  readCommandLine,
  usageFailure,
} from './command-line.ts'
import { requestFor, withImage } from './image.ts'

const PREALLOCATIONS = ['off', 'metadata', 'falloc', 'full'] as const

const OPTIONS = [
  ...ON_IMAGES,
  QUIET,
  { name: 'shrink', long: 'shrink', takesValue: false },
  {
    name: 'preallocation',
    long: 'preallocation',
    takesValue: true,
    check: (mode: string) => void preallocationOf(mode),
  },
] as const

function preallocationOf(mode: string): (typeof PREALLOCATIONS)[number] {
  const known = PREALLOCATIONS.find((name) => name === mode)
  if (known !== undefined) return known
  throw new ImgFailure(`Invalid preallocation mode '${mode}'`)
}

export async function resize(
  host: Host,
  argv: readonly string[],
  context: ImgContext,
): Promise<number> {
  // The size comes last and may look like an option.
  const size = argv.at(-1)
  if (size === undefined || argv.length < 2) {
    throw usageFailure('Not enough arguments', context.program)
  }
  const line = readCommandLine(OPTIONS, argv.slice(0, -1), context)
  const preallocation = preallocationOf(line.value('preallocation') ?? 'off')
  const name = onlyWord(line, context, 'image file name and size')
  const { sign, bytes } = readChange(size, context)
  const request = { ...requestFor(name, line), writable: true }
  await withImage(host, context, request, async ({ user }) => {
    const old = user.length()
    // What no 64 bits hold wraps round.
    const wanted = BigInt.asIntN(64, sign === 0 ? bytes : BigInt(old) + BigInt(sign) * bytes)
    checkChange(old, wanted, preallocation !== 'off', line.has('shrink'))
    try {
      await user.truncate(Number(wanted), { exact: true, preallocation, whole: wanted })
    } catch (error) {
      if (error instanceof BlockError) throw new ImgFailure(error.message)
      throw error
    }
  })
  if (!line.has('quiet')) context.stdout('Image resized.\n')
  return 0
}

interface Change {
  readonly sign: -1 | 0 | 1
  readonly bytes: bigint
}

function readChange(text: string, { program, stderr }: ImgContext): Change {
  const sign = text.startsWith('+') ? 1 : text.startsWith('-') ? -1 : 0
  try {
    const bytes = sizeOf('size', sign === 0 ? text : text.slice(1), (warning) => {
      stderr(`${program}: ${warning}\n`)
    })
    return { sign, bytes }
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    throw new ImgFailure(error.message, 1, error.hint)
  }
}

function checkChange(old: number, wanted: bigint, preallocates: boolean, shrink: boolean): void {
  if (wanted <= 0n) throw new ImgFailure('New image size must be positive')
  if (wanted <= BigInt(old) && preallocates) {
    throw new ImgFailure('Preallocation can only be used for growing images')
  }
  if (wanted < BigInt(old) && !shrink) {
    throw new ImgFailure(
      'Use the --shrink option to perform a shrink operation.',
      1,
      "qemu-img: warning: Shrinking an image will delete all data beyond the shrunken image's end. Before performing such an operation, make sure there is no important data there.\n",
    )
  }
}
