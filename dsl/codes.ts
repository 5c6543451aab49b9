/**
 * Every diagnostic of the language with its explanation, for `blockspec explain`. Codes are stable:
 * tools and people search for them.
 */
import { FILE_CODES } from './codes/file.ts'
import { LINT_CODES } from './codes/lint.ts'
import { MINI_CODES } from './codes/mini.ts'
import { SCENARIO_CODES } from './codes/scenario.ts'

export const CODES = { ...FILE_CODES, ...SCENARIO_CODES, ...MINI_CODES, ...LINT_CODES } as const

export type Code = keyof typeof CODES
