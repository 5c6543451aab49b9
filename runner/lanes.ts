/**
 * Lanes: the thing that an event is about. Order inside a lane is part of a transcript, order across
 * lanes is not. The table says by event name which member names the lane.
 */
import type { Value } from '../dsl/plan.ts'
import { member, text } from './json.ts'

export type LaneKind = 'job' | 'export' | 'node' | 'device' | 'target'

export interface Lane {
  readonly kind: LaneKind
  readonly name: string
}

/** Members by event, first present one wins; an empty one is not present. */
const LANES: Readonly<Record<string, readonly (readonly [member: string, kind: LaneKind])[]>> = {
  JOB_STATUS_CHANGE: [['id', 'job']],
  BLOCK_JOB_COMPLETED: [['device', 'job']],
  BLOCK_JOB_CANCELLED: [['device', 'job']],
  BLOCK_JOB_ERROR: [['device', 'job']],
  BLOCK_JOB_READY: [['device', 'job']],
  BLOCK_JOB_PENDING: [['id', 'job']],
  BLOCK_EXPORT_DELETED: [['id', 'export']],
  BLOCK_IMAGE_CORRUPTED: [
    ['node-name', 'node'],
    ['device', 'device'],
  ],
  BLOCK_IO_ERROR: [
    ['node-name', 'node'],
    ['device', 'device'],
  ],
  BLOCK_WRITE_THRESHOLD: [['node-name', 'node']],
  QUORUM_FAILURE: [['reference', 'node']],
  QUORUM_REPORT_BAD: [['node-name', 'node']],
  DEVICE_DELETED: [['device', 'device']],
  DEVICE_TRAY_MOVED: [['device', 'device']],
}

export function laneOf(event: string, data: Value): Lane {
  for (const [name, kind] of LANES[event] ?? []) {
    const value = text(member(data, name))
    if (value !== undefined && value !== '') return { kind, name: value }
  }
  return { kind: 'target', name: '' }
}
