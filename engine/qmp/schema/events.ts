/** The events that the engine raises, for introspection. */
import type { Members } from '../../block/option.ts'
import { opt } from '../../block/option.ts'

export const EVENTS: Readonly<Record<string, Members>> = {
  BLOCK_EXPORT_DELETED: { id: opt.str({ doc: 'Name of the export that is gone.' }) },
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
}
