/**
 * Side-by-side measurements, printed as one table of ratios. Nothing here is asserted by a test:
 * the numbers are for people, and only ratios from one run on one machine mean anything.
 *
 *   npm run bench              needs BLOCKSPEC_QEMU_PREFIX for the columns of the real QEMU
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { measureGrowth, printGrowth } from './growth.ts'
import { crowdTimes, jobTime, KINDS, type Program } from './jobs.ts'
import { measureQcow2 } from './qcow2.ts'

const PROGRAM = join(import.meta.dirname, '..', 'dist', 'blockspec.js')
const ROUNDS = 3
/** Some of the areas: all of them take too long on real programs. */
const AREAS = ['blockdev', 'chain', 'commit', 'reopen', 'stream']
const STARTS = 15
const THROUGHPUT_ROUNDS = 3
/** What each job copies. */
const JOB_MIB = 128

interface CaseTime {
  readonly id: string
  readonly milliseconds: number
}

/** Milliseconds per applicable case, as the run's own stream reports them. @param areas - None: all. */
function play(target: string, folder: string, areas: readonly string[]): readonly CaseTime[] {
  const report = join(folder, 'report.ndjson')
  const run = spawnSync(
    PROGRAM,
    [
      ...['run', ...areas, '--target', target, '-j', '1'],
      ...['--quiet', '--golden', 'off', '-r', `json=${report}`],
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  )
  if (run.status !== 0) throw new Error(`run on ${target} ended with status ${String(run.status)}`)
  return readFileSync(report, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { event: string; verdict?: string } & CaseTime)
    .filter((event) => event.event === 'case-end' && event.verdict !== 'n/a')
}

function best(values: readonly number[]): number {
  return Math.min(...values)
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

/** Wall milliseconds of a command, best of several, without the variable that slows Node's start. */
function startTime(command: string, args: readonly string[]): number {
  const { NODE_EXTRA_CA_CERTS: _unused, ...env } = process.env
  return best(
    Array.from({ length: STARTS }, () => {
      const begin = process.hrtime.bigint()
      execFileSync(command, args, { env, stdio: 'ignore' })
      return Number(process.hrtime.bigint() - begin) / 1e6
    }),
  )
}

function row(what: string, ours: string, theirs: string, ratio: string): void {
  console.log(
    `| ${what.padEnd(44)} | ${ours.padStart(12)} | ${theirs.padStart(12)} | ${ratio.padStart(7)} |`,
  )
}

/** One row for each kind of job, in turns, and for many at once. @param bin - Of the real programs. */
async function jobs(bin: string | undefined): Promise<void> {
  const place = mkdtempSync(join(memory(), 'b-bench-'))
  const ours: Program = [PROGRAM, 'storage-daemon']
  const programs: readonly Program[] =
    bin === undefined ? [ours] : [ours, [join(bin, 'qemu-storage-daemon')]]
  const tools =
    bin === undefined ? undefined : { qemuImg: join(bin, 'qemu-img'), qemuIo: join(bin, 'qemu-io') }
  const compare = async (
    what: string,
    measure: (program: Program) => Promise<number>,
  ): Promise<void> => {
    const rounds: number[][] = programs.map(() => [])
    for (let round = 0; round < THROUGHPUT_ROUNDS; round++) {
      for (const [index, program] of programs.entries()) {
        rounds[index]?.push(await measure(program))
      }
    }
    const [mine = Number.NaN, theirs] = rounds.map(best)
    const milliseconds = (value: number | undefined): string =>
      value === undefined ? '-' : `${value.toFixed(0)} ms`
    const ratio = theirs === undefined ? '-' : (mine / theirs).toFixed(2)
    row(what, milliseconds(mine), milliseconds(theirs), ratio)
  }
  try {
    for (const kind of KINDS) {
      // Images are made by the real programs.
      if (tools === undefined && kind.what.includes('qcow2')) continue
      const about = { folder: place, mebibytes: JOB_MIB, ...(tools === undefined ? {} : { tools }) }
      await compare(`${kind.what}, ${JOB_MIB} MiB`, (program) => jobTime(program, kind, about))
    }
    await compare('1,000 nodes, and a list of them', async (program) => {
      return (await crowdTimes(program, place)).nodes
    })
    await compare('100 mirrors of 16 MiB at once', async (program) => {
      return (await crowdTimes(program, place)).jobs
    })
  } finally {
    rmSync(place, { recursive: true })
  }
}

/** In memory where there is such a place: disks would be measured otherwise. */
function memory(): string {
  return existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
}

/** One row for each load: the best of several rounds, in turns. */
async function throughput(daemon: string, qemuImg: string): Promise<void> {
  const place = mkdtempSync(join(memory(), 'b-bench-'))
  try {
    const ours: ReadonlyMap<string, number>[] = []
    const theirs: ReadonlyMap<string, number>[] = []
    for (let round = 0; round < THROUGHPUT_ROUNDS; round++) {
      ours.push(await measureQcow2([PROGRAM, 'storage-daemon'], qemuImg, place))
      theirs.push(await measureQcow2([daemon], qemuImg, place))
    }
    for (const what of ours[0]?.keys() ?? []) {
      const least = (rounds: readonly ReadonlyMap<string, number>[]): number =>
        best(rounds.map((round) => round.get(what) ?? Number.NaN))
      const times = [least(ours), least(theirs)] as const
      const [mine, real] = times.map((cost) => `${cost.toFixed(0)} ms`)
      row(`qcow2 over NBD: ${what}`, mine ?? '', real ?? '', (times[0] / times[1]).toFixed(2))
    }
  } finally {
    rmSync(place, { recursive: true })
  }
}

const folder = mkdtempSync(join(tmpdir(), 'b-bench-'))
try {
  const prefix = process.env['BLOCKSPEC_QEMU_PREFIX'] ?? ''
  const bin = join(prefix, 'qemu-7.2', 'bin')
  const daemon = join(bin, 'qemu-storage-daemon')
  const real = prefix !== '' && existsSync(daemon)
  if (!real) console.log('no real QEMU: set BLOCKSPEC_QEMU_PREFIX to compare')

  row('', 'blockspec', 'QEMU 7.2', 'ratio')
  row(':---', '---:', '---:', '---:')

  // The same cases on both, in turns, so that a busy moment hits both.
  const ours: number[] = []
  const theirs: number[] = []
  const medians: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const engine = play('engine', folder, AREAS)
    const daemonCases = real ? play(`qsd:${daemon}`, folder, AREAS) : []
    const shared = new Set(daemonCases.map(({ id }) => id))
    const total = (cases: readonly CaseTime[]): number =>
      cases.reduce((sum, { milliseconds }) => sum + milliseconds, 0) / cases.length / 1000
    ours.push(total(real ? engine.filter(({ id }) => shared.has(id)) : engine))
    if (real) theirs.push(total(daemonCases))
    medians.push(median(play('engine', folder, []).map(({ milliseconds }) => milliseconds)))
  }
  const seconds = (values: readonly number[]): string =>
    values.length === 0 ? '-' : `${best(values).toFixed(4)} s`
  row(
    'one case, mean over five shared areas',
    seconds(ours),
    seconds(theirs),
    real ? (best(ours) / best(theirs)).toFixed(2) : '-',
  )
  row('one case of all, median', `${best(medians).toFixed(2)} ms`, '-', '-')

  const start = startTime(PROGRAM, ['--version'])
  const image = real ? startTime(join(bin, 'qemu-img'), ['--version']) : Number.NaN
  row(
    `start (--version), best of ${STARTS}`,
    `${start.toFixed(1)} ms`,
    real ? `${image.toFixed(1)} ms` : '-',
    real ? (start / image).toFixed(2) : '-',
  )

  await jobs(real ? bin : undefined)
  // The client is a real program too.
  if (real) await throughput(daemon, join(bin, 'qemu-img'))
  console.log()
  printGrowth(await measureGrowth())
} finally {
  rmSync(folder, { recursive: true })
}
