/** "Did you mean" for words of the command line. */
import { nearest } from '../../dsl/suggest.ts'

/** `; did you mean 'x'?`, or an empty text; `mark` stands before the word, as `--`. */
export function hint(word: string, known: Iterable<string>, mark = ''): string {
  const found = nearest(word, known)
  return found === undefined ? '' : `; did you mean '${mark}${found}'?`
}
