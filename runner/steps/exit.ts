/** How goldens show the end of a target. */
import type { Exit } from '../targets/target.ts'

const SIGNALS: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGPIPE: 13,
  SIGTERM: 15,
}

export function showExit(exit: Exit): string {
  if (exit.signal !== undefined) return `signal ${String(SIGNALS[exit.signal] ?? exit.signal)}`
  return exit.status === undefined ? 'gone' : `exit ${String(exit.status)}`
}
