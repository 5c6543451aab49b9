/**
 * Goldens: the text of all cases of one scenario in one profile. Each case's transcript is recorded
 * alone; lines that all cases share are written once, others in `[var=…]` blocks. `expand` gives a
 * case's transcript back, byte for byte.
 */

/** Version of the golden text format and of what the normalisers do; both stand in the header. */
export const GOLDEN_FORMAT = 1
export const NORMALISER_VERSION = 1

/** A case as a golden's labels know it: matrix variables with their values in golden notation. */
export interface GoldenCase {
  readonly id: string
  readonly variables: readonly { readonly name: string; readonly text: string }[]
}

/** A transcript without its header: the text that is compared. */
export type TranscriptText = string

export interface GoldenHeader {
  readonly scenario: string
  /** Titles of the recording targets: `qemu-storage-daemon 7.2.22`. */
  readonly from: readonly string[]
  readonly normaliser: number
}

/** The golden text for these cases, which are in matrix order. */
export declare function foldGolden(
  header: GoldenHeader,
  cases: readonly { readonly case: GoldenCase; readonly transcript: TranscriptText }[],
): string

/** @throws {GoldenError} when the text is no golden. */
export declare function expandGolden(golden: string, which: GoldenCase): TranscriptText
/** @throws {GoldenError} */
export declare function readHeader(golden: string): GoldenHeader
