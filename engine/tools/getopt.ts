/** Command lines as getopt_long reads them: abbreviated long names, clustered letters, `--`. */

export interface OptionSpec {
  readonly long?: string
  readonly letter?: string
  readonly takesValue: boolean
}

/** One thing found on the command line, in order. */
export type Found<S extends OptionSpec> =
  | { readonly kind: 'option'; readonly spec: S; readonly value: string; readonly words: string }
  | { readonly kind: 'word'; readonly value: string }
  /** What getopt would print after `PROG: `. */
  | {
      readonly kind: 'problem'
      readonly text: string
      /**
       * What getopt has just been past: the option as it was given; amid letters the last word or
       * what stands before. Nothing where these are the first.
       */
      readonly passed: string | undefined
      readonly lacksValue: boolean
    }

/** Everything on the command line; what follows `--` are words if `keepRest`, else dropped. */
export function scanOptions<S extends OptionSpec>(
  specs: readonly S[],
  argv: readonly string[],
  keepRest: boolean,
): Found<S>[] {
  const found: Found<S>[] = []
  for (let index = 0; index < argv.length; index += 1) {
    const word = argv[index] ?? ''
    if (word === '--') {
      const rest = argv.slice(index + 1)
      return keepRest
        ? [...found, ...rest.map((value) => ({ kind: 'word', value }) as const)]
        : found
    }
    const next = argv[index + 1]
    const items = word.startsWith('--')
      ? [longOption(specs, word, next)]
      : word.startsWith('-') && word !== '-'
        ? letters(specs, word, next, lastWord(found) ?? argv[index - 1])
        : [{ kind: 'word', value: word } as const]
    found.push(...items)
    const last = items.at(-1)
    if (last?.kind === 'option' && last.words === `${word} ${next ?? ''}`) index += 1
  }
  return found
}

/** Words come to stand before the options that are still to be looked at. */
function lastWord(found: readonly Found<OptionSpec>[]): string | undefined {
  return found.findLast((item) => item.kind === 'word')?.value
}

function longOption<S extends OptionSpec>(
  specs: readonly S[],
  word: string,
  next: string | undefined,
): Found<S> {
  const equals = word.indexOf('=')
  const name = word.slice(2, equals === -1 ? undefined : equals)
  const given = equals === -1 ? undefined : word.slice(equals + 1)
  const exact = specs.filter(({ long }) => long === name)
  const candidates =
    exact.length > 0 ? exact : specs.filter(({ long }) => long?.startsWith(name) === true)
  const [spec] = candidates
  if (spec === undefined) return problem(`unrecognized option '--${name}'`, word)
  if (candidates.length > 1) {
    const names = candidates.map(({ long }) => ` '--${long ?? ''}'`).join('')
    return problem(`option '--${name}' is ambiguous; possibilities:${names}`, word)
  }
  const long = spec.long ?? ''
  if (!spec.takesValue) {
    return given === undefined
      ? { kind: 'option', spec, value: '', words: word }
      : problem(`option '--${long}' doesn't allow an argument`, word)
  }
  if (given !== undefined) return { kind: 'option', spec, value: given, words: word }
  if (next === undefined) return problem(`option '--${long}' requires an argument`, word, true)
  return { kind: 'option', spec, value: next, words: `${word} ${next}` }
}

function letters<S extends OptionSpec>(
  specs: readonly S[],
  word: string,
  next: string | undefined,
  before: string | undefined,
): Found<S>[] {
  const found: Found<S>[] = []
  for (let index = 1; index < word.length; index += 1) {
    const letter = word[index] ?? ''
    const spec = specs.find((candidate) => candidate.letter === letter)
    const passed = index + 1 < word.length ? before : word
    if (spec === undefined) found.push(problem(`invalid option -- '${letter}'`, passed))
    else if (!spec.takesValue) found.push({ kind: 'option', spec, value: '', words: word })
    else if (index + 1 < word.length) {
      found.push({ kind: 'option', spec, value: word.slice(index + 1), words: word })
      return found
    } else if (next === undefined) {
      found.push(problem(`option requires an argument -- '${letter}'`, word, true))
    } else {
      found.push({ kind: 'option', spec, value: next, words: `${word} ${next}` })
    }
  }
  return found
}

function problem(text: string, passed: string | undefined, lacksValue = false): Found<never> {
  return { kind: 'problem', text, passed, lacksValue }
}
