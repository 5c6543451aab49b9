/** Regular expressions of authors: valid, short, and unable to run away on hostile text. */
import type { Code } from './codes.ts'
import { LIMITS } from './limits.ts'

export type RegexResult =
  | { readonly regex: RegExp }
  | { readonly code: Code; readonly message: string; readonly help?: string }

export function makeRegex(body: string, flags: string): RegexResult {
  if (body.length > LIMITS.regexLength) {
    const limit = String(LIMITS.regexLength)
    return {
      code: 'regex-too-long',
      message: `a regular expression has at most ${limit} characters`,
    }
  }
  if (flags !== '' && flags !== 'i') {
    return { code: 'regex-flags', message: `the only flag is i, not '${flags}'` }
  }
  let regex: RegExp
  try {
    regex = new RegExp(body, flags)
  } catch (error) {
    const message = error instanceof Error ? error.message.replace(/^.*: /, '') : String(error)
    return { code: 'regex-invalid', message: `no valid regular expression: ${message}` }
  }
  const danger = dangerOf(body)
  if (danger === undefined) return { regex }
  return {
    code: 'regex-dangerous',
    message: `this regular expression can run away: ${danger}`,
    help: 'repeat single characters and classes, not groups that repeat or branch inside',
  }
}

/** Why matching could take more than polynomial time of a small degree. */
function dangerOf(body: string): string | undefined {
  const plain = body.replaceAll(/\\[^0-9k]/g, 'a').replaceAll(/\[\^?\]?[^\]]*\]/g, 'a')
  if (/\\[1-9k]/.test(plain)) return 'it refers back to a group'
  if (countMatches(plain, /[*+]|\{\d+,\}/g) > LIMITS.regexRepeats) {
    return `it has more than ${String(LIMITS.regexRepeats)} unbounded repetitions`
  }
  if (/\{\d*,?\d{4,}\}/.test(plain)) return 'it repeats more than 999 times'
  return repeatedGroup(plain)
}

function repeatedGroup(plain: string): string | undefined {
  const open: number[] = []
  for (let index = 0; index < plain.length; index++) {
    if (plain[index] === '(') open.push(index)
    if (plain[index] !== ')') continue
    const inside = plain.slice((open.pop() ?? 0) + 1, index)
    if (!/^(?:[*+]|\{\d+,)/.test(plain.slice(index + 1))) continue
    if (/[*+?{|]/.test(inside.replace(/^\?[:=!<]+/, '')))
      return 'a repeated group repeats or branches inside'
  }
  return undefined
}

function countMatches(text: string, pattern: RegExp): number {
  return [...text.matchAll(pattern)].length
}
