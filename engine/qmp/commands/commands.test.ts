/** Commands, played on an engine: answers as a real QEMU 7.2 gave them. */
import assert from 'node:assert/strict'
import { description, testEngine } from '../testing.ts'

type Step = readonly [command: string, args: object | undefined, answer: string]

const OK = '{"return": {}}'
const LIMITS = { 'qom-type': 'throttle-group', id: 'tg', limits: { 'bps-total': 5 } }

/** Each list is one session; an answer that is an error is given by its text. */
const SESSIONS: Readonly<Record<string, readonly Step[]>> = {
  'a child that is not opened leaves the others as they were': [
    ['blockdev-add', { driver: 'null-co', 'node-name': 'a', 'read-zeroes': true }, OK],
    [
      'blockdev-add',
      {
        driver: 'quorum',
        'node-name': 'q',
        children: ['a', { driver: 'throttle', 'throttle-group': 'nosuch', file: 'a' }],
        'vote-threshold': 1,
      },
      "Throttle group 'nosuch' does not exist",
    ],
    ['blockdev-del', { 'node-name': 'a' }, OK],
  ],
  'resizing looks for the node before it looks at the size': [
    ['block_resize', { size: 1 }, "Cannot find device='' nor node-name=''"],
    [
      'block_resize',
      { 'node-name': 'a', device: 'b', size: 1 },
      "Cannot find device='b' nor node-name='a'",
    ],
    ['block_resize', { size: 'x' }, "Invalid parameter type for 'size', expected: integer"],
    ['blockdev-add', { driver: 'null-co', 'node-name': 'a' }, OK],
    ['block_resize', { 'node-name': 'a', size: -1 }, "Parameter 'size' expects a >0 size"],
    ['block_resize', { 'node-name': 'a', size: 0 }, 'Image format driver does not support resize'],
  ],
  'node options are checked before anything is opened': [
    ['blockdev-add', {}, "Parameter 'driver' is missing"],
    ['blockdev-add', { driver: 'null-co' }, "'node-name' must be specified for the root node"],
    [
      'blockdev-add',
      { driver: 'zz', 'node-name': 1 },
      "Parameter 'driver' does not accept value 'zz'",
    ],
    ['blockdev-add', { driver: 'raw', 'node-name': 'a' }, "Parameter 'file' is missing"],
    [
      'blockdev-add',
      { driver: 'raw', 'node-name': 'a', file: null },
      "Invalid parameter type for 'file', expected: BlockdevRef",
    ],
    [
      'blockdev-add',
      { driver: 'raw', 'node-name': 'a', offset: 'x', file: { driver: 'null-co', z: 1 } },
      "Parameter 'file.z' is unexpected",
    ],
    [
      'blockdev-add',
      { driver: 'quorum', 'node-name': 'a', blkverify: 1, children: 1 },
      "Invalid parameter type for 'blkverify', expected: boolean",
    ],
    [
      'blockdev-add',
      {
        driver: 'quorum',
        'node-name': 'a',
        children: ['x', { driver: 'raw', file: { driver: 'null-co', z: 1 } }],
        'vote-threshold': 1,
      },
      "Parameter 'children[1].file.z' is unexpected",
    ],
    [
      'blockdev-add',
      { driver: 'throttle', 'node-name': 'a' },
      "Parameter 'throttle-group' is missing",
    ],
    ['query-named-block-nodes', undefined, '{"return": []}'],
  ],
  'a child is named by its edge to leave, by its node to come': [
    ['x-blockdev-change', { parent: 'zz' }, "Cannot find device='zz' nor node-name='zz'"],
    ['blockdev-add', { driver: 'null-co', 'node-name': 'a' }, OK],
    ['x-blockdev-change', { parent: 'a' }, 'Either child or node must be specified'],
    [
      'x-blockdev-change',
      { parent: 'a', child: 1 },
      "Invalid parameter type for 'child', expected: string",
    ],
    [
      'x-blockdev-change',
      { parent: 'a', node: null },
      "Invalid parameter type for 'node', expected: string",
    ],
    ['blockdev-del', { 'node-name': 'zz' }, "Failed to find node with node-name='zz'"],
    ['blockdev-del', { 'node-name': 'a' }, OK],
  ],
  'objects come and go by their id': [
    ['object-add', {}, "Parameter 'qom-type' is missing"],
    [
      'object-add',
      { 'qom-type': 'zz', id: 'x' },
      "Parameter 'qom-type' does not accept value 'zz'",
    ],
    [
      'object-add',
      { 'qom-type': 'throttle-group', id: '9x' },
      "Parameter 'id' expects an identifier",
    ],
    [
      'object-add',
      { 'qom-type': 'throttle-group', id: 'x', limits: { zz: 1 } },
      "Parameter 'limits.zz' is unexpected",
    ],
    ['object-add', LIMITS, OK],
    ['object-add', LIMITS, "attempt to add duplicate property 'tg' to object (type 'container')"],
    [
      'blockdev-add',
      { driver: 'throttle', 'node-name': 't', 'throttle-group': 'tg', file: { driver: 'null-co' } },
      OK,
    ],
    ['object-del', { id: 'tg' }, "object 'tg' is in use, can not be deleted"],
    ['blockdev-del', { 'node-name': 't' }, OK],
    ['object-del', { id: 'tg' }, OK],
    ['object-del', { id: 'tg' }, "object 'tg' not found"],
  ],
  'objects are found by path': [
    ['qom-list', { path: '/objects' }, "Device '/objects' not found"],
    ['object-add', LIMITS, OK],
    [
      'qom-list',
      { path: '/objects' },
      '{"return": [{"name": "type", "type": "string"}, {"name": "tg", "type": "child<throttle-group>"}]}',
    ],
    [
      'qom-list',
      { path: '//objects/' },
      '{"return": [{"name": "type", "type": "string"}, {"name": "tg", "type": "child<throttle-group>"}]}',
    ],
    ['qom-list', { path: '' }, "Path '' is ambiguous"],
    ['qom-get', { path: '', property: 'type' }, "Device '' not found"],
    ['qom-get', { path: 'tg', property: 'type' }, '{"return": "throttle-group"}'],
    ['qom-get', { path: 'objects/tg', property: 'x-bps-total' }, '{"return": 5}'],
    ['qom-get', { path: '/objects', property: 'tg' }, '{"return": "/objects/tg"}'],
    ['qom-get', { path: '/objects/zz', property: 'type' }, "Device '/objects/zz' not found"],
    ['qom-get', { path: 'tg', property: 'zz' }, "Property 'throttle-group.zz' not found"],
    [
      'qom-set',
      { path: 'tg', property: 'type', value: 1 },
      "Property 'throttle-group.type' is not writable",
    ],
    [
      'qom-set',
      { path: 'tg', property: 'limits', value: { 'bps-total': '1' } },
      "Invalid parameter type for 'limits.bps-total', expected: integer",
    ],
    ['qom-set', { path: 'tg', property: 'limits', value: { 'bps-total': 7 } }, OK],
    ['qom-get', { path: 'tg', property: 'x-bps-total' }, '{"return": 7}'],
    ['object-add', { 'qom-type': 'throttle-group', id: 'objects' }, OK],
    ['qom-list', { path: 'objects' }, "Path 'objects' is ambiguous"],
    ['qom-get', { path: 'objects', property: 'type' }, "Device 'objects' not found"],
    ['qom-set', { path: 'objects', property: 'type', value: 1 }, "Device 'objects' not found"],
  ],
  'the NBD server and exports are refused in words': [
    ['nbd-server-stop', undefined, 'NBD server not running'],
    [
      'nbd-server-start',
      { addr: { type: 'unix', path: '/s' } },
      "Parameter 'addr.data' is missing",
    ],
    [
      'nbd-server-start',
      { addr: { type: 'unix', data: { path: 1 } } },
      "Invalid parameter type for 'addr.data.path', expected: string",
    ],
    [
      'nbd-server-start',
      { addr: { type: 'inet', data: { host: 'x' } } },
      "Parameter 'addr.data.port' is missing",
    ],
    [
      'nbd-server-start',
      { addr: { type: 'unix', data: { path: '/s' } }, 'max-connections': -1 },
      "Parameter 'max-connections' expects uint32_t",
    ],
    [
      'nbd-server-start',
      { addr: { type: 'unix', data: { path: '/s' } }, 'tls-creds': 'c', 'tls-authz': 'z' },
      "No TLS credentials with id 'c'",
    ],
    ['nbd-server-start', { addr: { type: 'unix', data: { path: '/s' } }, 'tls-authz': 'z' }, OK],
    [
      'nbd-server-start',
      { addr: { type: 'unix', data: { path: '/s' } } },
      'NBD server already running',
    ],
    ['block-export-add', { type: 'zz' }, "Parameter 'type' does not accept value 'zz'"],
    ['block-export-add', { type: 'nbd' }, "Parameter 'id' is missing"],
    [
      'block-export-add',
      { type: 'nbd', id: 'e', 'node-name': 'x', bitmaps: [1] },
      "Invalid parameter type for 'null', expected: BlockDirtyBitmapOrStr",
    ],
    [
      'block-export-add',
      { type: 'nbd', id: 'e', 'node-name': 'x' },
      "Cannot find device='' nor node-name='x'",
    ],
    ['block-export-del', { id: 'x', mode: 'zz' }, "Parameter 'mode' does not accept value 'zz'"],
    ['block-export-del', { id: 'x' }, "Export 'x' is not found"],
    ['blockdev-add', { driver: 'null-co', 'node-name': 'x' }, OK],
    ['block-export-add', { type: 'nbd', id: 'e', 'node-name': 'x' }, OK],
    [
      'query-block-exports',
      undefined,
      '{"return": [{"node-name": "x", "shutting-down": false, "type": "nbd", "id": "e"}]}',
    ],
  ],
  'what does not exist is told as nothing': [
    ['query-block', undefined, '{"return": []}'],
    ['query-blockstats', undefined, '{"return": []}'],
    ['query-jobs', undefined, '{"return": []}'],
    ['query-block-jobs', undefined, '{"return": []}'],
    ['query-block-exports', undefined, '{"return": []}'],
    ['query-chardev', undefined, '{"return": []}'],
  ],
  'a node is told with all its members': [
    ['blockdev-add', { driver: 'null-co', 'node-name': 'a' }, OK],
    [
      'query-named-block-nodes',
      { flat: true },
      '{"return": [{"iops_rd": 0, "detect_zeroes": "off", "image": {"virtual-size": 1073741824, "filename": "null-co://", "format": "null-co", "actual-size": 0}, "iops_wr": 0, "ro": false, "node-name": "a", "backing_file_depth": 0, "drv": "null-co", "iops": 0, "bps_wr": 0, "write_threshold": 0, "encrypted": false, "bps": 0, "bps_rd": 0, "cache": {"no-flush": false, "direct": false, "writeback": true}, "file": "null-co://"}]}',
    ],
    [
      'query-blockstats',
      { 'query-nodes': true },
      '{"return": [{"stats": {"unmap_operations": 0, "unmap_merged": 0, "flush_total_time_ns": 0, "wr_highest_offset": 0, "wr_total_time_ns": 0, "failed_wr_operations": 0, "failed_rd_operations": 0, "wr_merged": 0, "wr_bytes": 0, "timed_stats": [], "failed_unmap_operations": 0, "failed_flush_operations": 0, "account_invalid": false, "rd_total_time_ns": 0, "invalid_unmap_operations": 0, "flush_operations": 0, "wr_operations": 0, "unmap_bytes": 0, "rd_merged": 0, "rd_bytes": 0, "unmap_total_time_ns": 0, "invalid_flush_operations": 0, "account_failed": false, "rd_operations": 0, "invalid_wr_operations": 0, "invalid_rd_operations": 0}, "node-name": "a"}]}',
    ],
    [
      'x-debug-query-block-graph',
      undefined,
      '{"return": {"edges": [], "nodes": [{"name": "a", "type": "block-driver", "id": 1}]}}',
    ],
  ],
}

