/** `img info`: what an image file is. */
import type { ImageInfo } from '../../graph/graph.ts'
import type { Host } from '../../host/host.ts'
import { printJson } from '../../util/json.ts'
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
  readCommandLine,
  usageFailure,
} from './command-line.ts'
import { openImage } from './image.ts'
import { sizeText } from './size.ts'

const OPTIONS = [
  FORMAT,
  IMAGE_OPTS,
  OUTPUT,
  FORCE_SHARE,
  HELP,
  OBJECT,
  { name: 'backing-chain', long: 'backing-chain', takesValue: false },
] as const

export async function info(
  host: Host,
  argv: readonly string[],
  context: ImgContext,
): Promise<number> {
  const line = readCommandLine(OPTIONS, argv, context)
  const [name, extra] = line.words
  if (name === undefined || extra !== undefined) {
    throw usageFailure('Expecting one image file name', context.program)
  }
  const form = outputForm(line)
  checkImageOpts(line.has('image-opts'), line.has('format'))
  const image = await openImage(host, {
    name,
    format: line.value('format'),
    imageOpts: line.has('image-opts'),
    forceShare: line.has('force-share'),
  })
  try {
    // No format that is built has a backing file, so that a chain is its one image.
    const members = imageMembers(image.details)
    const json = line.has('backing-chain') ? [members] : members
    context.stdout(
      form === 'json' ? `${printJson(json, { pretty: true })}\n` : humanText(image.details),
    )
  } finally {
    await image.close()
  }
  return 0
}

export function checkImageOpts(imageOpts: boolean, format: boolean): void {
  if (imageOpts && format) {
    throw new ImgFailure('--image-opts and --format are mutually exclusive')
  }
}

function imageMembers({ filename, format, virtualSize, instance }: ImageInfo): object {
  return {
    filename,
    format,
    'dirty-flag': instance.dirty,
    'actual-size': instance.allocatedBytes,
    'virtual-size': virtualSize,
    'cluster-size': instance.clusterBytes,
  }
}

function humanText({ filename, format, virtualSize, instance }: ImageInfo): string {
  const stored =
    instance.allocatedBytes === undefined ? 'unavailable' : sizeText(instance.allocatedBytes)
  return [
    `image: ${filename}\n`,
    `file format: ${format}\n`,
    `virtual size: ${sizeText(virtualSize)} (${String(virtualSize)} bytes)\n`,
    `disk size: ${stored}\n`,
  ].join('')
}
