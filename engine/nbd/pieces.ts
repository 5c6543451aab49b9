/**
 * Splits a length; a length of nothing is one piece too. The pieces are under way together, and the
 * first that failed is told of when all are over.
 */
export async function inPieces(
  bytes: number,
  maximum: number,
  each: (done: number, bytes: number) => Promise<void>,
): Promise<void> {
  if (bytes <= maximum) return each(0, bytes)
  const pieces: Promise<void>[] = []
  for (let done = 0; done < bytes; done += maximum) {
    pieces.push(each(done, Math.min(maximum, bytes - done)))
  }
  const outcomes = await Promise.allSettled(pieces)
  const failed = outcomes.find((outcome) => outcome.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}