/** Marks as they are set, and as queries show them. */
const MARKS: readonly (readonly [set: string, shown: string])[] = [
  ['9007199254740993', '9007199254740993'],
  ['9223372036854775807', '9223372036854775807'],
  ['9223372036854775808', '-9223372036854775808'],
  ['-1', '-1'],
]

describe('write thresholds', () => {
  for (const [set, shown] of MARKS) {
    it(`of ${set} are shown as ${shown}`, async () => {
      const client = await testEngine().monitor()
      await client.run('blockdev-add', { driver: 'null-co', 'node-name': 'a' })
      await client.send(
        `{"execute":"block-set-write-threshold","arguments":{"node-name":"a","write-threshold":${set}}}`,
      )
      const [nodes] = await client.run('query-named-block-nodes')
      assert.equal(/"write_threshold": (-?[0-9]+)/.exec(nodes ?? '')?.[1], shown)
    })
  }
})

describe('commands', () => {
  for (const [title, steps] of Object.entries(SESSIONS)) {
    it(title, async () => {
      const client = await testEngine().monitor()
      for (const [command, args, answer] of steps) {
        const lines = await client.run(command, args)
        assert.equal(description(lines.at(-1)), answer, `${command} ${JSON.stringify(args)}`)
      }
    })
  }

  it('deletes the exports before it answers quit', async () => {
    const client = await testEngine().monitor()
    await client.run('nbd-server-start', { addr: { type: 'unix', data: { path: '/s' } } })
    await client.run('blockdev-add', { driver: 'null-co', 'node-name': 'x' })
    await client.run('block-export-add', { type: 'nbd', id: 'e', 'node-name': 'x' })
    const lines = await client.run('quit')
    assert.match(lines[0] ?? '', /"event": "BLOCK_EXPORT_DELETED", "data": \{"id": "e"\}\}$/)
    assert.equal(lines[1], OK)
  })

  it('are listed by name, each once', async () => {
    const { engine, monitor } = testEngine()
    const [line] = await (await monitor()).run('query-commands')
    const { return: listed } = JSON.parse(line ?? '') as { return: { name: string }[] }
    assert.deepEqual(
      listed.map(({ name }) => name),
      [...engine.commands.keys()].toReversed(),
    )
    assert.equal(new Set(listed.map(({ name }) => name)).size, listed.length)
  })
})
