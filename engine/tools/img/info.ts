/** `img info`: what an image file is. */
import type { ImageInfo } from '../../graph/graph.ts'
import type { Host } from '../../host/host.ts'
import { inKeyOrder } from '../../util/key-order.ts'
import { printJson } from '../../util/json.ts'
import type { ImgContext } from './command-line.ts'
import {
  FORCE_SHARE,
  ImgFailure,
  ON_IMAGES,
  onlyWord,
  OUTPUT,
  outputForm,
  readCommandLine,
} from './command-line.ts'
import { requestFor, withImage, type OpenRequest } from './image.ts'
import { sizeText } from './size.ts'
import { snapshotList } from './snapshot-list.ts'

const OPTIONS = [
  ...ON_IMAGES,
  OUTPUT,
  FORCE_SHARE,
  { name: 'backing-chain', long: 'backing-chain', takesValue: false },
] as const

export async function info(
  host: Host,
  argv: readonly string[],
  context: ImgContext,
): Promise<number> {
  const line = readCommandLine(OPTIONS, argv, context)
  const name = onlyWord(line, context)
  const form = outputForm(line)
  const images = await chain(host, context, {
    ...requestFor(name, line),
    forceShare: line.has('force-share'),
    wholeChain: line.has('backing-chain'),
  })
  if (form === 'human') context.stdout(images.map(humanText).join('\n'))
  else {
    const members = images.map(imageMembers)
    const json = line.has('backing-chain') ? members : members[0]
    context.stdout(`${printJson(json, { pretty: true })}\n`)
  }
  return 0
}

/** Each image is opened by itself, so that what one needs does not hide the others. */
async function chain(
  host: Host,
  context: ImgContext,
  first: OpenRequest & { readonly wholeChain: boolean },
): Promise<ImageInfo[]> {
  const found: ImageInfo[] = []
  const seen = new Set<string>()
  let next: OpenRequest | undefined = first
  while (next !== undefined) {
    if (seen.has(next.name)) {
      throw new ImgFailure(`Backing file '${next.name}' creates an infinite loop.`)
    }
    seen.add(next.name)
    const alone = { ...next, alone: true }
    const details: ImageInfo = await withImage(host, context, alone, (image) => image.details)
    found.push(details)
    const { header } = details
    const backing = header?.fullFilename ?? header?.filename
    next =
      !first.wholeChain || backing === undefined
        ? undefined
        : { ...first, name: backing, format: header?.format, imageOpts: false }
  }
  return found
}

function imageMembers({ filename, format, virtualSize, instance, header }: ImageInfo): object {
  return {
    filename,
    format,
    'dirty-flag': instance.dirty,
    'actual-size': instance.allocatedBytes,
    'virtual-size': virtualSize,
    'cluster-size': instance.clusterBytes,
    'backing-filename': header?.filename,
    'full-backing-filename': header?.fullFilename,
    'backing-filename-format': header?.format,
    snapshots: instance.snapshots,
    'format-specific': instance.specific,
  }
}

function humanText({ filename, format, virtualSize, instance, header }: ImageInfo): string {
  const stored =
    instance.allocatedBytes === undefined ? 'unavailable' : sizeText(instance.allocatedBytes)
  const { clusterBytes, specific } = instance
  return [
    `image: ${filename}\n`,
    `file format: ${format}\n`,
    `virtual size: ${sizeText(virtualSize)} (${String(virtualSize)} bytes)\n`,
    `disk size: ${stored}\n`,
    clusterBytes === undefined ? '' : `cluster_size: ${String(clusterBytes)}\n`,
    instance.dirty === true ? 'cleanly shut down: no\n' : '',
    backingText(header),
    instance.snapshots === undefined ? '' : snapshotList(instance.snapshots),
    specific === undefined
      ? ''
      : `Format specific information:\n${specificText(specific['data'], 4)}`,
  ].join('')
}

function backingText(header: ImageInfo['header']): string {
  if (header === undefined) return ''
  const { filename, fullFilename, format } = header
  const place =
    fullFilename === undefined
      ? ' (cannot determine actual path)'
      : fullFilename === filename
        ? ''
        : ` (actual path: ${fullFilename})`
  const formatLine = format === undefined ? '' : `backing file format: ${format}\n`
  return `backing file: ${filename}${place}\n${formatLine}`
}

/** Members one a line, names with blanks, what is nested further in. */
function specificText(value: unknown, indent: number): string {
  const blanks = ' '.repeat(indent)
  const entries: (readonly [string, unknown])[] = Array.isArray(value)
    ? value.map((item: unknown, index) => [`[${String(index)}]`, item] as const)
    : inKeyOrder(Object.entries(value as object)).map(
        ([name, item]: readonly [string, unknown]) => [name.replaceAll('-', ' '), item] as const,
      )
  return entries.map(([name, item]) => `${blanks}${name}:${valueText(item, indent)}`).join('')
}

function valueText(item: unknown, indent: number): string {
  if (typeof item === 'object' && item !== null) return `\n${specificText(item, indent + 4)}`
  return ` ${typeof item === 'string' ? item : JSON.stringify(item)}\n`
}
