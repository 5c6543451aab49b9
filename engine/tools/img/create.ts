/** `img create`: makes a raw image file. */
import type { Host } from '../../host/host.ts'
import { alignUp } from '../../util/align.ts'
import { BlockError } from '../../util/errors.ts'
import type { CommandLine, ImgContext } from './command-line.ts'
import {
  FORMAT,
  HELP,
  ImgFailure,
  OBJECT,
  QUIET,
  readCommandLine,
  usageFailure,
} from './command-line.ts'
import { plainName } from './image.ts'
import { readSize } from './size.ts'

const OPTIONS = [
  FORMAT,
  QUIET,
  HELP,
  OBJECT,
  { name: 'options', letter: 'o', takesValue: true },
  { name: 'backing', letter: 'b', takesValue: true },
  { name: 'backing-format', letter: 'F', takesValue: true },
  { name: 'unsafe', letter: 'u', takesValue: false },
] as const

/** Image sizes are multiples of this. */
const SECTOR = 512

const OPTION_HELP = `Supported raw options:
  size=<size>            - Virtual disk size
  preallocation=<str>    - off, falloc or full
`

const FORMATS = ['raw', 'file']
const UNBUILT = ['luks', 'parallels', 'qcow', 'qcow2', 'qed', 'vdi', 'vhdx', 'vmdk', 'vpc']
const PREALLOCATIONS = ['off', 'falloc', 'full'] as const
type Preallocation = (typeof PREALLOCATIONS)[number]

export async function create(
  host: Host,
  argv: readonly string[],
  context: ImgContext,
): Promise<number> {
  const line = readCommandLine(OPTIONS, argv, context)
  if (line.value('options') === 'help') {
    context.stdout(OPTION_HELP)
    return 0
  }
  const [filename, size, extra] = line.words
  if (filename === undefined) throw usageFailure('Expecting image file name', context.program)
  if (extra !== undefined) throw usageFailure(`Unexpected argument: ${extra}`, context.program)
  const request = checkRequest(line, filename, size)
  if (!line.has('quiet')) context.stdout(formattingLine(filename, request))
  await makeFile(host, filename, request)
  return 0
}

interface Request {
  readonly format: string
  readonly bytes: number
  /** As given, for the line that is printed. */
  readonly preallocation: string | undefined
}

function checkRequest(line: CommandLine, filename: string, size: string | undefined): Request {
  const fail = (text: string): never => {
    throw new ImgFailure(`${filename}: ${text}`)
  }
  const given = size === undefined ? undefined : readSize(size, 'image size')
  const format = line.value('format') ?? 'raw'
  if (UNBUILT.includes(format)) fail(`format '${format}' is not built yet`)
  if (!FORMATS.includes(format)) fail(`Unknown file format '${format}'`)
  const options = optionPairs(line.value('options') ?? '')
  for (const key of options.keys()) {
    if (key !== 'size' && key !== 'preallocation') fail(`Invalid parameter '${key}'`)
  }
  checkName(filename)
  if (line.has('backing')) fail(`Backing file not supported for file format '${format}'`)
  const option = options.get('size')
  if (option !== undefined && given !== undefined) {
    fail('The image size must be specified only once')
  }
  const bytes = given ?? (option === undefined ? undefined : readSize(option, 'image size'))
  if (bytes === undefined) return fail('Image creation needs a size parameter')
  return { format, bytes, preallocation: options.get('preallocation') }
}

/** @throws {ImgFailure} where nothing can be made by this name. */
function checkName(filename: string): void {
  try {
    plainName(filename)
  } catch (error) {
    if (error instanceof BlockError) throw new ImgFailure(`${filename}: ${error.message}`)
    throw error
  }
}

function optionPairs(text: string): ReadonlyMap<string, string> {
  const pairs = text === '' ? [] : text.split(',')
  return new Map(
    pairs.map((pair) => {
      const equals = pair.indexOf('=')
      return equals === -1 ? [pair, 'on'] : [pair.slice(0, equals), pair.slice(equals + 1)]
    }),
  )
}

function formattingLine(filename: string, { format, bytes, preallocation }: Request): string {
  const mode = preallocation === undefined ? '' : ` preallocation=${preallocation}`
  return `Formatting '${filename}', fmt=${format} size=${String(bytes)}${mode}\n`
}

async function makeFile(host: Host, filename: string, request: Request): Promise<void> {
  const { preallocation = 'off' } = request
  const mode = PREALLOCATIONS.find((known) => known === preallocation)
  if (mode === undefined) {
    throw new ImgFailure(`${filename}: invalid parameter value: ${preallocation}`)
  }
  const bytes = alignUp(request.bytes, SECTOR)
  try {
    const file = host.files.open(plainName(filename), { write: true, create: true })
    try {
      file.truncate(0)
      file.truncate(bytes)
      await preallocate(file, bytes, mode)
    } finally {
      file.close()
    }
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    throw new ImgFailure(`${filename}: Could not create '${filename}': ${error.message}`)
  }
}

const CHUNK_BYTES = 1 << 20

async function preallocate(
  file: ReturnType<Host['files']['open']>,
  bytes: number,
  mode: Preallocation,
): Promise<void> {
  if (mode === 'falloc' && bytes > 0) file.zeroRange(0, bytes)
  // Whatever the mode, a new image has its first sector stored: nobody then probes what was there.
  const stored = mode === 'full' ? bytes : Math.min(bytes, SECTOR)
  for (let offset = 0; offset < stored; offset += CHUNK_BYTES) {
    await file.write(offset, new Uint8Array(Math.min(CHUNK_BYTES, stored - offset)))
  }
}
