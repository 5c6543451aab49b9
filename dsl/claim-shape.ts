/** Text in claims that looks like a match whose tilde was forgotten. */
import type { Context } from './context.ts'
import type { ScalarNode } from './tree.ts'

const LOOKS_LIKE_A_MATCH =
  /^(?:set|has|exact) ?[[{]|^\/.+\/i?$|^(?:>=|<=|!=|==)|^[<>] ?\d|^(?:absent|present)$|^not null$/

/** Warns: the text may be meant as it stands. */
export function check(context: Context, node: ScalarNode): void {
  if (node.style === 'block' || !LOOKS_LIKE_A_MATCH.test(node.text)) return
  context.problem(
    node,
    'match-missing-tilde',
    `this is compared as text; is '~ ${node.text}' meant?`,
    {
      level: 'warning',
      help: 'a match expression starts with a tilde and a blank',
    },
  )
}
