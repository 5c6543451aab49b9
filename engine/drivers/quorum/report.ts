/** What a quorum tells the outside of children that fail or differ. */
import type { Child, NodeHandle, Services } from '../../block/driver.ts'
import { alignUp } from '../../util/align.ts'
import { type Errno, errnoText } from '../../util/errors.ts'

const SECTOR_BYTES = 512

export type Operation = 'read' | 'write' | 'flush'

export interface Report {
  /** One child failed, or (without errno) answered differently. */
  bad(child: Child, operation: Operation, offset: number, bytes: number, errno?: Errno): void
  /** Too few children agree. */
  failure(offset: number, bytes: number): void
}

export function createReport(node: NodeHandle, services: Services): Report {
  return {
    bad(child, operation, offset, bytes, errno) {
      services.emit('QUORUM_REPORT_BAD', {
        type: operation,
        ...(errno === undefined ? {} : { error: errnoText(errno) }),
        'node-name': child.nodeName,
        ...sectors(offset, bytes),
      })
    },
    failure(offset, bytes) {
      services.emit('QUORUM_FAILURE', {
        reference: node.deviceName === '' ? node.name : node.deviceName,
        ...sectors(offset, bytes),
      })
    },
  }
}

/** Events count sectors: every one that the range touches. */
function sectors(offset: number, bytes: number): { 'sector-num': number; 'sectors-count': number } {
  const first = Math.floor(offset / SECTOR_BYTES)
  return {
    'sector-num': first,
    'sectors-count': alignUp(offset + bytes, SECTOR_BYTES) / SECTOR_BYTES - first,
  }
}
