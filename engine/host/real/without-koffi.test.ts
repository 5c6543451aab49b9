/** The real host where koffi is missing: everything but holes, locks and zstd works. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** Runs before anything is loaded, and makes the one package as good as not installed. */
const HIDE = `
  import Module from 'node:module'
  const resolve = Module._resolveFilename
  Module._resolveFilename = function (name, ...rest) {
    if (name === 'koffi') throw new Error("Cannot find module 'koffi'")
    return resolve.call(this, name, ...rest)
  }
`

const PLAY = `
  const [path] = process.argv.slice(-1)
  const { createRealHost } = await import(process.env.HOST)
  const { EngineProcess } = await import(process.env.ENGINE)
  const { whyNoSystemCalls } = await import(process.env.SYSCALLS)
  const host = createRealHost()
  const tell = {}
  const file = host.files.open(path, { write: true, create: true })
  file.write(65536, new Uint8Array([1, 2, 3]))
  const got = new Uint8Array(4)
  file.read(65535, got)
  tell.read = [...got]
  await file.flush()
  tell.extent = file.extent(0)
  tell.punched = file.punchHole(0, 4096)
  tell.zeroed = file.zeroRange(0, 4096)
  tell.locks = file.locks === undefined
  try { file.allocate(0, 4096) } catch (error) { tell.allocate = error.errno }
  file.close()
  const { graph } = new EngineProcess({ host })
  const node = { driver: 'file', filename: path }
  await graph.add({ ...node, 'node-name': 'auto' })
  try {
    await graph.add({ ...node, 'node-name': 'on', locking: 'on' })
  } catch (error) { tell.locking = error.message }
  const user = graph.attach(graph.find('auto'), { uses: 3, shares: 15 })
  await user.zero(65536, 2)
  await user.read(65536, got)
  tell.written = [...got]
  tell.why = whyNoSystemCalls()
  const packed = host.compression.packing('deflate').pack(new Uint8Array(4096).fill(5), 4095)
  tell.unpacked = host.compression.packing('deflate').unpack(packed, 4096)[4095]
  tell.random = host.compression.packing('deflate').pack(crypto.getRandomValues(new Uint8Array(512)), 511) === undefined
  try { host.compression.packing('zstd') } catch (error) { tell.zstd = error.message }
  console.log(JSON.stringify(tell))
`

describe('a host without koffi', function () {
  let folder = ''
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'host-'))
  })
  after(() => {
    rmSync(folder, { recursive: true })
  })

  it('reads, writes and zeroes, packs without libz, knows of no holes, locks or zstd, and says why', async () => {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [
        ...['--import', `data:text/javascript,${encodeURIComponent(HIDE)}`],
        ...['--import', 'tsx', '--input-type=module', '--eval', PLAY],
        join(folder, 'f'),
      ],
      {
        env: {
          ...process.env,
          // Sources that are compiled in two ways cannot be counted together.
          NODE_V8_COVERAGE: '',
          HOST: new URL('./index.ts', import.meta.url).href,
          ENGINE: new URL('../../qmp/engine.ts', import.meta.url).href,
          SYSCALLS: new URL('./syscalls.ts', import.meta.url).href,
        },
      },
    )
    assert.deepEqual(JSON.parse(stdout), {
      read: [0, 1, 2, 3],
      extent: { data: true, bytes: 65539 },
      punched: false,
      zeroed: false,
      locks: true,
      allocate: 'ENOTSUP',
      locking: 'File locking is not available on this host',
      written: [0, 0, 3, 0],
      why: "koffi cannot be loaded: Cannot find module 'koffi'",
      unpacked: 5,
      random: true,
      zstd: "zstd is not available: koffi cannot be loaded: Cannot find module 'koffi'",
    })
  })
})
