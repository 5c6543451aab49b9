/** Images that commands make by name: what is in them, what is refused, and what is left of it. */
import assert from 'node:assert/strict'
import { ALL_PERMISSIONS, CONSISTENT_READ, WRITE } from '../../block/permission.ts'
import { DRIVERS } from '../../drivers/index.ts'
import { PROFILES, type ProfileName } from '../../profiles/index.ts'
import { describeSchema } from '../introspection.ts'
import { createCommands } from './index.ts'
import { description, testEngine, type TestEngine, type TestMonitor } from '../testing.ts'

const SIZE = 1 << 20
const CLUSTER = 65536

interface World extends TestEngine {
  readonly client: TestMonitor
  readonly run: (command: string, args?: object) => Promise<readonly string[]>
  /** The answer, by its text where it is an error. */
  readonly answer: (command: string, args: object) => Promise<string>
  /** Cluster after cluster of a node, each by its first byte. */
  readonly clusters: (node: string) => Promise<readonly number[]>
}

/** `top` over `base`: clusters 0 and 1 are 1 below, and 1 and 2 are 2 above. `n` reads as zeroes. */
async function world(about: TestEngine = testEngine()): Promise<World> {
  const client = await about.monitor()
  const run = (command: string, args: object = {}): Promise<readonly string[]> =>
    client.run(command, args)
  const answer = async (command: string, args: object): Promise<string> => {
    const lines = await run(command, args)
    return description(lines.find((line) => /^\{"(return|error|id)"/.test(line)))
  }
  const { graph } = about.engine
  const fill = async (node: string, at: number, count: number, byte: number): Promise<void> => {
    await using user = graph.attach(graph.find(node), {
      uses: CONSISTENT_READ | WRITE,
      shares: ALL_PERMISSIONS,
    })
    await user.write(at * CLUSTER, new Uint8Array(count * CLUSTER).fill(byte))
  }
  const qcow2 = async (name: string): Promise<void> => {
    about.host.files.put(name, new Uint8Array())
    const file = { driver: 'file', filename: name }
    const options = { driver: 'qcow2', file, size: SIZE }
    await run('blockdev-create', { 'job-id': 'create', options })
    await run('job-dismiss', { id: 'create' })
    await run('blockdev-add', { driver: 'qcow2', 'node-name': name, file })
  }
  await qcow2('base')
  await fill('base', 0, 2, 1)
  await run('blockdev-del', { 'node-name': 'base' })
  await run('blockdev-add', {
    driver: 'qcow2',
    'node-name': 'base',
    'read-only': true,
    file: { driver: 'file', filename: 'base' },
  })
  await qcow2('top')
  await run('blockdev-del', { 'node-name': 'top' })
  await run('blockdev-add', {
    driver: 'qcow2',
    'node-name': 'top',
    backing: 'base',
    file: { driver: 'file', filename: 'top' },
  })
  await fill('top', 1, 2, 2)
  await run('blockdev-add', {
    driver: 'null-co',
    'node-name': 'n',
    size: SIZE,
    'read-zeroes': true,
  })
  return {
    ...about,
    client,
    run,
    answer,
    async clusters(node) {
      await using user = graph.attach(graph.find(node), {
        uses: CONSISTENT_READ,
        shares: ALL_PERMISSIONS,
      })
      const data = new Uint8Array(4 * CLUSTER)
      await user.read(0, data)
      return [0, 1, 2, 3].map((at) => data[at * CLUSTER] ?? 0)
    },
  }
}

const FILE = { driver: 'file', filename: 't' }

describe('the commands that make images to copy to', () => {
  const legacy = ['drive-backup', 'drive-mirror']
  const made = (profile: ProfileName) =>
    createCommands({ profile: PROFILES[profile], drivers: DRIVERS, objectTypes: [] })

  it('are gone where a profile has no older commands, and so is the action', () => {
    const commands = made('note')
    assert.ok(!legacy.some((name) => commands.has(name)))
    assert.ok(!JSON.stringify(describeSchema(commands)).includes('drive-backup'))
  })

  it('are flagged as on their way out where they are, and the mirror is not yet for QEMU', () => {
    const features = (profile: ProfileName) =>
      legacy.map((name) => made(profile).get(name)?.features)
    assert.deepEqual(features('note-transition'), [['deprecated'], ['deprecated']])
    assert.deepEqual(features('qemu'), [['deprecated'], []])
  })
})

describe('drive-backup', () => {
  const BACKUP = { 'job-id': 'j', device: 'top', target: 't' }

  for (const [sync, whole, alone] of [
    ['full', [1, 2, 2, 0], [1, 2, 2, 0]],
    ['top', [1, 2, 2, 0], [0, 2, 2, 0]],
  ] as const) {
    it(`copies what sync ${sync} asks for, and shows the disk as it was`, async () => {
      const { run, clusters } = await world()
      await run('drive-backup', { ...BACKUP, sync })
      await run('blockdev-add', { driver: 'qcow2', 'node-name': 't', file: FILE })
      assert.deepEqual(await clusters('t'), whole)
      await run('blockdev-del', { 'node-name': 't' })
      await run('blockdev-add', { driver: 'qcow2', 'node-name': 't', file: FILE, backing: null })
      assert.deepEqual(await clusters('t'), alone)
    })
  }

  it('copies with sync none what is about to be overwritten, over the source itself', async () => {
    const { run, clusters, engine } = await world()
    await run('drive-backup', { ...BACKUP, sync: 'none', 'filter-node-name': 'guard' })
    const target = engine.graph.nodes().find(({ cowChild }) => cowChild?.name === 'top')
    {
      await using user = engine.graph.attach(engine.graph.find('guard'), {
        uses: WRITE,
        shares: ALL_PERMISSIONS,
      })
      await user.write(CLUSTER, new Uint8Array(2 * CLUSTER).fill(9))
    }
    assert.deepEqual(await clusters('top'), [1, 9, 9, 0])
    assert.deepEqual(await clusters(target?.name ?? ''), [1, 2, 2, 0])
    await run('job-cancel', { id: 'j' })
    await run('blockdev-add', { driver: 'qcow2', 'node-name': 't', file: FILE, backing: null })
    assert.deepEqual(await clusters('t'), [0, 2, 2, 0])
  })

  for (const sync of ['incremental', 'bitmap'] as const) {
    it(`copies with sync ${sync} what is dirty and nothing else`, async () => {
      const { run, clusters, engine } = await world()
      await run('block-dirty-bitmap-add', { node: 'top', name: 'b' })
      {
        await using user = engine.graph.attach(engine.graph.find('top'), {
          uses: WRITE,
          shares: ALL_PERMISSIONS,
        })
        await user.write(2 * CLUSTER, new Uint8Array(512).fill(9))
      }
      const mode = { bitmap: 'b', 'bitmap-mode': 'on-success' }
      await run('drive-backup', { ...BACKUP, sync, ...mode })
      await run('blockdev-add', { driver: 'qcow2', 'node-name': 't', file: FILE })
      assert.deepEqual(await clusters('t'), [0, 0, 9, 0])
    })
  }

  it('opens the target with the flags of the source, but writable and looking for zeroes', async () => {
    const { run, engine } = await world()
    await run('blockdev-add', {
      driver: 'qcow2',
      'node-name': 'ro',
      'read-only': true,
      cache: { 'no-flush': true },
      file: { driver: 'file', filename: 'base' },
    })
    const about = { ...BACKUP, device: 'ro', sync: 'full', 'auto-finalize': false }
    await run('drive-backup', about)
    const target = engine.graph
      .nodes()
      .find((node) => node.driver.name === 'qcow2' && engine.graph.filename(node) === 't')
    assert.deepEqual(target?.flags, {
      readOnly: false,
      autoReadOnly: false,
      direct: false,
      noFlush: true,
      forceShare: false,
      discard: true,
      detectZeroes: 'unmap',
    })
  })

  it('leaves no node behind when the job is refused, but the image', async () => {
    const { answer, engine, host } = await world()
    const before = engine.graph.nodes().map(({ name }) => name)
    for (const wrong of [{ 'job-id': '1' }, { speed: -1 }, { 'filter-node-name': 'top' }]) {
      await answer('drive-backup', { ...BACKUP, sync: 'full', ...wrong })
      assert.deepEqual(
        engine.graph.nodes().map(({ name }) => name),
        before,
      )
    }
    assert.ok(host.files.exists('t'))
  })
})

describe('a backup', () => {
  it('is not copied inside the host, and says so before anything is made', async () => {
    const { answer, host } = await world()
    const about = { 'job-id': 'j', sync: 'full', 'x-perf': { 'use-copy-range': true } }
    const text = "Copying inside the host ('x-perf.use-copy-range') is not built yet"
    assert.equal(await answer('drive-backup', { ...about, device: 'top', target: 't' }), text)
    assert.equal(await answer('blockdev-backup', { ...about, device: 'top', target: 'n' }), text)
    assert.equal(host.files.exists('t'), false)
  })
})

describe('an image that is made by name', () => {
  const REFUSED = [
    ['bogus', 't', "Unknown file format 'bogus'"],
    ['vmdk', 't', "Making images of format 'vmdk' is not built yet"],
    ['throttle', 't', "Format driver 'throttle' does not support image creation"],
    ['raw', 'null-co://', "Protocol driver 'null-co' does not support image creation"],
    ['raw', 'bogus:t', "Unknown protocol 'bogus'"],
    ['raw', 'json:{"driver": "file", "filename": "t"}', "Unknown protocol 'json'"],
    ['raw', '', "Could not create '': No such file or directory"],
    [
      'nbd',
      't',
      "Protocol driver 'nbd' does not support image creation, and opening the image failed: " +
        "File name string for NBD must start with 'nbd:'",
    ],
    [
      'host_device',
      't',
      "Protocol driver 'host_device' does not support image creation, and opening the image " +
        "failed: Could not open 't': No such file or directory",
    ],
    [
      'raw',
      'nbd:unix:nobody',
      "Protocol driver 'nbd' does not support image creation, and opening the image failed: " +
        "Failed to connect to 'nobody': No such file or directory",
    ],
  ] as const
  for (const [format, target, text] of REFUSED) {
    it(`cannot be of format '${format}' at '${target}'`, async () => {
      const { answer, host } = await world()
      const about = { 'job-id': 'j', device: 'n', sync: 'full', format, target }
      assert.equal(await answer('drive-backup', about), text)
      assert.equal(await answer('drive-mirror', about), text)
      assert.equal(host.files.exists('t'), false)
    })
  }

  it('is gone again when it cannot be finished', async () => {
    const { answer, host } = await world()
    host.files.put('t', new Uint8Array(5000).fill(7))
    host.files.hook = ({ kind, path }) =>
      kind === 'write' && path === 't' ? { errno: 'ENOSPC' as const } : undefined
    const about = { 'job-id': 'j', device: 'n', sync: 'full', format: 'qcow2', target: 't' }
    const text = 'Could not write qcow2 header: No space left on device'
    assert.equal(await answer('drive-backup', about), text)
    assert.equal(host.files.exists('t'), false)
  })

  it('does not keep a backing name that no header holds', async () => {
    const { answer, run, host } = await world()
    const long = `${'x'.repeat(220)}/`.repeat(5).slice(0, -1)
    host.files.put(long, host.files.content('base'))
    const file = { driver: 'file', filename: long }
    await run('blockdev-add', { driver: 'qcow2', 'node-name': 'long', file })
    const about = { 'job-id': 'j', device: 'long', sync: 'none', target: 't' }
    const text = `Could not assign backing file '${long}' with format 'qcow2': Invalid argument`
    assert.equal(await answer('drive-mirror', about), text)
    assert.equal(host.files.exists('t'), false)
  })

  it('needs a backing image that opens under the name it will have', async () => {
    const { answer } = await world()
    const about = { 'job-id': 'j', device: 'top', sync: 'top', target: 'elsewhere/t' }
    const text = "Could not open 'elsewhere/base': No such file or directory"
    assert.equal(await answer('drive-backup', about), text)
    assert.equal(
      await answer('drive-backup', { ...about, target: '' }),
      "Cannot use relative backing file names for ''",
    )
  })

  it('has its options printed as QEMU does', async () => {
    const { answer, log } = await world()
    await answer('drive-mirror', { device: 'top', sync: 'top', target: 't' })
    await answer('drive-mirror', { device: 'n', sync: 'full', format: 'raw', target: 'file:t' })
    assert.deepEqual(log, [
      "Formatting 't', fmt=qcow2 cluster_size=65536 extended_l2=off compression_type=zlib " +
        'size=1048576 backing_file=base backing_fmt=qcow2 lazy_refcounts=off refcount_bits=16',
      "Formatting 'file:t', fmt=raw size=1048576",
    ])
  })
})

describe('storage that cannot be made', () => {
  /** An export of `bytes`, full of 7, of another engine on the same host. */
  async function served(bytes: number, writable = true): Promise<World> {
    const about = testEngine()
    const server = await testEngine(1, about.host).monitor()
    about.host.files.put('store', new Uint8Array(bytes).fill(7))
    await server.run('blockdev-add', { driver: 'file', 'node-name': 's', filename: 'store' })
    await server.run('nbd-server-start', { addr: { type: 'unix', data: { path: 'socket' } } })
    await server.run('block-export-add', { type: 'nbd', id: 'e', 'node-name': 's', writable })
    return world(about)
  }

  const ABOUT = { 'job-id': 'j', sync: 'full', target: 'nbd:unix:socket:exportname=s' }

  it('is used if it is there and as long', async () => {
    const { run, host } = await served(SIZE)
    await run('drive-backup', { ...ABOUT, device: 'top', format: 'raw' })
    const data = host.files.content('store')
    assert.deepEqual(
      [0, 1, 2, 3].map((at) => data[at * CLUSTER]),
      [1, 2, 2, 0],
    )
  })

  it('may be longer where a format lies on it', async () => {
    const { run, host } = await served(2 * SIZE)
    await run('drive-backup', { ...ABOUT, device: 'top', format: 'qcow2' })
    assert.deepEqual([...host.files.content('store').subarray(0, 4)], [0x51, 0x46, 0x49, 0xfb])
  })

  it('has lost its head by then', async () => {
    const { answer, host } = await served(2 * SIZE)
    const text = 'Source and target image have different sizes'
    assert.equal(await answer('drive-backup', { ...ABOUT, device: 'n', format: 'raw' }), text)
    const data = host.files.content('store')
    assert.deepEqual([data[0], data[511], data[512]], [0, 0, 7])
  })

  it('cannot be shorter', async () => {
    const { answer } = await served(SIZE / 2)
    const about = { ...ABOUT, device: 'n', format: 'raw' }
    assert.equal(await answer('drive-backup', about), 'Cannot grow NBD nodes')
  })

  it('must be writable', async () => {
    const { answer } = await served(SIZE, false)
    const about = { ...ABOUT, device: 'n', format: 'raw' }
    assert.equal(
      await answer('drive-backup', about),
      "Protocol driver 'nbd' does not support image creation, and opening the image failed: " +
        'Could not open image: Permission denied',
    )
  })

  it('is not taken for zeroes by a mirror', async () => {
    const { run, host } = await served(SIZE)
    await run('drive-mirror', { ...ABOUT, device: 'top', format: 'raw' })
    await host.advance(1_000_000_000)
    const data = host.files.content('store')
    assert.ok(data.subarray(4 * CLUSTER).every((byte) => byte === 0))
  })
})

describe('drive-mirror', () => {
  const MIRROR = { 'job-id': 'j', device: 'top', target: 't', 'node-name': 't' }

  for (const [sync, alone] of [
    ['full', [1, 2, 2, 0]],
    ['top', [0, 2, 2, 0]],
    ['none', [0, 0, 0, 0]],
  ] as const) {
    it(`copies what sync ${sync} asks for`, async () => {
      const { run, clusters, host } = await world()
      await run('drive-mirror', { ...MIRROR, sync })
      await host.advance(1_000_000_000)
      await run('block-job-cancel', { device: 'j' })
      await host.advance(1_000_000_000)
      await run('blockdev-add', { driver: 'qcow2', 'node-name': 't', file: FILE, backing: null })
      assert.deepEqual(await clusters('t'), alone)
    })
  }

  it('fails where the backing image of its target cannot be opened, and says why', async () => {
    const { run, host, log } = await world()
    await run('drive-backup', { 'job-id': 'b', device: 'top', target: 't', sync: 'top' })
    host.files.unlink('base')
    const about = { ...MIRROR, sync: 'top', mode: 'existing', 'auto-dismiss': false }
    await run('drive-mirror', about)
    await host.advance(1_000_000_000)
    await run('job-complete', { id: 'j' })
    await host.advance(1_000_000_000)
    assert.match((await run('query-jobs')).join(''), /"error": "Invalid argument"/)
    assert.equal(
      log.at(-1),
      "Could not open backing file: Could not open 'base': No such file or directory",
    )
  })

  it('leaves a source behind whose targets are opened alone too', async () => {
    const { run, engine, host } = await world()
    const { graph } = engine
    await using user = graph.attach(graph.find('top'), {
      uses: CONSISTENT_READ,
      shares: ALL_PERMISSIONS,
    })
    await run('drive-backup', { 'job-id': 'k', device: 'top', target: 'u', sync: 'top' })
    const driverBelowTarget = async (device: string): Promise<string | undefined> => {
      const about = { 'job-id': 'k', device, target: 'u', sync: 'full', mode: 'existing' }
      await run('drive-backup', { ...about, 'auto-finalize': false })
      const named = graph.nodes().filter(({ driver }) => driver.name === 'qcow2')
      const target = named.find(
        (node) => node.primaryChild !== undefined && graph.filename(node.primaryChild) === 'u',
      )
      assert.ok(target !== undefined)
      const below = target.cowChild?.driver.name
      await run('job-finalize', { id: 'k' })
      return below
    }
    assert.equal(await driverBelowTarget('top'), 'qcow2')
    await run('drive-mirror', { ...MIRROR, sync: 'full' })
    await host.advance(1_000_000_000)
    await run('job-complete', { id: 'j' })
    await host.advance(1_000_000_000)
    assert.equal(user.node.name, 't')
    assert.equal(await driverBelowTarget('t'), undefined)
  })
})
