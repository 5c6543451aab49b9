/** The `ssh` node against a real sshd: logging in, checking keys, files, losing the server. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import * as fs from 'node:fs'
import type { Instance } from '../../block/driver.ts'
import type { Account } from '../../host/host.ts'
import { BlockError } from '../../util/errors.ts'
import {
  Lab,
  needingSshd,
  openNode,
  servicesFor,
  type KeyPair,
  type OpenAbout,
  type TestServer,
} from './testing.ts'
import { ssh } from './ssh.ts'

const DENIED =
  'failed to authenticate using publickey authentication and the identities held by your ssh-agent'

describe('ssh node', () => {
  let lab: Lab
  let hostKey: KeyPair
  let server: TestServer
  let account: Account

  before(needingSshd)
  before(async () => {
    lab = new Lab()
    hostKey = lab.key('host-ed25519', 'ed25519')
    server = await lab.server([hostKey, lab.key('host-rsa', 'rsa')])
    account = lab.account({ keyAgent: await lab.agent() })
  })
  after(() => {
    // Nothing was made where all is skipped.
    ;(lab as Lab | undefined)?.close()
  })

  type Options = Readonly<Record<string, unknown>>

  function optionsFor(path: string, port = server.port): Options {
    const place = { host: '127.0.0.1', port }
    return { server: place, path, 'host-key-check': { mode: 'none' } }
  }

  async function withNode<T>(
    options: Options,
    use: (node: Instance) => T | Promise<T>,
    about: Partial<OpenAbout> = {},
  ): Promise<T> {
    const node = await openNode(options, { account, ...about })
    try {
      return await use(node)
    } finally {
      await node.close?.()
    }
  }

  /** What opening is refused with; nothing where it is not. */
  async function refusal(
    options: Options,
    about: Partial<OpenAbout> = {},
  ): Promise<string | undefined> {
    try {
      await withNode(options, () => undefined, about)
      return undefined
    } catch (error) {
      assert(error instanceof BlockError)
      return error.message
    }
  }

  function fileOf(name: string, bytes: Uint8Array): string {
    const path = lab.path(name)
    fs.writeFileSync(path, bytes)
    return path
  }

  async function readAll(node: Instance, offset: number, bytes: number): Promise<Buffer> {
    const into = Buffer.alloc(bytes, 0xee)
    await node.read(offset, into, {})
    return into
  }

  function create(options: Options): Promise<void> {
    const about = { options, file: undefined, services: servicesFor(account) }
    return Promise.resolve(ssh.create?.run(about))
  }

  async function textOf(work: unknown): Promise<string> {
    try {
      await work
      return 'fine'
    } catch (error) {
      assert(error instanceof BlockError)
      return error.message
    }
  }

  describe('whose server is up', () => {
    it('reads what is in the file, and zeroes behind its end', async () => {
      const data = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 251))
      await withNode(optionsFor(fileOf('read', data)), async (node) => {
        assert.equal(node.length(), data.length)
        assert.deepEqual(await readAll(node, 0, data.length), data)
        assert.deepEqual(await readAll(node, 1000, 100_000), data.subarray(1000, 101_000))
        const end = await readAll(node, data.length - 100, 612)
        assert.deepEqual(end, Buffer.concat([data.subarray(-100), Buffer.alloc(512)]))
        assert.deepEqual(await readAll(node, data.length + 512, 512), Buffer.alloc(512))
      })
    })

    it('writes into the file and makes it stable, in pieces as large as it likes', async () => {
      const path = fileOf('write', Buffer.alloc(4096, 1))
      const data = Buffer.from(Array.from({ length: 1_000_000 }, (_, index) => index % 253))
      await withNode(optionsFor(path), async (node) => {
        await node.write(512, data, {})
        await node.flush?.()
      })
      assert.deepEqual(fs.readFileSync(path), Buffer.concat([Buffer.alloc(512, 1), data]))
    })

    it('carries out many requests at a time', async () => {
      const path = fileOf('many', Buffer.alloc(64 * 4096))
      await withNode(optionsFor(path), async (node) => {
        const places = Array.from({ length: 64 }, (_, index) => index)
        await Promise.all(
          places.map(async (place) => node.write(place * 4096, Buffer.alloc(4096, place), {})),
        )
        const got = await Promise.all(places.map((place) => readAll(node, place * 4096, 4096)))
        for (const place of places) assert.deepEqual(got[place], Buffer.alloc(4096, place))
      })
    })

    it('makes the file longer, and never shorter', async () => {
      const path = fileOf('grow', Buffer.alloc(1000, 7))
      await withNode(optionsFor(path), async (node) => {
        const resized = (bytes: number, preallocation: 'off' | 'full' = 'off'): Promise<string> =>
          textOf(node.truncate?.(bytes, { preallocation }))
        assert.equal(await resized(1000), 'fine')
        assert.equal(await resized(999), 'ssh driver does not support shrinking files')
        assert.equal(await resized(5000, 'full'), "Unsupported preallocation mode 'full'")
        assert.equal(await resized(5000), 'fine')
        assert.equal(node.length(), 5000)
      })
      assert.deepEqual(
        fs.readFileSync(path),
        Buffer.concat([Buffer.alloc(1000, 7), Buffer.alloc(4000)]),
      )
    })

    it('only reads where it may only read', async () => {
      const path = fileOf('read-only', Buffer.alloc(512, 3))
      await withNode(
        optionsFor(path),
        async (node) => {
          assert.deepEqual(await readAll(node, 0, 512), Buffer.alloc(512, 3))
          // The server knows that the file is open for reading alone.
          assert.equal(
            await textOf(Promise.resolve(node.write(0, Buffer.alloc(1), {}))),
            'Input/output error',
          )
        },
        { readOnly: true },
      )
    })

    it('tells in the words of 7.2 why there is no file', async () => {
      const missing = lab.path('missing')
      assert.equal(
        await refusal(optionsFor(missing)),
        `failed to open remote file '${missing}': SFTP server: No such file ` +
          '(libssh error code: 1, sftp error code: 2)',
      )
      assert.equal(
        await refusal(optionsFor(lab.folder)),
        `failed to open remote file '${lab.folder}': SFTP server: Failure ` +
          '(libssh error code: 1, sftp error code: 4)',
      )
    })
  })

  describe('that makes a file', () => {
    it('makes it of its size', async () => {
      const path = lab.path('made')
      await create({ location: optionsFor(path), size: 12_345 })
      assert.deepEqual(fs.readFileSync(path), Buffer.alloc(12_345))
    })

    it('empties one that is there', async () => {
      const path = fileOf('emptied', Buffer.alloc(5000, 1))
      await create({ location: optionsFor(path), size: 0 })
      assert.equal(fs.statSync(path).size, 0)
      fs.writeFileSync(path, 'old contents')
      await create({ location: optionsFor(path), size: 4 })
      assert.deepEqual(fs.readFileSync(path), Buffer.alloc(4))
    })

    it('leaves one alone that cannot have that length', async () => {
      const path = fileOf('negative', Buffer.alloc(10, 1))
      const text = await textOf(create({ location: optionsFor(path), size: -1 }))
      assert.equal(text, 'Failed to grow file: Invalid argument')
      assert.equal(fs.statSync(path).size, 10)
    })

    it('tells why it cannot', async () => {
      const path = lab.path('nowhere/made')
      assert.equal(
        await textOf(create({ location: optionsFor(path), size: 512 })),
        `failed to open remote file '${path}': SFTP server: No such file ` +
          '(libssh error code: 1, sftp error code: 2)',
      )
    })
  })

  describe('that checks the key of its server', () => {
    const path = (): string => fileOf('checked', Buffer.alloc(512))
    const checking = (check: unknown, port?: string): Options => ({
      ...optionsFor(path(), port),
      'host-key-check': check,
    })
    const hashOf = (type: string, blob = hostKey.blob): string =>
      createHash(type).update(blob).digest('hex')

    it('takes its fingerprint in any kind, in large letters and with colons', async () => {
      for (const type of ['md5', 'sha1', 'sha256']) {
        const hash = hashOf(type)
        const forms = [hash, hash.toUpperCase(), hash.replaceAll(/..(?=.)/g, '$&:'), `:::${hash}`]
        for (const form of forms) {
          assert.equal(await refusal(checking({ mode: 'hash', type, hash: form })), undefined)
        }
      }
    })

    it('refuses any other fingerprint, and says what it should be', async () => {
      for (const type of ['md5', 'sha1', 'sha256']) {
        const hash = hashOf(type)
        for (const other of ['', '00', 'xx', `${hash}0`, `${hash}:`, hash.slice(0, -1)]) {
          assert.equal(
            await refusal(checking({ mode: 'hash', type, hash: other })),
            `remote host ssh-ed25519 key fingerprint '${type}:${hash}' does not match ` +
              `host_key_check '${type}:${other}'`,
          )
        }
      }
    })

    function know(...lines: readonly string[]): void {
      fs.writeFileSync(lab.path('home/.ssh/known_hosts'), lines.map((line) => `${line}\n`).join(''))
    }
    const name = (): string => `[127.0.0.1]:${server.port}`
    const known = (): Promise<string | undefined> => refusal(checking({ mode: 'known_hosts' }))

    it('knows hosts that OpenSSH knows', async () => {
      know(`${name()} ${hostKey.line}`)
      assert.equal(await known(), undefined)
      assert.equal(await refusal({ ...checking(undefined) }), undefined)
    })

    it('does not know others', async () => {
      for (const lines of [[], ['# nobody'], [`127.0.0.1 ${hostKey.line}`]]) {
        know(...lines)
        assert.equal(await known(), 'no host key was found in known_hosts')
      }
      fs.rmSync(lab.path('home/.ssh/known_hosts'))
      assert.equal(await known(), 'no host key was found in known_hosts')
    })

    it('asks for a key of the type that it knows', async () => {
      const rsa = fs.readFileSync(`${lab.path('host-rsa')}.pub`, 'utf8')
      know(`${name()} ${rsa.trim()}`)
      assert.equal(await known(), undefined)
    })

    it('raises the alarm where the key is another', async () => {
      know(`${name()} ${lab.userKey.line}`)
      const hash = createHash('sha256').update(hostKey.blob).digest('base64').replace(/=+$/, '')
      assert.equal(
        await known(),
        `host key (ssh-ed25519 key with fingerprint SHA256:${hash}) does not match the one in ` +
          'known_hosts; this may be a possible attack',
      )
    })

    it('says so where only a key of another type is known', async () => {
      const plain = await lab.server([hostKey])
      const ecdsa = lab.key('host-ecdsa', 'ecdsa')
      know(`[127.0.0.1]:${plain.port} ${ecdsa.line}`)
      assert.equal(
        await refusal(checking({ mode: 'known_hosts' }, plain.port)),
        'host key for this server not found, another type exists',
      )
    })
  })

  describe('that logs in', () => {
    const options = (): Options => optionsFor(fileOf('login', Buffer.alloc(512)))

    it('does so as the user of the process, or as it is told', async () => {
      const found = await withNode(options(), (node) => node.found)
      assert.deepEqual(found, { user: lab.user })
      assert.equal(await refusal({ ...options(), user: 'nobody-here' }), DENIED)
    })

    it('is denied without a key', async () => {
      assert.equal(await refusal(options(), { account: lab.account() }), DENIED)
      const keyAgent = lab.path('no-agent')
      assert.equal(await refusal(options(), { account: lab.account({ keyAgent }) }), DENIED)
    })

    it('takes the key that lies where keys lie', async () => {
      const path = lab.path('home/.ssh/id_ed25519')
      fs.copyFileSync(lab.userKey.path, path)
      try {
        assert.equal(await refusal(options(), { account: lab.account() }), undefined)
        fs.writeFileSync(path, 'no key')
        assert.equal(await refusal(options(), { account: lab.account() }), DENIED)
      } finally {
        fs.rmSync(path)
      }
    })

    it('needs a name', async () => {
      assert.equal(
        await refusal({ ...options(), user: '' }),
        'failed to set the user in the libssh session: Invalid argument in ssh_options_set ' +
          '(libssh error code: 2)',
      )
    })
  })

  describe('whose server can not do all', () => {
    it('tells once that nothing can be made stable', async () => {
      const { port } = await lab.server([hostKey], '-P fsync')
      const lines: string[] = []
      const about = { log: (line: string) => lines.push(line) }
      await withNode(
        optionsFor(fileOf('unstable', Buffer.alloc(512)), port),
        async (node) => {
          for (const _time of [1, 2]) {
            await node.write(0, Buffer.alloc(512), {})
            await node.flush?.()
          }
        },
        about,
      )
      assert.deepEqual(lines, [
        'warning: ssh server 127.0.0.1 does not support fsync',
        'to support fsync, you need OpenSSH >= 6.3',
      ])
    })

    it('fails where the server refuses', async () => {
      const { port } = await lab.server([hostKey], '-P write')
      await withNode(optionsFor(fileOf('unwritten', Buffer.alloc(512)), port), async (node) => {
        const write = Promise.resolve(node.write(0, Buffer.alloc(512), {}))
        assert.equal(await textOf(write), 'Input/output error')
        assert.equal(
          await textOf(node.truncate?.(1024, {})),
          'Failed to grow file: SFTP server: Permission denied ' +
            '(libssh error code: 1, sftp error code: 3)',
        )
        assert.equal(node.length(), 512)
        await readAll(node, 0, 512)
      })
    })

    it('is not opened without a file server, or without the length', async () => {
      const none = await lab.server([hostKey], 'none')
      const options = optionsFor(fileOf('unserved', Buffer.alloc(512)), none.port)
      assert.equal(
        await refusal(options),
        'failed to create sftp handle: Channel request subsystem failed (libssh error code: 1)',
      )
      const mute = await lab.server([hostKey], '-P fstat')
      assert.equal(
        await refusal({ ...options, server: { host: '127.0.0.1', port: mute.port } }),
        'failed to read file attributes: SFTP server: Permission denied ' +
          '(libssh error code: 1, sftp error code: 3)',
      )
    })
  })

  it('fails all requests, and goes all the same, when its server is gone', async () => {
    const gone = await lab.server([hostKey])
    const options = optionsFor(fileOf('lost', Buffer.alloc(4096)), gone.port)
    const node = await openNode(options, { account })
    gone.drop()
    for (const _time of [1, 2]) {
      assert.equal(await textOf(readAll(node, 0, 512)), 'Input/output error')
      const write = Promise.resolve(node.write(0, Buffer.alloc(512), {}))
      assert.equal(await textOf(write), 'Input/output error')
      assert.equal(await textOf(Promise.resolve(node.flush?.())), 'Input/output error')
    }
    await node.close?.()
  })
})
