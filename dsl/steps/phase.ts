/** `phase`: a heading over the steps that follow. */
import { readText } from '../check.ts'
import { defineStructure, TEXT } from './kind.ts'

export const phase = defineStructure({
  kind: 'phase',
  written: {
    isHeading: true,
    doc: 'A heading. On failure only the failing phase is printed in full.',
    schema: TEXT,
    keys: {},
    build(context, { value }) {
      const text = readText(context, value, 'a phase')
      if (text === undefined) return []
      const title = text.text.trim()
      if (title === '' || title.includes('\n')) {
        context.problem(text, 'phase-line', 'a phase is one line of text')
        return []
      }
      return [{ kind: 'phase', title }]
    },
  },
  facts: () => ({
    keepsGraph: true,
    judges: false,
    notByActors: 'a phase is a heading for everybody',
  }),
})
