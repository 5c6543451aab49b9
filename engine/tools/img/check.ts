/** `img check`: no format that is built has a checker. */
import type { Host } from '../../host/host.ts'
import type { ImgContext } from './command-line.ts'
import {
  FORCE_SHARE,
  FORMAT,
  HELP,
  IMAGE_OPTS,
  ImgFailure,
  OBJECT,
  OUTPUT,
  outputForm,
  QUIET,
  readCommandLine,
  SOURCE_CACHE,
  sourceCache,
  usageFailure,
} from './command-line.ts'
import { openImage } from './image.ts'
import { checkImageOpts } from './info.ts'

const OPTIONS = [
  FORMAT,
  IMAGE_OPTS,
  OUTPUT,
  FORCE_SHARE,
  QUIET,
  HELP,
  SOURCE_CACHE,
  OBJECT,
  { name: 'repair', letter: 'r', takesValue: true },
] as const

const NO_CHECKER_STATUS = 63

export async function check(
  host: Host,
  argv: readonly string[],
  context: ImgContext,
): Promise<number> {
  const line = readCommandLine(OPTIONS, argv, context)
  const repair = line.value('repair')
  if (repair !== undefined && repair !== 'leaks' && repair !== 'all') {
    throw usageFailure(
      `Unknown option value for -r (expecting 'leaks' or 'all'): ${repair}`,
      context.program,
    )
  }
  const [name, extra] = line.words
  if (name === undefined || extra !== undefined) {
    throw usageFailure('Expecting one image file name', context.program)
  }
  outputForm(line)
  checkImageOpts(line.has('image-opts'), line.has('format'))
  const image = await openImage(host, {
    name,
    format: line.value('format'),
    imageOpts: line.has('image-opts'),
    forceShare: line.has('force-share'),
    writable: repair !== undefined,
    cache: sourceCache(line, 1),
    ...(repair === undefined ? {} : { warn: (text) => context.stderr(text) }),
  })
  await image.close()
  throw new ImgFailure('This image format does not support checks', NO_CHECKER_STATUS)
}
