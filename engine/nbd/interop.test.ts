/**
 * Our NBD against everybody else's: the same programs on our export and on a real 7.2's export of
 * the same image must say the same, and our client must get the same from other servers.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BlockError } from '../util/errors.ts'
import { NbdClient } from './client.ts'
import { BASE_ALLOCATION } from './constants.ts'
import type { Server } from './testing.ts'
import {
  appears,
  host,
  needing,
  qemu,
  run,
  startEngine,
  startOurs,
  startOursFormat,
  startTheirs,
  startTheirsFormat,
  stopped,
  succeed,
  uriOf,
} from './testing.ts'

/** A small generator, so that both servers get the same commands. */
function random(seed: number): (bound: number) => number {
  let state = seed
  return (bound) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return Math.floor((state / 2 ** 32) * bound)
  }
}

const IMAGE_BYTES = 3 * 2 ** 20

/** Data, holes and zeroes in turn, with edges that fit nobody's blocks. */
function makeImage(path: string): void {
  const below = random(5)
  const fd = fs.openSync(path, 'w')
  fs.ftruncateSync(fd, IMAGE_BYTES)
  for (let index = 0; index < 12; index += 1) {
    const data = Buffer.alloc(1 + below(90_000), index % 3 === 0 ? 0 : 1 + below(255))
    fs.writeSync(fd, data, 0, data.length, below(IMAGE_BYTES - data.length))
  }
  fs.closeSync(fd)
}

function digest(path: string): string {
  return createHash('sha256').update(fs.readFileSync(path)).digest('hex')
}

