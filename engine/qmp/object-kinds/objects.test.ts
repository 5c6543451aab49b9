/** Threads and secrets as objects: what 7.2 says when they are made, read and set. */
import assert from 'node:assert/strict'
import { description, testEngine } from '../testing.ts'

type Case = readonly [command: string, args: unknown, text: string]

async function play(cases: readonly Case[]): Promise<void> {
  const monitor = await testEngine().monitor()
  for (const [command, args, expected] of cases) {
    const line = (await monitor.run(command, args)).at(-1)
    assert.equal(description(line), expected, `${command} ${JSON.stringify(args)}`)
  }
}

const OK = '{"return": {}}'
const thread = (id: string, more = {}): unknown => ({ 'qom-type': 'iothread', id, ...more })
const secret = (id: string, more = {}): unknown => ({ 'qom-type': 'secret', id, ...more })
const at = (id: string, property: string, value?: unknown): unknown => ({
  path: `/objects/${id}`,
  property,
  ...(value === undefined ? {} : { value }),
})
const RANGE = 'value must be in range [0, 9223372036854775807]'
const THREADS = 'bad thread-pool-min/thread-pool-max values'

describe('iothreads', () => {
  it('check what they are given', () =>
    play([
      ['object-add', thread('t', { 'poll-max-ns': -5 }), `poll-max-ns ${RANGE}`],
      ['object-add', thread('t', { 'poll-grow': -5, 'poll-shrink': -1 }), `poll-shrink ${RANGE}`],
      ['object-add', thread('t', { 'thread-pool-min': 65 }), THREADS],
      ['object-add', thread('t', { 'thread-pool-max': 0 }), THREADS],
      ['object-add', thread('t', { 'thread-pool-min': 64 }), OK],
      ['object-add', thread('t', { 'thread-pool-max': 0 }), duplicate('t')],
      ['qom-get', at('t', 'poll-max-ns'), '{"return": 32768}'],
      ['qom-get', at('t', 'nope'), "Property 'iothread.nope' not found"],
    ]))

  it('keep a value that does not fit the others', () =>
    play([
      ['object-add', thread('t', { 'thread-pool-min': 64 }), OK],
      ['qom-set', at('t', 'thread-pool-max', 5), THREADS],
      ['qom-get', at('t', 'thread-pool-max'), '{"return": 5}'],
      ['qom-set', at('t', 'aio-max-batch', 7), THREADS],
      ['qom-set', at('t', 'poll-max-ns', 7), OK],
      ['qom-set', at('t', 'poll-max-ns', -7), `poll-max-ns ${RANGE}`],
    ]))

  it('are found by exports', () =>
    play([
      ['blockdev-add', { driver: 'null-co', 'node-name': 'a' }, OK],
      ['object-add', thread('t'), OK],
      ['object-add', secret('s', { data: 'x' }), OK],
      ['block-export-add', nbd('s'), 'iothread "s" not found'],
      ['block-export-add', nbd('t'), 'NBD server not running'],
      ['block-export-add', nbd('objects/t/'), 'NBD server not running'],
      ['block-export-add', nbd('/objects//t'), 'NBD server not running'],
      ['block-export-add', nbd('objects'), 'iothread "objects" not found'],
    ]))

  it('are meant by an empty name where there is one only', () =>
    play([
      ['blockdev-add', { driver: 'null-co', 'node-name': 'a' }, OK],
      ['x-blockdev-set-iothread', { 'node-name': 'a', iothread: '' }, 'Cannot find iothread '],
      ['object-add', thread('t'), OK],
      ['x-blockdev-set-iothread', { 'node-name': 'a', iothread: '' }, OK],
      ['object-add', thread('u'), OK],
      ['x-blockdev-set-iothread', { 'node-name': 'a', iothread: '' }, 'Cannot find iothread '],
    ]))
})

function nbd(iothread: string): unknown {
  return { type: 'nbd', id: 'e', 'node-name': 'a', iothread }
}

function duplicate(id: string): string {
  return `attempt to add duplicate property '${id}' to object (type 'container')`
}

describe('secrets', () => {
  it('check what they are given', () =>
    play([
      ['object-add', secret('s'), "Either 'file' or 'data' must be provided"],
      [
        'object-add',
        secret('s', { file: '/x', data: 'a' }),
        "'file' and 'data' are mutually exclusive",
      ],
      [
        'object-add',
        secret('s', { data: 'a', loaded: true }),
        "Property 'secret.loaded' is not writable",
      ],
      [
        'object-add',
        secret('s', { file: '/none' }),
        'Unable to read /none: Failed to open file \u201C/none\u201D: No such file or directory',
      ],
      [
        'object-add',
        secret('s', { data: 'Y W', format: 'base64' }),
        'Base64 data contains invalid characters',
      ],
      ['object-add', secret('s', { data: 'a', keyid: 'k' }), "No secret with id 'k'"],
      ['object-add', secret('k', { data: 'short' }), OK],
      ['object-add', secret('s', { data: 'a', keyid: 'k' }), 'Key should be 32 bytes in length'],
      ['object-add', secret('k'), duplicate('k')],
      ['object-add', secret('s', { data: 'a', keyid: 's' }), "Secret with id 's' has no data"],
      ['object-add', secret('s', { data: 'a' }), OK],
    ]))

  it('show what they were made of', () =>
    play([
      ['object-add', secret('s', { data: 'abc' }), OK],
      ['qom-get', at('s', 'data'), '{"return": "abc"}'],
      ['qom-get', at('s', 'file'), '{"return": ""}'],
      ['qom-get', at('s', 'loaded'), '{"return": true}'],
      ['qom-set', at('s', 'loaded', true), "Property 'secret.loaded' is not writable"],
      ['qom-set', at('s', 'format', 'base64'), OK],
      ['qom-get', at('s', 'format'), '{"return": "base64"}'],
    ]))
})

