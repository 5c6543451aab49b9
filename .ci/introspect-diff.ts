/**
 * Compares our `query-qmp-schema` with that of a real storage daemon, entry by entry:
 *
 *   npm run introspect:diff [DAEMON]     default: qemu-7.2 below BLOCKSPEC_QEMU_PREFIX
 *
 * Prints every difference. What is not built is listed with its reason in
 * `introspect-diff-known.ts`; a difference that is not there, or that is there and not met, is an
 * error.
 */
import { spawnSync } from 'node:child_process'
import { createEngine, createSimHost, streamPair } from '../engine/index.ts'
import type { SchemaEntry } from './introspect-diff-compare.ts'
import { compareSchemas } from './introspect-diff-compare.ts'
import { KNOWN } from './introspect-diff-known.ts'

const REQUEST = '{"execute":"qmp_capabilities"}{"execute":"query-qmp-schema"}'

/** The answer to the second request, which follows a greeting and an answer. */
function schemaIn(output: string): readonly SchemaEntry[] {
  const answer = JSON.parse(output.split('\n')[2] ?? '') as { readonly return: SchemaEntry[] }
  return answer.return
}

async function ourSchema(): Promise<readonly SchemaEntry[]> {
  const host = createSimHost({ seed: 1 })
  const engine = createEngine({ host })
  const [client, served] = streamPair(host)
  let output = ''
  client.onData((chunk) => {
    output += new TextDecoder().decode(chunk)
  })
  engine.openMonitor(served)
  void client.write(new TextEncoder().encode(REQUEST))
  await host.idle()
  return schemaIn(output)
}

function realSchema(daemon: string): readonly SchemaEntry[] {
  const { stdout, error } = spawnSync(daemon, ['--chardev', 'stdio,id=c', '--monitor', 'c'], {
    input: `${REQUEST}{"execute":"quit"}`,
    maxBuffer: 1 << 26,
    encoding: 'utf8',
  })
  if (error !== undefined) throw error
  return schemaIn(stdout)
}

function daemonToAsk(): string | undefined {
  const [, , given] = process.argv
  const prefix = process.env['BLOCKSPEC_QEMU_PREFIX']
  return given ?? (prefix && `${prefix}/qemu-7.2/bin/qemu-storage-daemon`)
}

const daemon = daemonToAsk()
if (daemon === undefined) {
  console.error('introspect:diff: name a storage daemon, or set BLOCKSPEC_QEMU_PREFIX')
  process.exit(2)
}
const lines = compareSchemas(await ourSchema(), realSchema(daemon))
const reasons = new Map(
  Object.entries(KNOWN).flatMap(([reason, known]) => known.map((line) => [line, reason] as const)),
)
for (const line of lines) console.log(`${line}  (${reasons.get(line) ?? 'NOT LISTED'})`)
const unlisted = lines.filter((line) => !reasons.has(line))
const stale = [...reasons.keys()].filter((line) => !lines.includes(line))
for (const line of stale) console.log(`STALE: ${line}`)
console.log(
  `${lines.length} differences, ${unlisted.length} of them not listed, ${stale.length} stale entries`,
)
process.exitCode = unlisted.length + stale.length === 0 ? 0 : 1