describe('NBD between programs', function () {
  let folder = ''
  beforeEach(() => {
    folder = fs.mkdtempSync(join(tmpdir(), 'nbd-'))
  })
  afterEach(() => {
    fs.rmSync(folder, { recursive: true })
  })

  /** Plays the same on our export and on the real one, each over a copy of the same image. */
  async function onBoth<T>(play: (server: Server) => Promise<T>): Promise<readonly [T, T]> {
    const original = join(folder, 'original.raw')
    makeImage(original)
    const results: T[] = []
    for (const start of [startOurs, startTheirs]) {
      const image = join(folder, `${start.name}.raw`)
      await succeed('cp', ['--sparse=always', original, image])
      const server = await start(folder, image)
      try {
        results.push(await play(server))
      } finally {
        await server.stop()
      }
    }
    const [ours, theirs] = results
    assert(ours !== undefined && theirs !== undefined)
    return [ours, theirs]
  }

  async function sameOnBoth(play: (server: Server) => Promise<string>): Promise<void> {
    const [ours, theirs] = await onBoth(async (server) => {
      const text = await play(server)
      return text.replaceAll(server.socket, 'SOCKET').replaceAll(server.image, 'IMAGE')
    })
    assert.equal(ours, theirs)
  }

  describe('nbdinfo and nbdcopy', () => {
    before(needing('nbdinfo', 'nbdcopy', qemu('qemu-storage-daemon')))

    it('tell the same of our export', () =>
      sameOnBoth(({ uri }) => succeed('nbdinfo', ['--json', uri])))

    it('list the same exports', () =>
      sameOnBoth(({ socket }) =>
        succeed('nbdinfo', ['--list', '--json', `nbd+unix://?socket=${socket}`]),
      ))

    it('map our export as the real one', () =>
      sameOnBoth(({ uri }) => succeed('nbdinfo', ['--map', '--json', uri])))

    it('copy out what is in the image', async () => {
      const [ours, theirs] = await onBoth(async ({ uri, image, name }) => {
        const copy = join(folder, `${name}.copy`)
        await succeed('nbdcopy', [uri, copy])
        assert.equal(digest(copy), digest(image))
        return digest(copy)
      })
      assert.equal(ours, theirs)
    })

    it('copy in what another image has', async () => {
      const source = join(folder, 'source.raw')
      fs.writeFileSync(source, Buffer.alloc(IMAGE_BYTES, 'some other text'))
      const [ours, theirs] = await onBoth(async ({ uri, image }) => {
        await succeed('nbdcopy', [source, uri])
        return digest(image)
      })
      assert.equal(ours, digest(source))
      assert.equal(theirs, ours)
    })
  })

  describe('qemu-img', () => {
    const img = qemu('qemu-img')
    before(needing(img, qemu('qemu-storage-daemon')))

    it('maps our export as the real one', () =>
      sameOnBoth(({ uri }) => succeed(img, ['map', '--output=json', '-f', 'raw', uri])))

    it('says the same of it', () =>
      sameOnBoth(({ uri }) => succeed(img, ['info', '--output=json', '-f', 'raw', uri])))

    it('converts from it and finds no difference', () =>
      sameOnBoth(async ({ uri, name, image }) => {
        const copy = join(folder, `${name}.copy`)
        await succeed(img, ['convert', '-f', 'raw', '-O', 'raw', uri, copy])
        assert.equal(digest(copy), digest(image))
        return succeed(img, ['compare', '-f', 'raw', '-F', 'raw', uri, copy])
      }))

    it('converts to it', async () => {
      const source = join(folder, 'source.raw')
      makeImage(source)
      fs.writeSync(fs.openSync(source, 'r+'), Buffer.alloc(70_000, 'x'), 0, 70_000, 1_000_001)
      const args = ['convert', '-n', '-f', 'raw', '-O', 'raw', source]
      const [ours, theirs] = await onBoth(async ({ uri, image }) => {
        await succeed(img, [...args, uri])
        return digest(image)
      })
      assert.equal(ours, digest(source))
      assert.equal(theirs, ours)
    })
  })

  describe('chains of qcow2 images', () => {
    const img = qemu('qemu-img')
    before(needing('nbdinfo', img, qemu('qemu-storage-daemon')))

    /** Three images, each shorter than the one above it and with data of its own. */
    async function makeChain(): Promise<string> {
      const at = (name: string): string => join(folder, name)
      const sizes = { base: '256k', mid: '640k', top: '1M' }
      let below = ''
      for (const [name, size] of Object.entries(sizes)) {
        const backing = below === '' ? [] : ['-b', at(below), '-F', 'qcow2']
        await succeed(img, ['create', '-q', '-f', 'qcow2', ...backing, at(name), size])
        below = name
      }
      const writes = {
        base: ['0 200k'],
        mid: ['100k 64k', '-z 128k 64k', '500k 40k'],
        top: ['64k 64k', '900k 5k'],
      }
      for (const [name, commands] of Object.entries(writes)) {
        const args = commands.flatMap((range) => ['-c', `write ${range}`])
        await succeed(qemu('qemu-io'), ['-f', 'qcow2', ...args, at(name)])
      }
      return at('top')
    }

    async function sameOfChain(play: (uri: string) => Promise<string>): Promise<void> {
      const top = await makeChain()
      const texts: string[] = []
      for (const start of [startOursFormat, startTheirsFormat]) {
        const server = await start(folder, top, 'qcow2')
        try {
          texts.push((await play(server.uri)).replaceAll(server.socket, 'SOCKET'))
        } finally {
          await server.stop()
        }
      }
      const [ours, theirs] = texts
      assert.equal(ours, theirs)
    }

    for (const context of ['base:allocation', 'qemu:allocation-depth']) {
      it(`have the same ${context} in our export`, () =>
        sameOfChain((uri) => succeed('nbdinfo', [`--map=${context}`, '--json', uri])))
    }

    it('are mapped by qemu-img through our export as through the real one', () =>
      sameOfChain((uri) => succeed(img, ['map', '--output=json', '-f', 'raw', uri])))

    it('hold the same for who reads them through our export', () =>
      sameOfChain((uri) =>
        succeed(img, ['compare', '-f', 'raw', '-F', 'qcow2', '-U', uri, join(folder, 'top')]),
      ))
  })

  describe('qemu-io', () => {
    before(needing(qemu('qemu-io'), qemu('qemu-storage-daemon')))

    it('gets the same answers to 200 random commands', async () => {
      const below = random(11)
      const commands = Array.from({ length: 200 }, () => randomCommand(below))
      const [ours, theirs] = await onBoth(async ({ uri, image }) => {
        const args = commands.flatMap((command) => ['-c', command])
        const { status, stdout, stderr } = await run(qemu('qemu-io'), ['-f', 'raw', ...args, uri])
        return { status, stdout: withoutTimes(stdout), stderr, digest: digest(image) }
      })
      assert.deepEqual(ours, theirs)
    })
  })

  describe('our client and our nbd node', () => {
    async function startNbdkit(args: readonly string[]): Promise<() => Promise<void>> {
      const pid = join(folder, 'nbdkit.pid')
      const socket = join(folder, 'kit.sock')
      const child = spawn('nbdkit', ['-f', '-P', pid, '-U', socket, ...args])
      await appears(pid)
      return () => stopped(child)
    }

    async function connect(name = ''): Promise<NbdClient> {
      const stream = await host.sockets.connect({ type: 'unix', path: join(folder, 'kit.sock') })
      return NbdClient.connect(stream, { export: name, metaContexts: [BASE_ALLOCATION] })
    }

    before(needing('nbdkit', qemu('qemu-nbd')))

    it('agree with a byte array on nbdkit memory', async () => {
      const stop = await startNbdkit(['memory', '1M'])
      try {
        await compareWithModel(await connect(), random(3))
      } finally {
        await stop()
      }
    })

    it('agree with a byte array on qemu-nbd', async () => {
      const image = join(folder, 'image.raw')
      fs.writeFileSync(image, Buffer.alloc(2 ** 20))
      const socket = join(folder, 'kit.sock')
      const child = spawn(qemu('qemu-nbd'), ['-t', '-k', socket, '-f', 'raw', '-x', 'q', image])
      await appears(socket)
      try {
        await compareWithModel(await connect('q'), random(4))
      } finally {
        await stopped(child)
      }
    })

    it('read the pattern of nbdkit data and see its hole', async () => {
      const stop = await startNbdkit(['data', '@0x8000 "hello" @0x18000 0'])
      try {
        const client = await connect()
        assert.equal(Buffer.from(await client.read(0x8000, 5)).toString(), 'hello')
        const [status] = await client.blockStatus(0x10000, 0x8000)
        assert.deepEqual(status?.extents, [{ bytes: 0x8000, flags: 3 }])
        await client.disconnect()
      } finally {
        await stop()
      }
    })

    it('report the error that nbdkit makes', async () => {
      const errors = ['error-rate=100%', 'error=EPERM', 'error-pread=ENOSPC', 'error-pwrite=EIO']
      const stop = await startNbdkit(['--filter=error', 'memory', '1M', ...errors])
      try {
        const client = await connect()
        const errnoOf = (work: Promise<unknown>): Promise<unknown> =>
          work.then(
            () => 'ok',
            (failure: unknown) => (failure instanceof BlockError ? failure.errno : failure),
          )
        assert.equal(await errnoOf(client.read(0, 512)), 'ENOSPC')
        assert.equal(await errnoOf(client.read(0, 512, { pieces: true })), 'ENOSPC')
        assert.equal(await errnoOf(client.write(0, new Uint8Array(512))), 'EIO')
        assert.equal(await errnoOf(client.zero(0, 512)), 'EPERM')
        await client.disconnect()
      } finally {
        await stop()
      }
    })

    it('chain: a node on qemu-nbd, exported again, is the image', async () => {
      const image = join(folder, 'image.raw')
      makeImage(image)
      const theirs = await startTheirs(folder, image)
      const { qmp, engine } = await startEngine()
      try {
        const server = { type: 'unix', path: theirs.socket }
        const node = { driver: 'nbd', 'node-name': 'n', server, export: 'e' }
        await qmp.command('blockdev-add', node)
        const socket = join(folder, 'chain.sock')
        await qmp.command('nbd-server-start', { addr: { type: 'unix', data: { path: socket } } })
        const about = { type: 'nbd', id: 'c', 'node-name': 'n', name: 'e', writable: true }
        await qmp.command('block-export-add', about)
        const img = qemu('qemu-img')
        const compare = ['compare', '-U', '-f', 'raw', '-F', 'raw', uriOf(socket), theirs.uri]
        assert.equal(await succeed(img, compare), 'Images are identical.\n')
        const map = (uri: string): Promise<string> =>
          succeed(img, ['map', '--output=json', '-f', 'raw', uri])
        assert.equal(await map(uriOf(socket)), await map(theirs.uri))
        const write = ['-f', 'raw', '-c', 'write -P 7 1000 70000', '-c', 'write -z 2M 64k']
        await succeed(qemu('qemu-io'), [...write, uriOf(socket)])
        assert.equal(await succeed(img, compare), 'Images are identical.\n')
      } finally {
        await engine.shutdown()
        await theirs.stop()
      }
      assert(
        fs
          .readFileSync(image)
          .subarray(1000, 71_000)
          .every((byte) => byte === 7),
      )
    })
  })
})

