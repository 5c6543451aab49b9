/** Markup that is safe by construction: what a template takes in is escaped unless it is markup. */
import { printable } from '../report/paint.ts'

export class Markup {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

type Part = string | number | Markup | readonly Markup[]

/** A template: ``html`<b>${name}</b>` ``. */
export function html(pieces: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  const shown = pieces.map((piece, at) => {
    const part = parts[at]
    return part === undefined ? piece : piece + show(part)
  })
  return new Markup(shown.join(''))
}

export const NOTHING = new Markup('')

function show(part: Part): string {
  if (part instanceof Markup) return part.text
  if (typeof part === 'object') return part.map(({ text }) => text).join('')
  return escape(String(part))
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Half of a surrogate pair, which no page can have. */
const LONE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g

function escape(text: string): string {
  return printable(text)
    .replace(LONE, '\ufffd')
    .replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '')
}
