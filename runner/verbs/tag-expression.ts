/** Tag expressions: `quick`, `quorum and not slow`, `(a or b) and c`. */
import { CommandError } from './verb.ts'

export type TagTest = (tags: ReadonlySet<string>) => boolean

/** @throws {CommandError} where the expression stops making sense. */
export function parseTags(text: string): TagTest {
  const words = text.match(/[()]|[^\s()]+/g) ?? []
  let at = 0
  const take = (word: string): boolean => {
    if (words[at] !== word) return false
    at += 1
    return true
  }
  const either = (): TagTest => {
    let left = both()
    while (take('or')) left = join(left, both(), (a, b) => a || b)
    return left
  }
  const both = (): TagTest => {
    let left = single()
    while (take('and')) left = join(left, single(), (a, b) => a && b)
    return left
  }
  const single = (): TagTest => {
    if (take('not')) {
      const inner = single()
      return (tags) => !inner(tags)
    }
    if (take('(')) {
      const inner = either()
      if (!take(')')) throw new CommandError("wants a ')'")
      return inner
    }
    const word = words[at]
    if (word === undefined || ['and', 'or', ')'].includes(word)) {
      throw new CommandError('wants tags with and, or, not and parentheses')
    }
    at += 1
    return (tags) => tags.has(word)
  }
  if (words.filter((word) => word === '(' || word === 'not').length > 100) {
    throw new CommandError('wants a shorter expression')
  }
  const test = either()
  if (at < words.length) throw new CommandError(`wants 'and' or 'or' before '${words[at] ?? ''}'`)
  return test
}

function join(left: TagTest, right: TagTest, how: (a: boolean, b: boolean) => boolean): TagTest {
  return (tags) => how(left(tags), right(tags))
}
