/** The table of internal snapshots that `img info` prints. */
import type { SnapshotInfo } from '../../block/driver.ts'
import { sizeText } from './size.ts'

/** Cells of a line; what does not fit pushes the others on. */
type Line = readonly [string, string, string, string, string, string]

export function snapshotList(snapshots: readonly SnapshotInfo[]): string {
  const head = lineText(['ID', 'TAG', 'VM SIZE', 'DATE', 'VM CLOCK', 'ICOUNT'])
  const lines = snapshots.map((snapshot) => lineText(cellsOf(snapshot)))
  return `Snapshot list:\n${[head, ...lines].join('')}`
}

function cellsOf(snapshot: SnapshotInfo): Line {
  return [
    snapshot.id,
    snapshot.name,
    sizeText(Number(BigInt.asUintN(64, snapshot['vm-state-size']))),
    dateText(snapshot['date-sec']),
    clockText(snapshot['vm-clock-sec'], snapshot['vm-clock-nsec']),
    snapshot.icount === undefined ? '' : String(snapshot.icount),
  ]
}

function lineText([id, tag, size, date, clock, icount]: Line): string {
  const named = `${fill(id, 9)} ${fill(tag, 16)} ${size.padStart(8)}`
  return `${named}${date.padStart(20)}${clock.padStart(13)}${icount.padStart(11)}\n`
}

/** To this many bytes: what is not ASCII gets fewer blanks. */
function fill(text: string, bytes: number): string {
  return text + ' '.repeat(Math.max(0, bytes - new TextEncoder().encode(text).length))
}

/** In the time zone of whoever reads it. */
function dateText(seconds: number): string {
  const date = new Date(seconds * 1000)
  const day = [date.getFullYear(), date.getMonth() + 1, date.getDate()].map(two).join('-')
  return `${day} ${[date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':')}`
}

function clockText(seconds: bigint, nanoseconds: bigint): string {
  const parts = [seconds / 3600n, (seconds / 60n) % 60n, seconds % 60n]
  const milliseconds = String(nanoseconds / 1_000_000n).padStart(3, '0')
  return `${parts.map(two).join(':')}.${milliseconds}`
}

function two(value: number | bigint): string {
  return String(value).padStart(2, '0')
}
