/** The table in which a header gives names to its feature bits. */
import { concatBytes } from './bytes.ts'
import { paddedText, struct, u8 } from '../../util/struct.ts'

export const FEATURE_ENTRY = struct(48, {
  /** 0 incompatible, 1 compatible, 2 autoclear. */
  kind: u8(0),
  bit: u8(1),
  name: paddedText(2, 46),
})

const INCOMPATIBLE_KIND = 0
const COMPATIBLE_KIND = 1
const AUTOCLEAR_KIND = 2

/** What we write into images of version 3. */
const OUR_NAMES = [
  [INCOMPATIBLE_KIND, 0, 'dirty bit'],
  [INCOMPATIBLE_KIND, 1, 'corrupt bit'],
  [INCOMPATIBLE_KIND, 2, 'external data file'],
  [INCOMPATIBLE_KIND, 3, 'compression type'],
  [INCOMPATIBLE_KIND, 4, 'extended L2 entries'],
  [COMPATIBLE_KIND, 0, 'lazy refcounts'],
  [AUTOCLEAR_KIND, 0, 'bitmaps'],
  [AUTOCLEAR_KIND, 1, 'raw external data'],
] as const

/** Made once: every header that is written has it. */
const OUR_TABLE = concatBytes(
  OUR_NAMES.map(([kind, bit, name]) => FEATURE_ENTRY.encode({ kind, bit, name })),
)

/** A copy for the caller to keep. */
export function featureNameTable(): Uint8Array<ArrayBuffer> {
  return OUR_TABLE.slice()
}

/**
 * Names of unknown incompatible features, comma separated.
 *
 * @param table - The image's own table, if it has one.
 */
export function describeUnknown(features: bigint, table: Uint8Array | undefined): string {
  const names: string[] = []
  let rest = features
  for (let at = 0; at + FEATURE_ENTRY.size <= (table?.length ?? 0); at += FEATURE_ENTRY.size) {
    if (table === undefined) break
    const { kind, bit, name } = FEATURE_ENTRY.decode(table, at)
    if (kind !== INCOMPATIBLE_KIND || bit > 63 || name === '') continue
    const mask = 1n << BigInt(bit)
    if ((rest & mask) === 0n) continue
    names.push(name)
    rest &= ~mask
  }
  if (rest !== 0n) names.push(`Unknown incompatible feature: ${rest.toString(16)}`)
  return names.join(', ')
}
