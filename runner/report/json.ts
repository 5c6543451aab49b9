/** `json=PATH`: the event stream itself as NDJSON, one event a line, `run-end` last. */
import type { RunEvent } from './event.ts'
import type { Reporter } from './reporter.ts'

export function jsonReporter(): Reporter {
  return { on: (event) => `${JSON.stringify(exactly(event))}\n` }
}

/** `run-end` has a fixed set of members in a fixed order, which scripts may rely on. */
function exactly(event: RunEvent): RunEvent {
  if (event.event !== 'run-end') return event
  const { cases, verdicts, seconds } = event
  return { event: 'run-end', cases, verdicts, seconds }
}
