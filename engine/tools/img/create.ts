/** `img create`: makes an image file. */
import type { Driver } from '../../block/driver.ts'
import { UNBUILT_FORMATS, type ImageOption } from '../../block/image-options.ts'
import { driversIn } from '../../block/in-profile.ts'
import { file } from '../../drivers/file/file.ts'
import { DRIVERS } from '../../drivers/index.ts'
import { qcow2 } from '../../drivers/qcow2/qcow2.ts'
import { raw } from '../../drivers/raw.ts'
import { ssh } from '../../drivers/ssh/ssh.ts'
import { besideOf } from '../../graph/filename.ts'
import type { NewImage } from '../../graph/graph.ts'
import type { Host } from '../../host/host.ts'
import { PROFILES, type ProfileName } from '../../profiles/index.ts'
import { BlockError } from '../../util/errors.ts'
import type { CommandLine, ImgContext } from './command-line.ts'
import {
  BACKING,
  BACKING_FORMAT,
  FORMAT,
  HELP,
  ImgFailure,
  OBJECT,
  QUIET,
  readCommandLine,
  UNSAFE,
  usageFailure,
} from './command-line.ts'
import { creationSchema } from './creation-schema.ts'
import { checkPairs, optionHelp, readPairs } from './create-options.ts'
import { engineFor, withImage } from './image.ts'
import { readSize } from './size.ts'

const OPTIONS = [
  FORMAT,
  QUIET,
  HELP,
  OBJECT,
  { name: 'options', letter: 'o', takesValue: true },
  BACKING,
  BACKING_FORMAT,
  UNSAFE,
  { name: 'schema', long: 'schema', takesValue: false },
] as const

/** What `-o` takes. A raw image is what stores it, and so takes the options of that. */
const FORMATS: Readonly<Record<string, (filename: string) => readonly ImageOption[]>> = {
  raw: (filename) => storageOf(filename).imageOptions ?? [],
  file: () => file.imageOptions ?? [],
  qcow2: () => qcow2.imageOptions ?? [],
  ssh: () => ssh.imageOptions ?? [],
}

function storageOf(filename: string): Driver {
  const [prefix = ''] = filename.split(':', 1)
  return DRIVERS.find(({ prefixes }) => Object.hasOwn(prefixes, prefix)) ?? file
}

export async function create(
  host: Host,
  argv: readonly string[],
  context: ImgContext,
): Promise<number> {
  const line = readCommandLine(OPTIONS, argv, context)
  if (line.has('schema')) {
    context.stdout(`${JSON.stringify(creationSchema(context.profile), undefined, 2)}\n`)
    return 0
  }
  const name = line.value('format') ?? 'raw'
  if (line.value('options') === 'help') {
    // That of the storage below is not known before the name is.
    const options = name === 'raw' ? (raw.imageOptions ?? []) : optionsOf(context, name, name)
    context.stdout(optionHelp(name, options))
    return 0
  }
  const [filename, size, extra] = line.words
  if (filename === undefined) throw usageFailure('Expecting image file name', context.program)
  if (extra !== undefined) throw usageFailure(`Unexpected argument: ${extra}`, context.program)
  const given = size === undefined ? undefined : readSize(size, 'image size')
  const options = optionsOf(context, name, filename, `${filename}: `)
  const pairs = checkPairs(filename, options, readPairs(line.value('options') ?? ''))
  await completePairs(host, context, line, { filename, format: name, given, pairs, options })
  await make(host, { filename, format: name, words: pairs }, line.has('quiet'), context)
  return 0
}

/** @param about - What the error begins with. */
function optionsOf(
  context: ImgContext,
  name: string,
  filename: string,
  about = '',
): readonly ImageOption[] {
  const options = Object.hasOwn(FORMATS, name) ? FORMATS[name]?.(filename) : undefined
  if (options !== undefined) return options
  throw new ImgFailure(`${about}${refusal(name, context.profile)}`)
}

/** Drivers that 7.2 has, and that make no images. */
const UNBUILT_READERS: readonly string[] = ['cloop', 'dmg']
/** With 7.2 these make what is there empty, which is opened first. */
const UNBUILT_STORAGE: readonly string[] = ['host_device', 'nbd', 'rbd']

function refusal(name: string, profile: ProfileName): string {
  if (UNBUILT_FORMATS.includes(name) || UNBUILT_STORAGE.includes(name)) {
    return `format '${name}' is not built yet`
  }
  const known = driversIn(PROFILES[profile], DRIVERS).some((driver) => driver.name === name)
  return known || UNBUILT_READERS.includes(name)
    ? `Format driver '${name}' does not support image creation`
    : `Unknown file format '${name}'`
}

interface Asked {
  readonly filename: string
  readonly format: string
  /** The size as a word of the command line. */
  readonly given: number | undefined
  readonly pairs: Map<string, string>
  readonly options: readonly ImageOption[]
}

/** Puts size and backing image among the options. */
async function completePairs(
  host: Host,
  context: ImgContext,
  line: CommandLine,
  asked: Asked,
): Promise<void> {
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
      : await backingSize(host, context, asked, backing)
  const bytes = own ?? found
  if (bytes === undefined) return fail('Image creation needs a size parameter')
  pairs.set('size', String(bytes))
  const unbuilt = options.find(({ name, unbuilt: is }) => is === true && pairs.has(name))
  if (unbuilt !== undefined) fail(`option '${unbuilt.name}' is not built yet`)
}

async function backingSize(
  host: Host,
  context: ImgContext,
  { filename, pairs }: Asked,
  backing: string,
): Promise<number> {
  const format = pairs.get('backing_fmt')
  const name = besideOf(filename, backing)
  try {
    const request = { name, format, alone: true }
    const { bytes, detected } = await withImage(host, context, request, ({ user, details }) => ({
      bytes: user.length(),
      detected: details.format,
    }))
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

async function make(
  host: Host,
  about: NewImage,
  quiet: boolean,
  context: ImgContext,
): Promise<void> {
  const engine = engineFor(host, { ...context, stdout: quiet ? () => undefined : context.stdout })
  try {
    await engine.graph.createImage(about)
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    const hint = error.hint === undefined ? '' : `${error.hint}\n`
    throw new ImgFailure(`${about.filename}: ${error.message}`, 1, hint)
  } finally {
    await engine.shutdown()
  }
}
