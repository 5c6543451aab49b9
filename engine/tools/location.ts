/** Messages on standard error, with the place on the command line that they are about. */
import type { BlockError } from '../util/errors.ts'
import type { ToolOutput } from './output.ts'

export interface Reporter {
  readonly error: (error: BlockError) => void
  readonly message: (text: string) => void
}

/** `PROG: --option value: message`, then the error's hint if it has one. */
export function reporter(output: ToolOutput, program: string, place = ''): Reporter {
  const prefix = place === '' ? `${program}: ` : `${program}: ${place}: `
  return {
    error(error) {
      output.stderr(`${prefix}${error.message}\n${error.hint ?? ''}`)
    },
    message(text) {
      output.stderr(`${prefix}${text}\n`)
    },
  }
}
