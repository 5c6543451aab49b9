/** Voting: which of several answers most of them give, and who gave another. */

/** One answer and who gave it. */
interface Version<A> {
  readonly answer: A
  /** Newest voter first. */
  readonly voters: number[]
}

export interface Outcome<A> {
  readonly winner: A
  readonly votes: number
  /** Voters for other answers, in the order in which QEMU reports them. */
  readonly losers: readonly number[]
}

/**
 * Counts the votes. Of two answers with as many votes the one that was first given later wins.
 *
 * @param ballots - Voters and answers in voting order; at least one.
 */
export function vote<A>(
  ballots: readonly (readonly [voter: number, answer: A])[],
  isSame: (left: A, right: A) => boolean,
): Outcome<A> | undefined {
  const newestFirst: Version<A>[] = []
  for (const [voter, answer] of ballots) {
    const known = newestFirst.find((version) => isSame(version.answer, answer))
    if (known === undefined) newestFirst.unshift({ answer, voters: [voter] })
    else known.voters.unshift(voter)
  }
  let winner = newestFirst[0]
  if (winner === undefined) return undefined
  for (const version of newestFirst) {
    if (version.voters.length > winner.voters.length) winner = version
  }
  const losers = newestFirst.filter((version) => version !== winner)
  return {
    winner: winner.answer,
    votes: winner.voters.length,
    losers: losers.flatMap((version) => version.voters),
  }
}
