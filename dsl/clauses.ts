/** References to clauses of the specification. */
import { readList, readText, shorten } from './check.ts'
import type { Context } from './context.ts'
import type { ClauseRef } from './plan.ts'
import { didYouMean } from './suggest.ts'
import { spanOf, type MapNode, type Node, find } from './tree.ts'

export function makeClauseRef(context: Context, node: Node): ClauseRef | undefined {
  const text = readText(context, node, 'a clause')
  if (text === undefined) return undefined
  const { clauses } = context.fields.session
  const id = text.text
  if (!/^[A-Za-z][\w.-]*$/.test(id)) {
    context.problem(text, 'bad-clause', `'${shorten(id)}' is no clause id`, {
      help: 'ids look like QUO-3',
    })
    return undefined
  }
  if (clauses?.has(id) === false) {
    context.problem(text, 'unknown-clause', `no clause is called '${id}'`, {
      help: didYouMean(id, clauses.keys()),
    })
  }
  return { id, span: spanOf(text) }
}

/** The list under `spec` or `refuses`, each clause once. */
export function makeClauseRefs(
  context: Context,
  map: MapNode,
  name: 'spec' | 'refuses',
): readonly ClauseRef[] {
  const entry = find(map, name)
  const list = entry === undefined ? undefined : readList(context, entry.value, `'${name}'`)
  const refs: ClauseRef[] = []
  for (const item of list?.items ?? []) {
    const ref = makeClauseRef(context, item)
    if (ref === undefined) continue
    const before = refs.find(({ id }) => id === ref.id)
    if (before === undefined) refs.push(ref)
    else {
      context.problem(item, 'duplicate-item', `the clause '${ref.id}' stands here twice`, {
        notes: [{ message: 'first here', span: before.span }],
      })
    }
  }
  return refs
}
