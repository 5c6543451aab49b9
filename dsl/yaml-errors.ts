/** The YAML parser's own errors, in our words and with our codes. */
import type { Document } from 'yaml'
import type { Code } from './codes.ts'
import type { Report } from './problem.ts'
import type { Source } from './source.ts'

interface Wording {
  readonly code: Code
  readonly message: string
  readonly help?: string
}

const COLON_HELP = "text that holds ': ', ' #' or starts with a special character stands in quotes"

const MISSING: Wording = {
  code: 'yaml-missing',
  message: 'a bracket, quote, comma or blank is missing',
}
const INDENT: Wording = { code: 'yaml-indent', message: 'the indentation fits nothing above' }

/** By the parser's error code; the rest are told as it tells them. */
const WORDINGS: Readonly<Record<string, Wording>> = {
  TAB_AS_INDENT: { code: 'yaml-tab', message: 'lines are indented with spaces, not tabs' },
  BAD_INDENT: INDENT,
  BLOCK_AS_IMPLICIT_KEY: {
    code: 'yaml-colon',
    message: 'a second key begins in the middle of a value',
    help: COLON_HELP,
  },
  BLOCK_IN_FLOW: {
    code: 'yaml-block-in-flow',
    message: 'a block value can not stand inside brackets',
  },
  MULTILINE_IMPLICIT_KEY: {
    code: 'yaml-multiline-key',
    message: 'a key stands on one line; is a colon missing?',
  },
  BAD_SCALAR_START: {
    code: 'yaml-scalar-start',
    message: 'text can not start with this character',
    help: COLON_HELP,
  },
  BAD_DQ_ESCAPE: {
    code: 'yaml-escape',
    message: 'no such escape in double quotes',
    help: 'in single quotes a backslash is an ordinary character',
  },
  MISSING_CHAR: MISSING,
  ALIAS_PROPS: { code: 'yaml-alias', message: 'an alias stands alone, without anchor or tag' },
}

/** Some codes of the parser stand for several slips, which its words tell apart. */
function wordingOf(code: string, message: string): Wording | undefined {
  if (/ end with a [\]}]/.test(message)) return MISSING
  if (code === 'BLOCK_AS_IMPLICIT_KEY' && message.includes('sequence')) return INDENT
  return WORDINGS[code]
}

/** Reports them, the first of each line; true if there are any. */
export function reportYamlErrors(
  source: Source,
  document: Document.Parsed,
  report: Report,
): boolean {
  const lines = new Set<number>()
  for (const error of document.errors) {
    const [start, end] = error.pos
    const { line } = source.span(start, start)
    // What follows on the same line is mostly a consequence.
    if (lines.has(line)) continue
    lines.add(line)
    const span = source.span(start, Math.min(end, lineEnd(source, start)))
    const detail = error.message.split('\n')[0] ?? ''
    const wording = wordingOf(error.code, detail)
    if (wording === undefined) report.add('yaml-syntax', source, span, detail, { help: COLON_HELP })
    else {
      const { code, message, help } = wording
      report.add(code, source, span, `${message} (${detail})`, { help })
    }
  }
  return document.errors.length > 0
}

function lineEnd(source: Source, from: number): number {
  const at = source.text.indexOf('\n', from)
  return at === -1 ? source.text.length : Math.max(at, from + 1)
}
