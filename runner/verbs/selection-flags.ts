/** The flags that select cases, shared by every verb that works on a selection. */
import { availableParallelism } from 'node:os'
import type { Profile } from '../../dsl/plan.ts'
import { many, one, text, type FlagTable, type Values } from './flags.ts'
import { parseTags } from './tag-expression.ts'
import { CommandError } from './verb.ts'

export const PROFILES = ['qemu', 'note', 'note-transition'] as const satisfies readonly Profile[]

/** The flags of every verb that works on a selection of cases. */
export const SELECTION_FLAGS = {
  tag: many({
    short: 't',
    value: 'EXPR',
    example: "'quorum and not slow'",
    doc: 'Only scenarios whose tags satisfy the expression.',
    parse: parseTags,
  }),
  clause: many({
    short: 'c',
    value: 'GLOB',
    example: "'QUO-*'",
    doc: 'Only scenarios that show or refuse such a clause.',
    parse: text,
  }),
  grep: many({
    short: 'g',
    value: 'TEXT',
    example: 'threshold',
    doc: 'Only cases whose id or title contains the text; /…/ is a regular expression.',
    parse: parseGrep,
  }),
  case: many({
    value: 'NAME=VALUE',
    example: 'mode=fifo',
    doc: 'Only cases with this value of a matrix variable.',
    parse: parseAssignment,
  }),
  profile: many({
    value: 'NAME',
    example: 'note',
    doc: `Only this profile: ${PROFILES.join(', ')}.`,
    parse: (value) => {
      const found = PROFILES.find((profile) => profile === value)
      if (found === undefined) throw new CommandError(`wants ${PROFILES.join(', ')}`)
      return found
    },
  }),
  list: many({
    value: 'FILE',
    example: 'cases.txt',
    doc: 'Only the ids that the file lists, one a line, # for comments.',
    parse: text,
  }),
  rerun: one({
    value: 'REPORT',
    example: 'out.ndjson',
    doc: "Only cases that broke in an earlier run's json= report.",
    parse: text,
  }),
  set: many({
    value: 'NAME=VALUE',
    example: 'size=2M',
    doc: 'Overrides a parameter of the scenarios; the golden is then not compared.',
    parse: parseAssignment,
  }),
} satisfies FlagTable

export type SelectionFlags = Values<typeof SELECTION_FLAGS>

export interface Assignment {
  readonly name: string
  readonly value: string
}

export function parseAssignment(value: string): Assignment {
  const [, name, rest] = /^([A-Za-z_][\w-]*)=(.*)$/s.exec(value) ?? []
  if (name === undefined || rest === undefined) throw new CommandError('wants NAME=VALUE')
  return { name, value: rest }
}

function parseGrep(value: string): (name: string) => boolean {
  const source = /^\/(.+)\/$/.exec(value)?.[1]
  if (source === undefined) return (name) => name.includes(text(value))
  try {
    const regex = new RegExp(source, 'i')
    return (name) => regex.test(name)
  } catch (error) {
    throw new CommandError(`wants a regular expression (${(error as Error).message})`)
  }
}

/** `-j`: a count, a share of the processors, or `auto`. */
export function parseJobs(value: string): number {
  const processors = availableParallelism()
  if (value === 'auto') return processors
  const [, digits, percent] = /^(\d{1,4})(%?)$/.exec(value) ?? []
  const number = Number(digits)
  if (digits === undefined || number === 0) throw new CommandError('wants N, N% or auto')
  return percent === '%' ? Math.max(1, Math.floor((processors * number) / 100)) : number
}
