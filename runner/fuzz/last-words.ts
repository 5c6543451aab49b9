/** Why a program of QEMU's ended itself, from what it wrote: the function and what does not hold. */

/** Each has the function, and the condition where the line tells it. */
const FORMS: readonly RegExp[] = [
  /: (\w+): Assertion `(.*)' failed\.$/m,
  /^Unexpected error in (\w+)\(\) at /m,
  /: (qemu_\w+): (.+)$/m,
]

/** `bdrv_close: QLIST_EMPTY(&bs->dirty_bitmaps)`; empty where it died without a word. */
export function lastWords(log: string): string {
  for (const form of FORMS) {
    const [found, name = '', why] = form.exec(log) ?? []
    if (found !== undefined) return why === undefined ? name : `${name}: ${why}`
  }
  return ''
}