describe('throttle groups', () => {
  it('hear of a taken name before their short forms are held against each other', () =>
    play([
      ['object-add', thread('g'), OK],
      ['object-add', group('g', { 'x-iops-size': 3 }), duplicate('g')],
      ['object-add', group('g', { 'x-iops-size': -3 }), 'Property values cannot be negative'],
      [
        'object-add',
        group('g', { limits: { 'iops-size': 3 } }),
        'iops size requires an iops value to be set',
      ],
    ]))

  it('refuse what is settled whatever the value', () =>
    play([
      ['object-add', group('g'), OK],
      ['qom-set', at('g', 'x-iops-size', {}), 'Property cannot be set after initialization'],
      ['qom-set', at('g', 'limits', 3), "Invalid parameter type for 'limits', expected: object"],
    ]))
})

function group(id: string, more = {}): unknown {
  return { 'qom-type': 'throttle-group', id, ...more }
}

describe('the container of objects', () => {
  it('comes into being when something is to be deleted from it', () =>
    play([
      ['qom-list', { path: '/objects' }, "Device '/objects' not found"],
      ['object-del', { id: 's' }, "object 's' not found"],
      ['qom-list', { path: '/objects' }, '{"return": [{"name": "type", "type": "string"}]}'],
    ]))

  it('has objects that are not what somebody looks for there', () =>
    play([
      ['object-add', { 'qom-type': 'secret', id: 's', data: 'd' }, OK],
      [
        'blockdev-add',
        { driver: 'file', 'node-name': 'n', filename: '/f', 'pr-manager': 's' },
        "Object with id 's' is not a persistent reservation manager",
      ],
      [
        'nbd-server-start',
        { addr: { type: 'unix', data: { path: '/s' } }, 'tls-creds': 's' },
        "Object with id 's' is not TLS credentials",
      ],
    ]))

  const LOOKS: readonly (readonly [command: string, args: object, refusal: string])[] = [
    [
      'blockdev-add',
      { driver: 'file', 'node-name': 'n', filename: '/f', 'pr-manager': 'x' },
      "No persistent reservation manager with id 'x'",
    ],
    [
      'blockdev-add',
      { driver: 'nbd', 'node-name': 'n', server: { type: 'unix', path: '/s' }, 'tls-creds': 'x' },
      "No TLS credentials with id 'x'",
    ],
    [
      'nbd-server-start',
      { addr: { type: 'unix', data: { path: '/s' } }, 'tls-creds': 'x' },
      "No TLS credentials with id 'x'",
    ],
  ]
  for (const [command, args, refusal] of LOOKS) {
    it(`comes into being when ${command} looks into it: ${refusal}`, () =>
      play([
        [command, args, refusal],
        ['qom-get', { path: 'objects', property: 'x' }, "Property 'container.x' not found"],
      ]))
  }

  it('does not come into being for throttle groups and threads that are missing', () =>
    play([
      [
        'blockdev-add',
        {
          driver: 'throttle',
          'node-name': 't',
          'throttle-group': 'x',
          file: { driver: 'null-co' },
        },
        "Throttle group 'x' does not exist",
      ],
      ['blockdev-add', { driver: 'null-co', 'node-name': 'n' }, OK],
      ['x-blockdev-set-iothread', { 'node-name': 'n', iothread: 'x' }, 'Cannot find iothread x'],
      ['qom-get', { path: 'objects', property: 'x' }, "Device 'objects' not found"],
    ]))
})

describe('types of objects', () => {
  it('are kinds of others', () =>
    play([
      [
        'qom-list-types',
        { implements: 'event-loop-base', abstract: true },
        '{"return": [{"name": "iothread", "parent": "event-loop-base"}, ' +
          '{"abstract": true, "name": "event-loop-base", "parent": "object"}]}',
      ],
      ['qom-list-types', { implements: 'nope' }, '{"return": []}'],
    ]))

  it('have properties', () =>
    play([
      [
        'qom-list-properties',
        { typename: 'event-loop-base' },
        '{"return": [{"name": "type", "type": "string"}, ' +
          '{"name": "thread-pool-min", "type": "int"}, ' +
          '{"name": "aio-max-batch", "type": "int"}, {"name": "thread-pool-max", "type": "int"}]}',
      ],
      ['qom-list-properties', { typename: 'nope' }, "Class 'nope' not found"],
      [
        'qom-list-properties',
        { typename: 'user-creatable' },
        "Parameter 'typename' expects a QOM type",
      ],
    ]))
})
