/** `img check`: looks for damage in an image's own structures. */
import type { Host } from '../../host/host.ts'
import type { ImgContext } from './command-line.ts'
import {
  FORCE_SHARE,
  ImgFailure,
  ON_IMAGES,
  onlyWord,
  OUTPUT,
  outputForm,
  QUIET,
  readCommandLine,
  SOURCE_CACHE,
  sourceCache,
  usageFailure,
} from './command-line.ts'
import { requestFor, workOn, type Image } from './image.ts'
import type { CheckReport } from '../../block/driver.ts'
import type { ImageInfo } from '../../graph/graph.ts'
import { BlockError, errnoText } from '../../util/errors.ts'
import { printJson } from '../../util/json.ts'

const OPTIONS = [
  ...ON_IMAGES,
  OUTPUT,
  FORCE_SHARE,
  QUIET,
  SOURCE_CACHE,
  { name: 'repair', letter: 'r', long: 'repair', takesValue: true },
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
  const name = onlyWord(line, context)
  const form = outputForm(line)
  const quiet = form === 'json' || line.has('quiet')
  const request = {
    ...requestFor(name, line),
    forceShare: line.has('force-share'),
    cache: sourceCache(line, 1),
    forCheck: true,
    writable: repair !== undefined,
  }
  return workOn(host, context, request, async (image) => {
    const report = await checkAndRepair(image, repair, context, quiet)
    if (!line.has('quiet')) {
      context.stdout(
        form === 'json'
          ? `${printJson(jsonMembers(report, name, image.details), { pretty: true })}\n`
          : humanText(report),
      )
    }
    if (report.checkErrors > 0) throw new ImgFailure('Check failed')
    return statusOf(report)
  })
}

/** What was repaired is looked at again, and the second report counts. */
async function checkAndRepair(
  image: Image,
  repair: 'leaks' | 'all' | undefined,
  context: ImgContext,
  quiet: boolean,
): Promise<CheckReport> {
  const first = await checkOnce(image, repair, context)
  const { corruptionsFixed, leaksFixed } = first
  if (corruptionsFixed === 0 && leaksFixed === 0) return first
  if (!quiet) {
    context.stdout(
      'The following inconsistencies were found and repaired:\n\n' +
        `    ${String(leaksFixed)} leaked clusters\n    ${String(corruptionsFixed)} corruptions\n\n` +
        'Double checking the fixed image now...\n',
    )
  }
  return { ...(await checkOnce(image, undefined, context)), corruptionsFixed, leaksFixed }
}

async function checkOnce(
  image: Image,
  repair: 'leaks' | 'all' | undefined,
  context: ImgContext,
): Promise<CheckReport> {
  try {
    const report = await image.check({
      ...(repair === undefined ? {} : { repair }),
      tell: (text) => {
        context.stderr(`${text}\n`)
      },
    })
    if (report !== undefined) return report
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    throw new ImgFailure(`Check failed: ${errnoText(error.errno)}`)
  }
  throw new ImgFailure('This image format does not support checks', NO_CHECKER_STATUS)
}

function statusOf({ corruptions, leaks }: CheckReport): number {
  if (corruptions > 0) return 2
  return leaks > 0 ? 3 : 0
}

function jsonMembers(report: CheckReport, filename: string, { format }: ImageInfo): object {
  const unlessZero = (count: number): number | undefined => (count === 0 ? undefined : count)
  return {
    filename,
    format,
    'check-errors': report.checkErrors,
    'image-end-offset': unlessZero(report.imageEnd),
    corruptions: unlessZero(report.corruptions),
    leaks: unlessZero(report.leaks),
    'corruptions-fixed': unlessZero(report.corruptionsFixed),
    'leaks-fixed': unlessZero(report.leaksFixed),
    'total-clusters': unlessZero(report.total),
    'allocated-clusters': unlessZero(report.allocated),
    'fragmented-clusters': unlessZero(report.fragmented),
    'compressed-clusters': unlessZero(report.compressed),
  }
}

function humanText(report: CheckReport): string {
  const { corruptions, leaks, checkErrors, total, allocated } = report
  const parts: string[] = []
  if (corruptions === 0 && leaks === 0 && checkErrors === 0) {
    parts.push('No errors were found on the image.\n')
  }
  if (corruptions > 0) {
    parts.push(
      `\n${String(corruptions)} errors were found on the image.\n` +
        'Data may be corrupted, or further writes to the image may corrupt it.\n',
    )
  }
  if (leaks > 0) {
    parts.push(
      `\n${String(leaks)} leaked clusters were found on the image.\n` +
        'This means waste of disk space, but no harm to data.\n',
    )
  }
  if (checkErrors > 0) {
    parts.push(`\n${String(checkErrors)} internal errors have occurred during the check.\n`)
  }
  if (total !== 0 && allocated !== 0) {
    parts.push(
      `${String(allocated)}/${String(total)} = ${percent(allocated, total)} allocated, ` +
        `${percent(report.fragmented, allocated)} fragmented, ` +
        `${percent(report.compressed, allocated)} compressed clusters\n`,
    )
  }
  if (report.imageEnd > 0) parts.push(`Image end offset: ${String(report.imageEnd)}\n`)
  return parts.join('')
}

/** Two decimals, ties to the even digit, as C prints them. */
function percent(part: number, whole: number): string {
  const scaled = ((part * 100) / whole) * 100
  const below = Math.floor(scaled)
  const isTie = scaled - below === 0.5
  const rounded = isTie ? below + (below % 2) : Math.round(scaled)
  return `${(rounded / 100).toFixed(2)}%`
}
