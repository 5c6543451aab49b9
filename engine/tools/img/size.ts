/** Sizes on the command line and in what is printed. */
import { hexSuffixWarning } from '../../block/image-words.ts'
import { readSize as readSizeText } from '../../block/size.ts'
import { ImgFailure, type ImgContext } from './command-line.ts'

const INT64_MAX = 2n ** 63n - 1n

/** @throws {ImgFailure} which calls the value `what`. */
export function readSize(text: string, what: string, { program, stderr }: ImgContext): bigint {
  const reading = readSizeText(text)
  if (reading === 'malformed') {
    throw new ImgFailure(
      `Invalid ${what} specified. You may use k, M, G, T, P or E suffixes for`,
      1,
      'qemu-img: kilobytes, megabytes, gigabytes, terabytes, petabytes and exabytes.\n',
    )
  }
  if (reading !== 'too large' && reading.hasHexSuffix) {
    stderr(`${program}: ${hexSuffixWarning(text)}\n`)
  }
  if (reading !== 'too large' && reading.bytes <= INT64_MAX) return reading.bytes
  throw new ImgFailure(`Invalid ${what} specified. Must be between 0 and ${String(INT64_MAX)}.`)
}

const UNITS = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei']

/** Three significant digits: `1.18 MiB`, `512 B`. */
export function sizeText(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1024
    unit += 1
  }
  return `${threeDigits(value)} ${UNITS[unit] ?? ''}B`
}

/** What lies in the middle goes to the even neighbour, as in C. */
function threeDigits(value: number): string {
  const step = value < 1 ? 1000 : value < 10 ? 100 : value < 100 ? 10 : 1
  const scaled = value * step
  const floor = Math.floor(scaled)
  if (scaled - floor === 0.5 && floor % 2 === 0) return String(floor / step)
  return String(Number(value.toPrecision(3)))
}
