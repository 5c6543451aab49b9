/** What becomes of a job whose request failed, by the policy that its client chose. */
import type { Errno } from '../util/errors.ts'

export type ErrorPolicy = 'report' | 'ignore' | 'enospc' | 'stop' | 'auto'

export type ErrorAction = 'report' | 'ignore' | 'stop'

/** `io-status` of a job whose request failed. */
export type IoStatus = 'ok' | 'failed' | 'nospace'

export function actionFor(policy: ErrorPolicy, errno: Errno): ErrorAction {
  if (policy === 'enospc' || policy === 'auto') return errno === 'ENOSPC' ? 'stop' : 'report'
  return policy
}

export function ioStatusAfter(errno: Errno): IoStatus {
  return errno === 'ENOSPC' ? 'nospace' : 'failed'
}
