/** The events that the engine raises, for introspection. */
import type { Members } from '../../block/option.ts'
import { opt } from '../../block/option.ts'
import { BLOCK_JOB_EVENTS, JOB_STATUS_CHANGE } from './jobs.ts'

export const EVENTS: Readonly<Record<string, Members>> = {
  BLOCK_IMAGE_CORRUPTED: {
    device: opt.str({ doc: 'Name of the device, empty without one.' }),
    'node-name': opt.str({ optional: true, doc: 'The node with the image.' }),
    msg: opt.str({ doc: 'What is wrong.' }),
    offset: opt.int({ optional: true, doc: 'Where in the image file.' }),
    size: opt.int({ optional: true, doc: 'How many bytes.' }),
    fatal: opt.bool({ doc: 'The image cannot be used any more.' }),
  },
  ...BLOCK_JOB_EVENTS,
  BLOCK_WRITE_THRESHOLD: {
    'node-name': opt.str({ doc: 'The node that was written to.' }),
    'amount-exceeded': opt.uint64({ doc: 'Bytes past the mark.' }),
    'write-threshold': opt.uint64({ doc: 'The mark.' }),
  },
  QUORUM_FAILURE: {
    reference: opt.str({ doc: 'The quorum node.' }),
    'sector-num': opt.int({ doc: 'First sector, of 512 bytes.' }),
    'sectors-count': opt.int({ doc: 'How many sectors.' }),
  },
  QUORUM_REPORT_BAD: {
    type: opt.enum('QuorumOpType', ['read', 'write', 'flush'])({ doc: 'What failed.' }),
    error: opt.str({ optional: true, doc: 'The errno text, unless only the data differed.' }),
    'node-name': opt.str({ doc: 'The child that was outvoted or failed.' }),
    'sector-num': opt.int({ doc: 'First sector, of 512 bytes.' }),
    'sectors-count': opt.int({ doc: 'How many sectors.' }),
  },
  JOB_STATUS_CHANGE,
  BLOCK_EXPORT_DELETED: { id: opt.str({ doc: 'Name of the export that is gone.' }) },
}
