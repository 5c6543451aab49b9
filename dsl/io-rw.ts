/** Reads and writes: which options go together, and what they mean. */
import { evaluate, evaluateRange, fold, foldRange, type IoPlace } from './expr.ts'
import type { At, FlagAst, RwAst } from './grammar/ast.ts'
import type { Made } from './io.ts'
import { sendTag } from './io-tags.ts'
import { spanAt } from './mini.ts'
import { makePattern } from './pattern.ts'
import type { IoStatement, Pattern } from './plan-io.ts'

const LETTERS = {
  z: { field: 'zero', meaning: 'writes zeroes' },
  u: { field: 'unmap', meaning: 'allows to unmap' },
  n: { field: 'noFallback', meaning: 'forbids the slow fallback' },
  c: { field: 'compressed', meaning: 'compresses' },
  f: { field: 'fua', meaning: 'forces unit access' },
} as const

export function makeRw(
  place: IoPlace,
  ast: RwAst,
  subject: string,
  pending: boolean,
): Made | undefined {
  const write = ast.verb.includes('write')
  const async = ast.verb.startsWith('aio_')
  const good = checkFlags(place, ast, write)
  checkTag(place, ast, async, pending)
  const range = evaluateRange(place, ast.range)
  const patternAst = ast.flags.find((flag) => flag.kind === 'pattern')?.pattern
  const pattern = patternAst === undefined ? undefined : makePattern(place, patternAst)
  const part = partOf(place, ast, range?.bytes)
  if (ast.tag !== null && async) sendTag(place, ast.tag, subject)
  if (!good || range === undefined || part === 'wrong') return undefined
  if (patternAst !== undefined && pattern === undefined) return undefined
  const statement: IoStatement = {
    kind: 'rw',
    write,
    async,
    vectored: ast.verb.endsWith('v'),
    ...range,
    ...(pattern === undefined ? {} : { pattern }),
    ...lettersOf(ast.flags),
    ...(part === undefined ? {} : { part }),
    ...(ast.tag === null ? {} : { tag: ast.tag.name }),
  }
  return {
    statement,
    shown: {
      ...ast,
      flags: ast.flags.map((flag) => shownFlag(place, flag, pattern)),
      range: foldRange(place, ast.range, range),
    },
  }
}

function lettersOf(flags: readonly FlagAst[]) {
  const has = (letter: keyof typeof LETTERS) =>
    flags.some((flag) => flag.kind === 'letter' && flag.letter === letter)
  return {
    zero: has('z'),
    unmap: has('u'),
    noFallback: has('n'),
    compressed: has('c'),
    fua: has('f'),
  }
}

function shownFlag(place: IoPlace, flag: FlagAst, pattern: Pattern | undefined): FlagAst {
  if (flag.kind === 'letter') return flag
  if (flag.kind !== 'pattern') return { ...flag, value: fold(place, flag.value) }
  const shown = flag.pattern
  if (shown.kind === 'byte' || shown.kind === 'seq' || shown.kind === 'rand') {
    // A variable that holds a whole pattern is no number to fold.
    const value = pattern?.kind === shown.kind ? fold(place, shown.value) : shown.value
    return { ...flag, pattern: { ...shown, value } }
  }
  return flag
}

/** Reports options that are repeated, missing their partner, or meant for the other direction. */
function checkFlags(place: IoPlace, ast: RwAst, write: boolean): boolean {
  const { context, piece } = place
  const seen = new Map<string, FlagAst>()
  let good = true
  const wrong = (
    flag: FlagAst,
    code: 'io-flag-twice' | 'io-flag-conflict',
    message: string,
    other?: At,
  ) => {
    good = false
    const notes =
      other === undefined ? [] : [{ message: 'the other one', span: spanAt(piece, other) }]
    context.problemIn(piece.node, spanAt(piece, flag), code, message, { notes })
  }
  for (const flag of ast.flags) {
    const name = nameOf(flag)
    const before = seen.get(name)
    if (before !== undefined)
      wrong(flag, 'io-flag-twice', `option -${name} stands here twice`, before)
    seen.set(name, flag)
  }
  const zero = seen.get('z')
  const pattern = seen.get('P')
  const unmap = seen.get('u')
  const [partOffset, partBytes] = [seen.get('s'), seen.get('l')]
  for (const letter of ['z', 'u', 'n', 'c', 'f'] as const) {
    const flag = seen.get(letter)
    if (flag !== undefined && !write)
      wrong(flag, 'io-flag-conflict', `-${letter} ${LETTERS[letter].meaning}; this is a read`)
  }
  if (zero !== undefined && pattern !== undefined)
    wrong(zero, 'io-flag-conflict', '-z writes zeroes, -P a pattern: only one of them', pattern)
  if (write && zero === undefined) {
    if (unmap !== undefined) wrong(unmap, 'io-flag-conflict', '-u goes with -z')
    const noFallback = seen.get('n')
    if (noFallback !== undefined) wrong(noFallback, 'io-flag-conflict', '-n goes with -z')
  }
  for (const flag of [partOffset, partBytes]) {
    if (flag === undefined) continue
    if (write) wrong(flag, 'io-flag-conflict', `-${nameOf(flag)} is for reads`)
    else if (pattern === undefined) wrong(flag, 'io-flag-conflict', `-${nameOf(flag)} goes with -P`)
  }
  return good
}

function nameOf(flag: FlagAst): string {
  if (flag.kind === 'letter') return flag.letter
  return { pattern: 'P', partOffset: 's', partBytes: 'l' }[flag.kind]
}

function checkTag(place: IoPlace, ast: RwAst, async: boolean, pending: boolean): void {
  const { context, piece } = place
  if (ast.tag !== null && !async) {
    context.problemIn(
      piece.node,
      spanAt(piece, ast.tag),
      'io-tag-needs-aio',
      `only aio_${ast.verb} takes a tag`,
    )
  }
  if (async && ast.tag === null) {
    const help = `write ${ast.verb} … as NAME, and await NAME later`
    context.problemIn(
      piece.node,
      spanAt(piece, ast),
      'io-aio-needs-tag',
      'a request that is not waited for needs a tag',
      { help },
    )
  } else if (pending && !async) {
    context.problemIn(
      piece.node,
      spanAt(piece, ast),
      'io-pending-needs-aio',
      'only an aio_ request can be pending',
    )
  }
}

/** The part of a read that is compared, within the range. */
function partOf(place: IoPlace, ast: RwAst, bytes: number | undefined) {
  const from = ast.flags.find((flag) => flag.kind === 'partOffset')
  const size = ast.flags.find((flag) => flag.kind === 'partBytes')
  if (from === undefined && size === undefined) return undefined
  const offset = from === undefined ? 0 : evaluate(place, from.value)
  if (offset === undefined || bytes === undefined) return 'wrong'
  const length = size === undefined ? bytes - offset : evaluate(place, size.value)
  if (length === undefined) return 'wrong'
  if (length > 0 && offset + length <= bytes) return { offset, bytes: length }
  const { context, piece } = place
  const at = size ?? from ?? ast
  context.doubtIn(
    piece.node,
    spanAt(piece, at),
    'io-part-outside',
    'the compared part lies outside of what is read',
  )
  return 'wrong'
}
