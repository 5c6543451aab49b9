/** What the events that only block jobs send say of one. */
import type { BlockError } from '../util/errors.ts'

export type BlockJobEvent =
  'BLOCK_JOB_READY' | 'BLOCK_JOB_PENDING' | 'BLOCK_JOB_COMPLETED' | 'BLOCK_JOB_CANCELLED'

interface ToldJob {
  readonly id: string
  readonly about: { readonly type: string }
  /** In units of its own, bytes for most. */
  readonly progress: { readonly done: number; readonly total: number }
  /** Bytes per second; 0: no limit. */
  readonly speed: number
  readonly error: BlockError | undefined
}

export function blockJobEvent(
  { id, about: { type }, progress: { done, total }, speed, error }: ToldJob,
  event: BlockJobEvent,
): Readonly<Record<string, unknown>> {
  if (event === 'BLOCK_JOB_PENDING') return { type, id }
  const data = { type, device: id, len: total, offset: done, speed }
  if (event !== 'BLOCK_JOB_COMPLETED' || error === undefined) return data
  return { ...data, error: error.message }
}
