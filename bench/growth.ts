/**
 * How queries and updates of permissions grow with the graph: a chain of filters, each above the one
 * before, and a fan of nodes that all have the same child.
 */
import { connect, type Client } from './client.ts'

const SIZES = [250, 500, 1000, 2000] as const
const ROUNDS = 5

/** Wall milliseconds for each size. */
export interface Growth {
  readonly what: string
  readonly times: readonly number[]
}

type Shape = 'chain' | 'fan'

/** Nodes `n0` to `n<count>`, the first of which is what all others stand on. */
async function build(shape: Shape, count: number): Promise<{ client: Client; lastMs: number }> {
  const client = await connect()
  await client.run('blockdev-add', { driver: 'null-co', 'node-name': 'n0', size: 2 ** 20 })
  const begins: number[] = []
  for (let index = 1; index <= count; index++) {
    const file = shape === 'chain' ? `n${String(index - 1)}` : 'n0'
    const node = { driver: 'blkdebug', 'node-name': `n${String(index)}`, image: file }
    begins.push(await client.time('blockdev-add', node))
  }
  return { client, lastMs: best(begins.slice(-ROUNDS)) }
}

function best(values: readonly number[]): number {
  return Math.min(...values)
}

async function measure(shape: Shape, count: number): Promise<ReadonlyMap<string, number>> {
  const { client, lastMs } = await build(shape, count)
  const times = new Map([['one more node', lastMs]])
  const repeat = async (what: string, work: () => Promise<number>): Promise<void> => {
    const rounds: number[] = []
    for (let round = 0; round < ROUNDS; round++) rounds.push(await work())
    times.set(what, best(rounds))
  }
  await repeat('query-named-block-nodes', () =>
    client.time('query-named-block-nodes', { flat: true }),
  )
  await repeat('x-debug-query-block-graph', () => client.time('x-debug-query-block-graph'))
  // A writable user at the top asks for permissions all the way down.
  const addr = { type: 'unix', data: { path: '/socket' } }
  await client.run('nbd-server-start', { addr })
  await repeat('permissions of a new user', async () => {
    const about = { type: 'nbd', id: 'e', 'node-name': `n${String(count)}`, writable: true }
    const taken = await client.time('block-export-add', about)
    await client.run('block-export-del', { id: 'e', mode: 'hard' })
    return taken
  })
  return times
}

export async function measureGrowth(): Promise<readonly Growth[]> {
  const growths: Growth[] = []
  for (const shape of ['chain', 'fan'] as const) {
    const columns: ReadonlyMap<string, number>[] = []
    for (const size of SIZES) columns.push(await measure(shape, size))
    for (const what of columns[0]?.keys() ?? []) {
      const times = columns.map((column) => column.get(what) ?? Number.NaN)
      growths.push({ what: `${shape}: ${what}`, times })
    }
  }
  return growths
}

/** A table with the time for each size, and what that is for each node. */
export function printGrowth(growths: readonly Growth[]): void {
  const line = (cells: readonly string[]): void => {
    const [first = '', ...rest] = cells
    console.log(`| ${first.padEnd(32)} | ${rest.map((cell) => cell.padStart(19)).join(' | ')} |`)
  }
  line(['', ...SIZES.map((size) => `${String(size)} nodes`)])
  line([':---', ...SIZES.map(() => '---:')])
  for (const { what, times } of growths) {
    const cells = SIZES.map((size, index) => {
      const time = times[index] ?? Number.NaN
      return `${time.toFixed(2)} ms, ${((time * 1000) / size).toFixed(2)} us`
    })
    line([what, ...cells])
  }
}
