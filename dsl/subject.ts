/** What an I/O step, a claim about content or a comparison speaks of: a node, an export, an image. */
import type { Context } from './context.ts'
import { shorten } from './check.ts'
import type { NameKind } from './names.ts'
import type { Span, Subject } from './plan.ts'
import { didYouMean } from './suggest.ts'
import { spanOf, type ScalarNode } from './tree.ts'

const KIND_WORDS = { node: 'node', nbd: 'export', img: 'image' } as const satisfies Record<
  Subject['kind'],
  NameKind
>

/** The subject that filled-in text names; its name is checked unless `mayMiss`. */
export function makeSubject(
  context: Context,
  text: ScalarNode,
  mayMiss = false,
): Subject | undefined {
  const found = /^(?:(img|node|nbd):)?([A-Za-z0-9_#.-]+)$/.exec(text.text.trim())
  if (found === null) {
    const message = `'${shorten(text.text)}' names no node, export or image`
    context.problem(text, 'bad-subject', message, {
      help: 'subjects are NAME, node:NAME, img:NAME or nbd:EXPORT',
    })
    return undefined
  }
  return subjectOf(context, text, spanOf(text), found[1], found[2] ?? '', mayMiss)
}

export function subjectOf(
  context: Context,
  node: ScalarNode,
  span: Span,
  prefix: string | null | undefined,
  name: string,
  mayMiss = false,
): Subject | undefined {
  const bare = prefix === undefined || prefix === null
  const isImagePlace = context.fields.place === 'after' || context.fields.place === 'setup'
  const kind = bare
    ? isImagePlace
      ? 'img'
      : 'node'
    : prefix === 'img'
      ? 'img'
      : prefix === 'nbd'
        ? 'nbd'
        : 'node'
  if (!mayMiss) checkName(context, node, span, KIND_WORDS[kind], name)
  return { kind, name, span }
}

/** Reports a name that certainly does not exist at this point. */
export function checkName(
  context: Context,
  node: ScalarNode,
  span: Span,
  kind: Exclude<NameKind, 'faulty'>,
  name: string,
): void {
  const { names } = context
  if (!names.lacks(kind, name)) return
  const other = (['node', 'image', 'export'] as const).find(
    (candidate) => names.find(candidate, name) !== undefined,
  )
  const prefix = { node: 'node', image: 'img', export: 'nbd' } as const
  const help =
    other === undefined || kind === 'object' || kind === 'save' || kind === 'breakpoint'
      ? didYouMean(name, names.list(kind))
      : `there is an ${other} of that name: ${prefix[other]}:${name}`.replace('an node', 'a node')
  context.doubtIn(node, span, `unknown-${kind}`, `no ${kind} is called '${name}' at this point`, {
    help,
  })
}
