/** `img create`: makes an image file. */
import { asksForHelp, isOptionList } from '../../block/image-words.ts'
import type { ImageOption } from '../../block/image-options.ts'
import type { NewImage } from '../../graph/graph.ts'
import type { Host } from '../../host/host.ts'
import type { EngineProcess } from '../../qmp/engine.ts'
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
import { engineFor } from './image.ts'
import { readSize } from './size.ts'

const OPTIONS = [
  FORMAT,
  QUIET,
  HELP,
  OBJECT,
  { name: 'options', letter: 'o', takesValue: true, check: checkList },
  BACKING,
  BACKING_FORMAT,
  UNSAFE,
  { name: 'schema', long: 'schema', takesValue: false },
] as const

function checkList(text: string): void {
  if (!isOptionList(text)) throw new ImgFailure(`Invalid option list: ${text}`)
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
  const quiet = line.has('quiet')
  const engine = engineFor(host, quiet ? { ...context, stdout: () => undefined } : context)
  try {
    if (asksForHelp(line.values('options').join(','))) printHelp(engine, line, context)
    else await make(engine, imageOf(line, context))
  } finally {
    await engine.shutdown()
  }
  return 0
}

const DEFAULT_FORMAT = 'raw'

function imageOf(line: CommandLine, context: ImgContext): NewImage {
  const [filename, size, extra] = line.words
  if (filename === undefined) throw usageFailure('Expecting image file name', context.program)
  const bytes = size === undefined ? undefined : readSize(size, 'image size', context)
  if (extra !== undefined) throw usageFailure(`Unexpected argument: ${extra}`, context.program)
  return {
    filename,
    format: line.value('format') ?? DEFAULT_FORMAT,
    words: line.values('options').join(','),
    size: bytes,
    backing: { filename: line.value('backing'), format: line.value('backing-format') },
    opensBacking: !line.has('unsafe'),
  }
}

async function make({ graph }: EngineProcess, about: NewImage): Promise<void> {
  try {
    await graph.createImage(about)
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    throw new ImgFailure(`${about.filename}: ${error.message}`, 1, error.hint)
  }
}

/** What `-o help` prints; what stores the image is not known before its name is. */
function printHelp({ graph }: EngineProcess, line: CommandLine, { stdout }: ImgContext): void {
  const format = line.value('format') ?? DEFAULT_FORMAT
  const [filename] = line.words
  try {
    const list = optionList(graph.newImageOptions(format, filename))
    stdout(
      filename === undefined
        ? `Supported ${format} options:\n${list}\nThe protocol level may support further options.\nSpecify the target filename to include those options.\n`
        : `Supported options:\n${list}`,
    )
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    throw new ImgFailure(error.message)
  }
}

function optionList(options: readonly ImageOption[]): string {
  const sorted = options.toSorted((one, other) => (one.name < other.name ? -1 : 1))
  return sorted
    .map(({ name, type, help }) => `  ${`${name}=<${type}>`.padEnd(22)} - ${help}\n`)
    .join('')
}
