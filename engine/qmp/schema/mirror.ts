/** Arguments of the commands that start mirrors. */
import type { Members } from '../../block/option.ts'
import { opt } from '../../block/option.ts'
import { JOB_ENDING, JOB_ID, NEW_IMAGE_MODE, ON_ERROR } from './jobs.ts'

const SYNC = opt.enum('MirrorSyncMode', ['top', 'full', 'none', 'incremental', 'bitmap'])
const COPY_MODE = opt.enum('MirrorCopyMode', ['background', 'write-blocking'])

const SPEED = {
  speed: opt.int({
    default: 0,
    when: 'jobs.speed',
    doc: 'Bytes per second at most, 0 for no limit.',
  }),
  granularity: opt.uint32({ optional: true, doc: 'Bytes that are dirty together.' }),
  'buf-size': opt.int({ optional: true, doc: 'Bytes that may be under way; 16 MiB.' }),
  'on-source-error': ON_ERROR({ default: 'report', doc: 'When the source cannot be read.' }),
  'on-target-error': ON_ERROR({ default: 'report', doc: 'When the target cannot be written.' }),
} as const satisfies Members

const COPYING = {
  'copy-mode': COPY_MODE({ default: 'background', doc: 'When writes come to the target.' }),
  ...JOB_ENDING,
} as const satisfies Members

const DEVICE = opt.str({ doc: 'The node to copy.' })
const REPLACES = opt.str({ optional: true, doc: 'The node whose place the target takes.' })

export const DRIVE_MIRROR = {
  'job-id': JOB_ID,
  device: DEVICE,
  target: opt.str({ doc: 'The image to copy to, by its file name.' }),
  format: opt.str({ optional: true, doc: 'Its format; that of the node, or found by looking.' }),
  'node-name': opt.str({ optional: true, doc: 'Name of its node.' }),
  replaces: REPLACES,
  sync: SYNC({ doc: 'What is copied first.' }),
  mode: NEW_IMAGE_MODE({ default: 'absolute-paths', doc: 'Whether the image is there already.' }),
  ...SPEED,
  unmap: opt.bool({ default: true, doc: 'What is not allocated is not allocated there either.' }),
  ...COPYING,
} as const satisfies Members

export const BLOCKDEV_MIRROR = {
  'job-id': JOB_ID,
  device: DEVICE,
  target: opt.str({ doc: 'The node to copy to.' }),
  replaces: REPLACES,
  sync: SYNC({ doc: 'What is copied first.' }),
  ...SPEED,
  'filter-node-name': opt.str({ optional: true, doc: 'Name of the node that is put in.' }),
  ...COPYING,
} as const satisfies Members
