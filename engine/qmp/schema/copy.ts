/** What clients say of a copy, whichever kind of copying it is. */
import type { Members } from '../../block/option.ts'
import { opt } from '../../block/option.ts'
import { JOB_ENDING, ON_ERROR } from './jobs.ts'

/** When the target gets what guests write, and whether they wait for that. */
export const COPY_MODES = [
  'after-write/passive',
  'after-write/active',
  'before-write/active',
  'before-write/passive',
] as const

export const BLOCKDEV_COPY = {
  'job-id': opt.str({ doc: 'Name of the job.' }),
  source: opt.str({ doc: 'The node to copy.' }),
  target: opt.str({ doc: 'The node to copy to.' }),
  sync: opt.enum('CopySyncMode', ['full', 'top', 'none', 'incremental', 'bitmap'])({
    doc: 'What is copied besides what guests write.',
  }),
  bitmap: opt.str({ optional: true, doc: 'Dirty bitmap of the source.' }),
  'bitmap-mode': opt.enum('BitmapSyncMode', ['on-success', 'never', 'always'])({
    optional: true,
    doc: 'When the bitmap becomes what has changed since the job began.',
  }),
  'copy-mode': opt.enum(
    'CopyMode',
    COPY_MODES,
  )({
    default: 'after-write/passive',
    doc: 'When the target gets what guests write: later, at once, or before it is overwritten.',
  }),
  replace: opt.bool({
    optional: true,
    doc: 'The target takes a place in the graph; by default unless it has what was before.',
  }),
  replaces: opt.str({ optional: true, doc: 'The node whose place that is; the source.' }),
  'backing-file': opt.str({
    optional: true,
    doc: 'What headers of images above that node are to say; the name of the target.',
  }),
  'auto-complete': opt.bool({
    optional: true,
    doc: 'End once all is copied; by default where the target has what was before.',
  }),
  granularity: opt.uint32({ optional: true, doc: 'Bytes that are dirty together.' }),
  'buf-size': opt.int({ optional: true, doc: 'Bytes that may be under way; 16 MiB.' }),
  'on-source-error': ON_ERROR({ default: 'report', doc: 'When the source cannot be read.' }),
  'on-target-error': ON_ERROR({ default: 'report', doc: 'When the target cannot be written.' }),
  'filter-node-name': opt.str({ optional: true, doc: 'Name of the node that is put in.' }),
  ...JOB_ENDING,
} as const satisfies Members