const MEMORY_BYTES = 2 ** 20

async function compareWithModel(
  client: NbdClient,
  below: (bound: number) => number,
): Promise<void> {
  const model = new Uint8Array(MEMORY_BYTES)
  assert.equal(client.info.size, MEMORY_BYTES)
  for (let step = 0; step < 200; step += 1) {
    const offset = below(MEMORY_BYTES)
    const bytes = Math.min(1 + below(80_000), MEMORY_BYTES - offset)
    switch (below(5)) {
      case 0:
        await client.write(offset, new Uint8Array(bytes).fill(step), { fua: step % 3 === 0 })
        model.fill(step, offset, offset + bytes)
        break
      case 1:
        await client.zero(offset, bytes, { noHole: step % 2 === 0 })
        model.fill(0, offset, offset + bytes)
        break
      case 2: {
        const [status] = await client.blockStatus(offset, bytes)
        let at = offset
        for (const extent of status?.extents ?? []) {
          const run = model.subarray(at, at + extent.bytes)
          assert((extent.flags & 2) === 0 || run.every((byte) => byte === 0))
          at += extent.bytes
        }
        break
      }
      case 3:
        await client.flush()
        break
      default: {
        const data = await client.read(offset, bytes, { pieces: step % 2 === 0 })
        assert(
          Buffer.from(model)
            .subarray(offset, offset + bytes)
            .equals(data),
        )
      }
    }
  }
  await client.disconnect()
}

function randomCommand(below: (bound: number) => number): string {
  const aligned = below(3) > 0
  const place = (bound: number): number => (aligned ? below(bound >> 9) << 9 : below(bound))
  // A few reach past the end.
  const offset = place(IMAGE_BYTES + (below(20) === 0 ? 100_000 : 0))
  const bytes = Math.max(place(100_000), 1)
  const range = `${String(offset)} ${String(bytes)}`
  const pattern = String(1 + below(255))
  const commands = [
    `read ${range}`,
    `read -v ${String(offset)} 64`,
    `read -P ${pattern} ${range}`,
    `write -P ${pattern} ${range}`,
    `write -f -P ${pattern} ${range}`,
    `aio_write -P ${pattern} ${range}`,
    `write -z ${range}`,
    `write -z -u ${range}`,
    `discard ${range}`,
    `alloc ${range}`,
    'flush',
    'map',
    'length',
  ]
  // Requests of one command at a time are all that a script can count on.
  const command = commands[below(commands.length)] ?? 'length'
  return command.startsWith('aio') ? command.slice('aio_'.length) : command
}

/** The rate of each transfer, which nobody can repeat. */
function withoutTimes(text: string): string {
  return text.replaceAll(/ops; .*$/gm, 'ops')
}
