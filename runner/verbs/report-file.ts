/** Reads a report that `-r json=PATH` wrote. */
import { readFileSync, statSync } from 'node:fs'
import type { CaseEnd } from '../report/event.ts'
import { CommandError } from './verb.ts'

const MOST_BYTES = 512 * 1024 * 1024

/**
 * The finished cases of a report, also of one that was cut short.
 *
 * @throws {CommandError} if it cannot be read or is no such report.
 */
export function readReport(path: string, shown: string): readonly CaseEnd[] {
  let content: string
  try {
    if (statSync(path).size > MOST_BYTES) throw new Error('file is too large')
    content = readFileSync(path, 'utf8')
  } catch (error) {
    throw new CommandError(`cannot read report ${shown}: ${(error as Error).message}`)
  }
  const lines = content.split('\n').filter((line) => line !== '')
  const events = lines.flatMap((line, index) => {
    const event = parse(line)
    // A run that was killed may have left half a line at the end.
    if (event === undefined && index < lines.length - 1) {
      throw new CommandError(`${shown}:${index + 1}: not an event of a json= report`)
    }
    return event === undefined ? [] : [event]
  })
  if (events[0]?.['event'] !== 'run-start') {
    throw new CommandError(`${shown}: not a report: it must start with a run-start event`)
  }
  return events.filter(isCaseEnd)
}

function parse(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}

function isCaseEnd(event: Record<string, unknown>): event is Record<string, unknown> & CaseEnd {
  return (
    event['event'] === 'case-end' &&
    typeof event['id'] === 'string' &&
    typeof event['profile'] === 'string' &&
    typeof event['verdict'] === 'string'
  )
}
