/** "Did you mean": the known name nearest to an unknown one. */

/** Longer names are not compared: nobody mistypes those, and the work stays bounded. */
const LONGEST = 64

/** A help sentence, or undefined when nothing known is near. */
export function didYouMean(wanted: string, known: Iterable<string>): string | undefined {
  const best = nearest(wanted, known)
  return best === undefined ? undefined : `did you mean '${best}'?`
}

/** The known name with the fewest changed letters, at most a third of the name. */
export function nearest(wanted: string, known: Iterable<string>): string | undefined {
  if (wanted.length > LONGEST) return undefined
  let best: string | undefined
  let fewest = Math.max(1, Math.floor(wanted.length / 3)) + 1
  for (const name of known) {
    if (name === wanted || name.length > LONGEST) continue
    const changes = distance(wanted.toLowerCase(), name.toLowerCase(), fewest)
    if (changes < fewest) {
      fewest = changes
      best = name
    }
  }
  return best
}

/** Edits between two words, a swap of neighbours counting as one; `limit` if there are more. */
function distance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit
  let before: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1
      let value = Math.min(
        (previous[j] ?? limit) + 1,
        (row[j - 1] ?? limit) + 1,
        (previous[j - 1] ?? limit) + cost,
      )
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        value = Math.min(value, (before[j - 2] ?? limit) + 1)
      }
      row.push(value)
    }
    before = previous
    previous = row
  }
  return Math.min(previous[b.length] ?? limit, limit)
}
