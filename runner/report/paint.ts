/** Colour, and text that is safe to show: the rest of the reporters never write an escape code. */

type Style = 'red' | 'green' | 'yellow' | 'cyan' | 'bold' | 'dim' | 'inverse'

const CODES: Readonly<Record<Style, readonly [number, number]>> = {
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
  bold: [1, 22],
  dim: [2, 22],
  inverse: [7, 27],
}

export type Paint = (style: Style, text: string) => string

export function paint(colour: boolean): Paint {
  if (!colour) return (_style, text) => text
  return (style, text) => {
    const [on, off] = CODES[style]
    return `\u001b[${on}m${text}\u001b[${off}m`
  }
}

/** Whether to use colour: the flag, then FORCE_COLOR, then NO_COLOR, then what the terminal is. */
export function wantsColour(
  isTTY: boolean,
  env: Readonly<Record<string, string | undefined>>,
  noColour: boolean,
): boolean {
  if (noColour) return false
  const force = env['FORCE_COLOR']
  if (force !== undefined) return force !== '0' && force !== 'false'
  if ((env['NO_COLOR'] ?? '') !== '') return false
  return isTTY && env['TERM'] !== 'dumb'
}

/** A target's words must not drive the user's terminal: control characters become `^X`. */
export function printable(text: string): string {
  // eslint-disable-next-line no-control-regex -- these are what must not get through
  return text.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, (character) => {
    const code = character.charCodeAt(0)
    return code < 0x80 ? `^${String.fromCharCode(code ^ 0x40)}` : '\ufffd'
  })
}
