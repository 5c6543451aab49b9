/**
 * Runs the generated parsers over the text of a scalar. A mistake becomes a problem at the exact
 * character of the file, with a code of its own where it is one of the usual slips.
 */
import type { Context } from './context.ts'
import type { Code } from './codes.ts'
import type {
  At,
  ConditionAst,
  ExpectationAst,
  Expr,
  FaultAst,
  GraphAst,
  ImageAst,
  ImgAst,
  LineAst,
  MatchAst,
  NbdStatementAst,
  NeedAst,
  PatternAst,
  PlainAst,
  SavePathAst,
  ScheduleAst,
  WaitAst,
  WantAst,
} from './grammar/ast.ts'
import { parse as parseGraph } from './grammar/graph.generated.js'
import { parse as parseIo } from './grammar/io.generated.js'
import { parse as parseMatch } from './grammar/match.generated.js'
import { parse as parseSmall } from './grammar/small.generated.js'
import { LIMITS } from './limits.ts'
import type { Span } from './plan.ts'
import { mistakeOf } from './mistakes.ts'
import { spanIn, type ScalarNode } from './tree.ts'

/** Each language: how it is parsed, and the code of a mistake that has no better one. */
const LANGUAGES = {
  io: { parse: (text: string) => parseIo(text, { startRule: 'Line' }), code: 'io-syntax' },
  want: { parse: (text: string) => parseIo(text, { startRule: 'WantOnly' }), code: 'io-syntax' },
  nbd: { parse: (text: string) => parseIo(text, { startRule: 'NbdLine' }), code: 'nbd-syntax' },
  pattern: {
    parse: (text: string) => parseIo(text, { startRule: 'PatternOnly' }),
    code: 'io-syntax',
  },
  size: { parse: (text: string) => parseIo(text, { startRule: 'SizeOnly' }), code: 'size-syntax' },
  fault: {
    parse: (text: string) => parseIo(text, { startRule: 'FaultOnly' }),
    code: 'fault-syntax',
  },
  match: {
    parse: (text: string) => parseMatch(text, { startRule: 'Match' }),
    code: 'match-syntax',
  },
  expectation: {
    parse: (text: string) => parseMatch(text, { startRule: 'Expectation' }),
    code: 'expect-syntax',
  },
  graph: { parse: (text: string) => parseGraph(text, { startRule: 'Line' }), code: 'graph-syntax' },
  condition: {
    parse: (text: string) => parseSmall(text, { startRule: 'Condition' }),
    code: 'condition-syntax',
  },
  need: { parse: (text: string) => parseSmall(text, { startRule: 'Need' }), code: 'need-syntax' },
  path: {
    parse: (text: string) => parseSmall(text, { startRule: 'SavePath' }),
    code: 'path-syntax',
  },
  image: {
    parse: (text: string) => parseSmall(text, { startRule: 'Image' }),
    code: 'image-syntax',
  },
  img: { parse: (text: string) => parseSmall(text, { startRule: 'Img' }), code: 'img-syntax' },
  wait: { parse: (text: string) => parseSmall(text, { startRule: 'Wait' }), code: 'wait-syntax' },
  schedule: {
    parse: (text: string) => parseSmall(text, { startRule: 'Schedule' }),
    code: 'schedule-syntax',
  },
} as const satisfies Record<string, { parse: (text: string) => unknown; code: Code }>

export type Language = keyof typeof LANGUAGES

/** What each grammar builds; null for a line without a statement. Round-trip tests hold it to that. */
export interface Trees {
  readonly io: LineAst | null
  readonly want: WantAst
  readonly nbd: PlainAst<NbdStatementAst> | null
  readonly pattern: PatternAst
  readonly size: Expr
  readonly fault: FaultAst
  readonly match: MatchAst
  readonly expectation: ExpectationAst
  readonly graph: GraphAst | null
  readonly condition: ConditionAst
  readonly need: NeedAst
  readonly path: SavePathAst
  readonly image: ImageAst
  readonly img: ImgAst
  readonly wait: WaitAst
  readonly schedule: ScheduleAst
}

export interface Mistake extends At {
  readonly code: Code
  readonly message: string
  readonly help?: string | undefined
}

export type Parsed = { readonly ast: unknown } | { readonly mistake: Mistake }

/** A piece of a scalar's text that a mini-language reads. */
export interface Piece {
  readonly node: ScalarNode
  /** Where the piece starts in the scalar's text. */
  readonly offset: number
  readonly text: string
}

export function wholeOf(node: ScalarNode): Piece {
  return { node, offset: 0, text: node.text }
}

/** The span of a place inside a piece. */
export function spanAt(piece: Piece, at: At): Span {
  return spanIn(piece.node, piece.offset + at.start, piece.offset + at.end)
}

/** Lines of a scalar, each a piece of its own. */
export function linesOf(node: ScalarNode): Piece[] {
  let offset = 0
  return node.text.split('\n').map((line) => {
    const piece = { node, offset, text: line.replace(/\r$/, '') }
    offset += line.length + 1
    return piece
  })
}

/** Parses a piece; a mistake is reported and gives undefined. */
export function parsePiece<L extends Language>(
  context: Context,
  language: L,
  piece: Piece,
): Trees[L] | undefined {
  const parsed = parseText(context.cache, language, piece.text)
  if ('ast' in parsed) {
    // A language and its tree belong together by the tables above.
    const tree = parsed.ast as Trees[L]
    return tree
  }
  const { code, message, help } = parsed.mistake
  context.problemIn(piece.node, spanAt(piece, parsed.mistake), code, message, { help })
  return undefined
}

/** Parses text; equal text is parsed once per cache. */
export function parseText(cache: Map<string, Parsed>, language: Language, text: string): Parsed {
  const key = `${language} ${text}`
  const known = cache.get(key)
  if (known !== undefined) return known
  const parsed = run(language, text)
  cache.set(key, parsed)
  return parsed
}

function run(language: Language, text: string): Parsed {
  const deep = tooDeepAt(text)
  if (deep !== undefined) {
    const message = `brackets are nested deeper than ${String(LIMITS.miniNesting)} levels`
    return { mistake: { code: 'mini-too-deep', start: deep, end: deep + 1, message } }
  }
  try {
    return { ast: LANGUAGES[language].parse(text) }
  } catch (error) {
    return { mistake: mistakeOf(language, text, error, LANGUAGES[language].code) }
  }
}

/** Where brackets or negations go deeper than the parsers may recurse. */
function tooDeepAt(text: string): number | undefined {
  let depth = 0
  let negations = 0
  for (let index = 0; index < text.length; index++) {
    const char = text[index]
    if (char === '(' || char === '[' || char === '{') depth++
    if (char === ')' || char === ']' || char === '}') depth--
    if (char === 'n' && text.startsWith('not ', index)) negations++
    if (char === ':' && text.startsWith('for ', index + 2)) negations++
    if (depth > LIMITS.miniNesting || negations > LIMITS.miniNesting) return index
  }
  return undefined
}
