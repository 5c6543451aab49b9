/** File names of remote files, as the real 7.2 takes them apart and shows them. */
import assert from 'node:assert/strict'
import type { NamingQuery } from '../../block/driver.ts'
import { BlockError } from '../../util/errors.ts'
import { describeSshName, sshName } from './filename.ts'
import { SSH_LEGACY, type SshOptions } from './options.ts'

function refusal(work: () => unknown): string | undefined {
  try {
    work()
    return undefined
  } catch (error) {
    assert(error instanceof BlockError)
    return error.message
  }
}

describe('names of remote files', () => {
  it('say where the file is, who logs in, and how the server is checked', () => {
    const plain = { host: 'h', port: '22', path: '/x' }
    const cases: readonly [string, Record<string, string>][] = [
      ['ssh://h/x', plain],
      ['ssh://h:0/x', plain],
      ['ssh://@h/x#end', plain],
      ['ssh://h:00077/x', { ...plain, port: '77' }],
      ['ssh://u%6e@h/a%20b', { ...plain, user: 'un', path: '/a b' }],
      ['ssh://u:p@h/x', { ...plain, user: 'u:p' }],
      ['ssh://%68/x', plain],
      ['ssh://[::1]:5/x', { host: '[::1]', port: '5', path: '/x' }],
      ["ssh://h/a'b(c)*!~$&+,=;:@//d", { ...plain, path: "/a'b(c)*!~$&+,=;:@//d" }],
      ['ssh://h/x?host_key_check=n%6f', { ...plain, host_key_check: 'no' }],
      ['ssh://h/x?a;host_key_check=b&=&host%5fkey_check=c=d', { ...plain, host_key_check: 'c=d' }],
      ['ssh://h/x?host_key_check', { ...plain, host_key_check: '' }],
      ['ssh://h/x?user=u', plain],
    ]
    for (const [name, options] of cases) assert.deepEqual(describeSshName(name, []), options, name)
  })

  it('are nothing at all where they are no URI', () => {
    const names = [
      'ssh://h/a b',
      'ssh://h/a%zz',
      'ssh://h/a[b',
      'ssh://h/é',
      'ssh://h/x?a b',
      'ssh://h:x/x',
      'ssh://h:/x',
      'ssh://h:65536/x',
      'ssh://h:1:2/x',
      'ssh://[h:1/x',
      'ssh://a@b@h/x',
    ]
    for (const name of names) assert.deepEqual(describeSshName(name, []), {}, name)
  })

  it('are refused where something is missing, or said twice', () => {
    const cases: readonly [string, readonly string[], string][] = [
      ['nbd://h/x', [], "URI scheme must be 'ssh'"],
      ['ssh:', [], 'missing hostname in URI'],
      ['ssh:///x', [], 'missing hostname in URI'],
      ['ssh://u@:1/x', [], 'missing hostname in URI'],
      ['ssh://h', [], 'missing remote path in URI'],
      ['ssh://h?host_key_check=no', [], 'missing remote path in URI'],
      ['ssh://h/x', ['user'], "Option 'user' cannot be used with a file name"],
      ['', ['server.host'], "Option 'server.host' cannot be used with a file name"],
    ]
    for (const [name, given, text] of cases) {
      assert.equal(
        refusal(() => describeSshName(name, given)),
        text,
      )
    }
    assert.equal(
      refusal(() => describeSshName('ssh://h/x', ['host-key-check.mode'])),
      undefined,
    )
  })

  it('are shown with who is logged in, and with the word of old that was given', () => {
    const query = (about: Partial<NamingQuery<SshOptions>>): NamingQuery<SshOptions> => ({
      given: {},
      options: {
        server: { host: 'h', port: '22' },
        path: '/x',
        user: undefined,
        'host-key-check': { mode: 'none' },
      },
      found: { user: 'u' },
      children: new Map(),
      ...about,
    })
    assert.equal(sshName(query({})), 'ssh://u@h:22/x')
    const given = { host_key_check: 'md5:00' }
    assert.equal(sshName(query({ given })), 'ssh://u@h:22/x?host_key_check=md5:00')
    const { options } = query({})
    const server = { ...options.server, ipv6: false }
    assert.equal(sshName(query({ options: { ...options, server } })), undefined)
  })
})

describe('options of old', () => {
  function translated(options: Record<string, unknown>): Record<string, unknown> {
    const all = new Map(Object.entries(options))
    SSH_LEGACY.translate(all)
    return Object.fromEntries(all)
  }

  it('are put in the words of today', () => {
    const server = { 'server.host': 'h', 'server.port': '22' }
    const hash = (type: string, text: string): Record<string, string> => ({
      'host-key-check.mode': 'hash',
      'host-key-check.type': type,
      'host-key-check.hash': text,
    })
    const cases: readonly [Record<string, unknown>, Record<string, unknown>][] = [
      [{ path: '/x' }, { path: '/x' }],
      [{ host: 'h' }, server],
      [
        { host: 'h', port: 7, 'server.port': '8' },
        { ...server, 'server.port': '7' },
      ],
      [{ host_key_check: 'no' }, { 'host-key-check.mode': 'none' }],
      [{ host_key_check: 'yes' }, { 'host-key-check.mode': 'known_hosts' }],
      [{ host_key_check: 'md5:a:b' }, hash('md5', 'a:b')],
      [{ host_key_check: 'sha1:' }, hash('sha1', '')],
      [{ host_key_check: 'sha256:x' }, hash('sha256', 'x')],
    ]
    for (const [old, now] of cases) assert.deepEqual(translated(old), now)
  })

  it('are refused without a meaning', () => {
    const cases: readonly [Record<string, unknown>, string][] = [
      [{ port: '1' }, 'port may not be used without host'],
      [{ host: 'h', port: 'ssh' }, "Parameter 'port' expects a number"],
      [{ host: 'h', port: '08' }, "Parameter 'port' expects a number"],
      [
        { port: '99999999999999999999' },
        "Value '99999999999999999999' is too large for parameter 'port'",
      ],
      [{ host_key_check: 'maybe' }, 'unknown host_key_check setting (maybe)'],
      [{ host_key_check: 'md5' }, 'unknown host_key_check setting (md5)'],
      [{ host_key_check: true }, 'unknown host_key_check setting (on)'],
    ]
    for (const [old, text] of cases) {
      assert.equal(
        refusal(() => translated(old)),
        text,
      )
    }
  })
})
