/** What clients say of a backup. */
import type { Members } from '../../block/option.ts'
import { opt, shape } from '../../block/option.ts'
import { JOB_ID, NEW_IMAGE_MODE } from './jobs.ts'

const POLICY = opt.enum('BlockdevOnError', ['report', 'ignore', 'enospc', 'stop', 'auto'])

interface Perf {
  readonly 'use-copy-range'?: boolean | undefined
  readonly 'max-workers'?: number | undefined
  readonly 'max-chunk'?: number | undefined
}

const PERF = shape.struct('BackupPerf', {
  'use-copy-range': opt.bool({ optional: true, doc: 'Copy inside the host where that works.' }),
  'max-workers': opt.int({ optional: true, doc: 'Stretches that are copied at the same time.' }),
  'max-chunk': opt.int64({ optional: true, doc: 'Longest stretch in bytes, 0 for no limit.' }),
})

const COMMON = {
  'job-id': JOB_ID,
  device: opt.str({ doc: 'Node to copy.' }),
  sync: opt.enum('MirrorSyncMode', ['top', 'full', 'none', 'incremental', 'bitmap'])({
    doc: 'What is copied.',
  }),
  speed: opt.int({ optional: true, when: 'jobs.speed', doc: 'Bytes per second, 0 for no limit.' }),
  bitmap: opt.str({ optional: true, doc: 'Dirty bitmap of the node.' }),
  'bitmap-mode': opt.enum('BitmapSyncMode', ['on-success', 'never', 'always'])({
    optional: true,
    doc: 'When the bitmap becomes what has changed since the job began.',
  }),
  compress: opt.bool({ optional: true, doc: 'Write compressed clusters.' }),
  'on-source-error': POLICY({ optional: true, doc: 'What to do when reading fails.' }),
  'on-target-error': POLICY({ optional: true, doc: 'What to do when writing fails.' }),
  'auto-finalize': opt.bool({ optional: true, doc: 'Take effect without being told to.' }),
  'auto-dismiss': opt.bool({ optional: true, doc: 'Be forgotten without being told to.' }),
  'filter-node-name': opt.str({ optional: true, doc: 'Name of the filter above the node.' }),
  'x-perf': opt.of<Perf | undefined>(PERF)({
    optional: true,
    features: ['unstable'],
    doc: 'Sizes and numbers of requests.',
  }),
} as const satisfies Members

export const DRIVE_BACKUP = {
  ...COMMON,
  target: opt.str({ doc: 'The image to copy to, by its file name.' }),
  format: opt.str({ optional: true, doc: 'Its format; that of the node, or found by looking.' }),
  mode: NEW_IMAGE_MODE({ optional: true, doc: 'Whether the image is there already.' }),
} as const satisfies Members

export const BLOCKDEV_BACKUP = {
  ...COMMON,
  target: opt.str({ doc: 'Node to copy to.' }),
} as const satisfies Members
