/** What a parser's error becomes: a code, a place, and words that help. */
import type { Code } from './codes.ts'
import type { Language, Mistake } from './mini.ts'
import { explainSlip } from './slips.ts'

/** What peggy throws. */
interface SyntaxFault {
  readonly message: string
  readonly expected:
    | readonly { readonly type: string; readonly description?: string; readonly text?: string }[]
    | null
  readonly found: string | null
  readonly location: {
    readonly start: { readonly offset: number }
    readonly end: { readonly offset: number }
  }
}

function isSyntaxFault(error: unknown): error is SyntaxFault {
  return error instanceof Error && 'location' in error && 'expected' in error
}

/** The mistake that a parser threw; `fallback` is the code where no better one is known. */
export function mistakeOf(
  language: Language,
  text: string,
  error: unknown,
  fallback: Code,
): Mistake {
  if (!isSyntaxFault(error)) throw error
  const start = error.location.start.offset
  const end = error.location.end.offset
  const [code, detail] = error.message.split('\u0000')
  if (detail !== undefined && code !== undefined) {
    // The grammar names its slips by code; codes.test.ts checks that each exists.
    return { start, end, ...explainSlip(code as Code, detail) }
  }
  const usual = usualMistake(language, text, start)
  if (usual !== undefined) return usual
  const found = error.found === null || error.found === '' ? 'the end' : `'${error.found}'`
  const message = `expected ${expectations(language, error)}, found ${found}`
  return { code: fallback, start, end, message }
}

/** Slips that show only in the shape of the whole line. */
function usualMistake(language: Language, text: string, start: number): Mistake | undefined {
  if (language !== 'io' && language !== 'nbd') return undefined
  const end = text.trimEnd().length
  if (start < end) {
    if (!/^\s*(?:aio_)?(?:read|write)/.test(text) || text[start] !== '=') return undefined
  }
  const lengthless =
    /^\s*(?:(?:aio_)?(?:read|write)v?|zero|discard|meta \S+)\b.*?\s([^\s=]+)\s*(?:=>.*)?$/.exec(
      text,
    )
  if (lengthless === null) return undefined
  return {
    code: 'io-missing-length',
    start,
    end: start,
    message: 'the length is missing',
    help: 'a range is written 0 64k, 0..64k or 0+64k; -P takes the word after it as its pattern',
  }
}

const IO_SLIPS = ['#', '->', '==>', '=', '...', '==', ':', '-', '/', '//', "'", 'until', '+', '*']
const SMALL_SLIPS = ['!', '&&', '||', '&', '|', '=', '<', '>', "'", 'and', 'or']

/** Spellings that a grammar knows only to explain them: nobody should be told to write them. */
const SLIP_WORDS: Partial<Record<Language, readonly string[]>> = {
  io: IO_SLIPS,
  want: ['#', '==', ':', "'", ','],
  nbd: IO_SLIPS,
  fault: IO_SLIPS,
  match: ['!', '&&', '||', '=', "'", 'and', 'or'],
  condition: SMALL_SLIPS,
  graph: ['#', '->', '-->', '=', '=>', '..'],
  wait: [',', '|'],
}

/** What could have come, said in as few words as possible. */
function expectations(language: Language, fault: SyntaxFault): string {
  const words = new Set<string>()
  for (const item of fault.expected ?? []) {
    if (item.type === 'literal') words.add(JSON.stringify(item.text ?? ''))
    else if (item.type === 'other') words.add(item.description ?? '')
    else if (item.type === 'end') words.add('the end')
  }
  for (const wrong of SLIP_WORDS[language] ?? []) words.delete(JSON.stringify(wrong))
  const list = [...words].slice(0, 8)
  if (list.length === 0) return 'something else'
  const last = list.pop() ?? ''
  return list.length === 0 ? last : `${list.join(', ')} or ${last}`
}
