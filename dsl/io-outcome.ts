/** What a request must come to. */
import { evaluate, type IoPlace } from './expr.ts'
import { ERRNO_NAMES } from './errno.ts'
import type { NbdStatementAst, OutcomeAst, StatementAst } from './grammar/ast.ts'
import { spanAt } from './mini.ts'
import type { IoOutcome } from './plan-io.ts'
import type { Span } from './plan.ts'
import { unquote } from './quoted.ts'
import { makeRegex } from './regex.ts'
import { didYouMean } from './suggest.ts'

export function makeOutcome(
  place: IoPlace,
  statement: StatementAst | NbdStatementAst,
  ast: OutcomeAst | null,
  line: Span,
): IoOutcome | undefined {
  if (ast === null) return { kind: 'ok', span: line, written: false }
  const { context, piece } = place
  const span = spanAt(piece, ast)
  const common = { span, written: true } as const
  if (ast.kind !== 'any') context.claim(span, ast.kind !== 'ok' && ast.kind !== 'pending')
  switch (ast.kind) {
    case 'ok':
    case 'any':
      return { kind: ast.kind, ...common }
    case 'pending':
      if (statement.kind === 'rw') return { kind: 'pending', ...common }
      reject(place, span, 'only an aio_ request can be pending')
      return undefined
    case 'errno':
      return errnoOutcome(place, ast.errno, common)
    case 'refused':
      return refusedOutcome(place, ast, common)
    case 'mismatch': {
      if (!canMismatch(statement)) {
        reject(place, span, 'only a read with a pattern or a verify can mismatch')
        return undefined
      }
      const at = ast.offset === null ? undefined : evaluate(place, ast.offset)
      return { kind: 'mismatch', ...(at === undefined ? {} : { at }), ...common }
    }
  }
}

type Common = { readonly span: Span; readonly written: true }

function reject({ context, piece }: IoPlace, span: Span, message: string): void {
  context.problemIn(piece.node, span, 'io-impossible-outcome', message)
}

function canMismatch(statement: StatementAst | NbdStatementAst): boolean {
  if (statement.kind === 'verify') return true
  const isRead =
    statement.kind === 'read' || (statement.kind === 'rw' && statement.verb.includes('read'))
  return isRead && statement.flags.some((flag) => flag.kind === 'pattern')
}

function errnoOutcome(
  { context, piece }: IoPlace,
  errno: string,
  common: Common,
): IoOutcome | undefined {
  if (ERRNO_NAMES.has(errno)) return { kind: 'errno', errno, ...common }
  context.problemIn(piece.node, common.span, 'io-unknown-errno', `no errno is called ${errno}`, {
    help: didYouMean(errno, ERRNO_NAMES),
  })
  return undefined
}

function refusedOutcome(
  place: IoPlace,
  ast: OutcomeAst & { readonly kind: 'refused' },
  common: Common,
): IoOutcome | undefined {
  const { context, piece } = place
  const { claim } = ast
  if (claim === null) return { kind: 'refused', ...common }
  if (claim.kind === 'text') {
    const text = unquote(context, piece, claim)
    return text === undefined ? undefined : { kind: 'refused', text, ...common }
  }
  const made = makeRegex(claim.body, claim.flags)
  if ('regex' in made) return { kind: 'refused', regex: made.regex, ...common }
  context.problemIn(piece.node, spanAt(piece, claim), made.code, made.message, { help: made.help })
  return undefined
}
