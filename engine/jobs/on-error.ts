/** What becomes of a job whose request failed, by the policy that its client chose. */
import { opt } from '../block/option.ts'
import type { Errno } from '../util/errors.ts'

const POLICIES = ['report', 'ignore', 'enospc', 'stop', 'auto'] as const

export type ErrorPolicy = (typeof POLICIES)[number]

/** The argument by which a client chooses. */
export const ERROR_POLICY = opt.enum('BlockdevOnError', POLICIES)

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
