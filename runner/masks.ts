/**
 * The one table of what a golden does not hold: values that differ from run to run or from machine
 * to machine. A mask has a command (or `event NAME`), a path and a type. Only a value of that
 * type at that path is masked, and its place stays visible, so that a value of another type, a
 * missing one or a changed neighbour is still a difference.
 */

export type MaskName = 'time' | 'version' | 'host' | 'id' | 'progress'
export type MaskType = 'int' | 'string' | 'number'

export interface Mask {
  readonly name: MaskName
  /** `query-block`, or `event BLOCK_IO_ERROR`. */
  readonly of: string
  /** Members joined by dots, `[]` for any element, `**` for any depth. */
  readonly path: string
  readonly type: MaskType
  /** Only where the member beside it has one of these values. */
  readonly where?: { readonly member: string; readonly values: readonly string[] }
}

const UNFINISHED = ['created', 'running', 'paused', 'standby']

export const MASKS: readonly Mask[] = [
  { name: 'version', of: 'query-version', path: 'qemu.major', type: 'int' },
  { name: 'version', of: 'query-version', path: 'qemu.minor', type: 'int' },
  { name: 'version', of: 'query-version', path: 'qemu.micro', type: 'int' },
  { name: 'version', of: 'query-version', path: 'package', type: 'string' },
  // Blocks that the file takes: the file system's choice.
  { name: 'host', of: 'query-named-block-nodes', path: '[].image.**actual-size', type: 'int' },
  { name: 'host', of: 'query-block', path: '[].inserted.image.**actual-size', type: 'int' },
  { name: 'host', of: 'query-iothreads', path: '[].thread-id', type: 'int' },
  { name: 'host', of: 'query-blockstats', path: '[].**stats.wr_highest_offset', type: 'int' },
  { name: 'time', of: 'query-blockstats', path: '[].**stats.rd_total_time_ns', type: 'int' },
  { name: 'time', of: 'query-blockstats', path: '[].**stats.wr_total_time_ns', type: 'int' },
  { name: 'time', of: 'query-blockstats', path: '[].**stats.flush_total_time_ns', type: 'int' },
  { name: 'time', of: 'query-blockstats', path: '[].**stats.unmap_total_time_ns', type: 'int' },
  { name: 'time', of: 'query-blockstats', path: '[].**stats.idle_time_ns', type: 'int' },
  { name: 'id', of: 'query-uuid', path: 'UUID', type: 'string' },
  {
    name: 'progress',
    of: 'query-jobs',
    path: '[].current-progress',
    type: 'int',
    where: { member: 'status', values: UNFINISHED },
  },
  {
    name: 'progress',
    of: 'query-jobs',
    path: '[].total-progress',
    type: 'int',
    where: { member: 'status', values: UNFINISHED },
  },
  {
    name: 'progress',
    of: 'query-block-jobs',
    path: '[].offset',
    type: 'int',
    where: { member: 'status', values: ['created', 'running'] },
  },
]

/** Lists whose order says nothing: sorted by this member. */
export interface SortedList {
  readonly of: string
  readonly path: string
  readonly key: string
}

export const SORTED: readonly SortedList[] = [
  { of: 'query-named-block-nodes', path: '', key: 'node-name' },
  { of: 'query-named-block-nodes', path: '[].dirty-bitmaps', key: 'name' },
  { of: 'query-block', path: '', key: 'qdev' },
  { of: 'query-block', path: '[].inserted.dirty-bitmaps', key: 'name' },
  { of: 'query-jobs', path: '', key: 'id' },
  { of: 'query-block-jobs', path: '', key: 'device' },
  { of: 'query-block-exports', path: '', key: 'id' },
  { of: 'query-blockstats', path: '', key: 'node-name' },
  { of: 'query-iothreads', path: '', key: 'id' },
  { of: 'query-commands', path: '', key: 'name' },
  { of: 'qom-list-types', path: '', key: 'name' },
]

/** Whether a path such as `[].image.actual-size` is one that the pattern names. */
export function pathMatches(pattern: string, path: string): boolean {
  let regex = compiled.get(pattern)
  if (regex === undefined) {
    const source = pattern.replace(/[.[\]]/g, '\\$&').replaceAll('**', '(?:[^\\s]+\\.)?')
    regex = new RegExp(`^${source}$`)
    compiled.set(pattern, regex)
  }
  return regex.test(path)
}

const compiled = new Map<string, RegExp>()
