/** Requests that are sent with a tag and awaited later, perhaps in a later step. */
import { type IoPlace } from './expr.ts'
import type { Named } from './grammar/ast.ts'
import { spanAt } from './mini.ts'
import { didYouMean } from './suggest.ts'

export function sendTag(place: IoPlace, tag: Named, subject: string): void {
  const { context, piece } = place
  const span = spanAt(piece, tag)
  const known = tagsOf(place, subject)
  const before = known.get(tag.name)
  if (before?.awaited === false) {
    context.doubtIn(
      piece.node,
      span,
      'io-duplicate-tag',
      `a request '${tag.name}' is still pending`,
      {
        notes: [{ message: 'sent here', span: before.span }],
      },
    )
  }
  known.set(tag.name, { span, awaited: false })
}

export function awaitTags(place: IoPlace, tags: readonly Named[], subject: string): void {
  const { context, piece } = place
  const known = tagsOf(place, subject)
  for (const tag of tags) {
    const sent = known.get(tag.name)
    const span = spanAt(piece, tag)
    if (sent === undefined) {
      context.doubtIn(
        piece.node,
        span,
        'io-unknown-tag',
        `no request '${tag.name}' was sent to ${subject} before`,
        {
          help: didYouMean(tag.name, known.keys()),
        },
      )
    } else if (sent.awaited) {
      context.doubtIn(
        piece.node,
        span,
        'io-awaited-twice',
        `the request '${tag.name}' was awaited before`,
      )
    } else {
      known.set(tag.name, { ...sent, awaited: true })
    }
  }
}

function tagsOf({ context }: IoPlace, subject: string) {
  const { tags } = context.names
  const known = tags.get(subject)
  if (known !== undefined) return known
  const made = new Map<string, { readonly span: ReturnType<typeof spanAt>; awaited: boolean }>()
  tags.set(subject, made)
  return made
}
