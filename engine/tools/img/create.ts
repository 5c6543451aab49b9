/** `img create`: makes an image file. */
import {
  completed,
  formattingLine,
  UNBUILT_FORMATS,
  type ImageOption,
} from '../../block/image-options.ts'
import { file } from '../../drivers/file/file.ts'
import { qcow2 } from '../../drivers/qcow2/qcow2.ts'
import { besideOf, hasProtocol } from '../../graph/filename.ts'
import type { Host } from '../../host/host.ts'
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
import { checkPairs, createValues, optionHelp, readPairs } from './create-options.ts'
import type { CreateValues } from './create-options.ts'
import { createQcow2 } from './create-qcow2.ts'
import { createRaw } from './create-raw.ts'
import { openImage } from './image.ts'
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

/** How images of a format are made. */
interface ImageFormat {
  readonly options: readonly ImageOption[]
  readonly run: (
    host: Host,
    filename: string,
    values: CreateValues,
    log: (line: string) => void,
  ) => Promise<void>
}

/** A raw image is its file, and so takes the options of files. */
const RAW: ImageFormat = { options: file.imageOptions ?? [], run: createRaw }

const FORMATS: Readonly<Record<string, ImageFormat>> = {
  raw: RAW,
  file: RAW,
  qcow2: { options: qcow2.imageOptions ?? [], run: createQcow2 },
}

export async function create(
  host: Host,
  argv: readonly string[],
  context: ImgContext,
): Promise<number> {
  const line = readCommandLine(OPTIONS, argv, context)
  const name = line.value('format') ?? 'raw'
  if (line.value('options') === 'help') {
    context.stdout(optionHelp(name, formatOf(name, name).options))
    return 0
  }
  const [filename, size, extra] = line.words
  if (filename === undefined) throw usageFailure('Expecting image file name', context.program)
  if (extra !== undefined) throw usageFailure(`Unexpected argument: ${extra}`, context.program)
  const given = size === undefined ? undefined : readSize(size, 'image size')
  const format = formatOf(name, filename)
  const pairs = checkPairs(filename, format.options, readPairs(line.value('options') ?? ''))
  const path = plainName(filename)
  const bytes = await completePairs(host, line, {
    filename,
    format: name,
    given,
    pairs,
    options: format.options,
  })
  const printed = completed(format.options, pairs)
  if (!line.has('quiet')) context.stdout(`${formattingLine(filename, name, printed)}\n`)
  await makeImage(host, format, { filename, path }, createValues(bytes, printed), context)
  return 0
}

function formatOf(name: string, filename: string): ImageFormat {
  const format = Object.hasOwn(FORMATS, name) ? FORMATS[name] : undefined
  if (format !== undefined) return format
  throw new ImgFailure(
    UNBUILT_FORMATS.includes(name)
      ? `${filename}: format '${name}' is not built yet`
      : `${filename}: Unknown file format '${name}'`,
  )
}

/** The name of a file of the host. @throws {ImgFailure} for any other. */
function plainName(filename: string): string {
  if (!hasProtocol(filename)) return filename
  if (filename.startsWith('file:')) return filename.slice('file:'.length)
  const protocol = filename.slice(0, filename.indexOf(':'))
  throw new ImgFailure(
    /^nbd(\+unix|\+tcp|s)?$/.test(protocol)
      ? `${filename}: protocol '${protocol}' is not built yet in file names`
      : `${filename}: Unknown protocol '${protocol}'`,
  )
}

interface Asked {
  readonly filename: string
  readonly format: string
  /** The size as a word of the command line. */
  readonly given: number | undefined
  readonly pairs: Map<string, string>
  readonly options: readonly ImageOption[]
}

/** Puts size and backing image among the options. @returns the size. */
async function completePairs(host: Host, line: CommandLine, asked: Asked): Promise<number> {
  const { filename, pairs, format, options } = asked
  const fail = (text: string, hint = ''): never => {
    throw new ImgFailure(`${filename}: ${text}`, 1, hint)
  }
  for (const [option, name] of [
    ['backing', 'backing_file'],
    ['backing-format', 'backing_fmt'],
  ] as const) {
    const value = line.value(option)
    if (value === undefined) continue
    if (!options.some((known) => known.name === name)) {
      const what = option === 'backing' ? 'Backing file' : 'Backing format'
      fail(`${what} not supported for file format '${format}'`)
    }
    pairs.set(name, value)
  }
  const backing = pairs.get('backing_file')
  if (backing === '') fail('Expected backing file name, got empty string')
  if (backing !== undefined && besideOf(filename, backing) === filename) {
    fail('Error: Trying to create an image with the same filename as the backing file')
  }
  if (asked.given !== undefined && pairs.has('size')) {
    fail('The image size must be specified only once')
  }
  const option = pairs.get('size')
  const own = asked.given ?? (option === undefined ? undefined : readSize(option, 'image size'))
  const found =
    backing === undefined || (line.has('unsafe') && own !== undefined)
      ? undefined
      : await backingSize(host, asked, backing)
  const bytes = own ?? found
  if (bytes === undefined) return fail('Image creation needs a size parameter')
  pairs.set('size', String(bytes))
  const unbuilt = options.find(({ name, unbuilt: is }) => is === true && pairs.has(name))
  if (unbuilt !== undefined) fail(`option '${unbuilt.name}' is not built yet`)
  return bytes
}

async function backingSize(
  host: Host,
  { filename, pairs }: Asked,
  backing: string,
): Promise<number> {
  const format = pairs.get('backing_fmt')
  const name = besideOf(filename, backing)
  try {
    const image = await openImage(host, { name, format, alone: true })
    const bytes = image.user.length()
    const detected = image.details.format
    await image.close()
    if (format !== undefined) return bytes
    throw new ImgFailure(
      `${filename}: Backing file specified without backing format`,
      1,
      `Detected format of ${detected}.`,
    )
  } catch (error) {
    if (!(error instanceof ImgFailure) || error.message.startsWith(`${filename}: Backing`)) {
      throw error
    }
    const text = error.message.replace(/^Could not open '[^']*': (?=Could not open )/, '')
    throw new ImgFailure(`${filename}: ${text}`, 1, 'Could not open backing image.\n')
  }
}

async function makeImage(
  host: Host,
  format: ImageFormat,
  { filename, path }: { readonly filename: string; readonly path: string },
  values: CreateValues,
  context: ImgContext,
): Promise<void> {
  const existed = host.files.exists(path)
  try {
    await format.run(host, path, values, (text) => context.stderr(`${text}\n`))
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    if (!existed && host.files.exists(path)) host.files.unlink(path)
    const place = error.message === '' ? '' : `${filename}: `
    throw new ImgFailure(`${place}${creationText(error, path)}`)
  }
}

/** Where the file itself cannot be made there is only an errno's text. */
function creationText(error: BlockError, path: string): string {
  const isSystems = /^(No such|Permission|Is a dir|Not a dir|File name)/.test(error.message)
  return isSystems ? `Could not create '${path}': ${error.message}` : error.message
}
