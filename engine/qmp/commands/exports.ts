/** Commands about exports and the NBD server. */
import type { Members } from '../../block/option.ts'
import { opt, shape } from '../../block/option.ts'
import { ADDRESS_SHAPES, ADDRESS_TYPE } from '../../block/socket-address.ts'
import type { NbdExportOptions } from '../../exports/exports.ts'
import { hostAddress } from '../../nbd/address.ts'
import { defineCommand, defineUnionCommand } from '../command.ts'
import { BITMAP_REFERENCE } from './bitmaps.ts'

export const SERVER_MEMBERS = {
  'tls-creds': opt.str({ optional: true, doc: 'Refused: TLS is not built yet.' }),
  'tls-authz': opt.str({ optional: true, doc: 'Who may come by TLS: asked of nobody yet.' }),
  'max-connections': opt.uint32({ optional: true, doc: 'Clients at most; 0 means any number.' }),
} as const satisfies Members

const nbdServerStart = defineCommand({
  name: 'nbd-server-start',
  doc: 'Starts the NBD server.',
  args: {
    addr: opt.of<{ readonly type: string; readonly data: Readonly<Record<string, unknown>> }>({
      kind: 'union',
      name: 'SocketAddressLegacy',
      tag: 'type',
      base: { type: ADDRESS_TYPE({ doc: 'Kind of address.' }) },
      variants: Object.fromEntries(
        Object.entries(ADDRESS_SHAPES).map(([type, data]) => [
          type,
          { data: opt.of(data)({ doc: 'The address.' }) },
        ]),
      ),
    })({ doc: 'Where to listen.' }),
    ...SERVER_MEMBERS,
  },
  run: ({ engine }, { addr, ...rest }) =>
    engine.exports.startServer({
      ...rest,
      addr: () => hostAddress({ ...addr.data, type: addr.type }, 'listen'),
    }),
})

const nbdServerStop = defineCommand({
  name: 'nbd-server-stop',
  doc: 'Stops the NBD server and removes its exports.',
  args: {},
  run: ({ engine }) => engine.exports.stopServer(),
})

const EXPORT_TYPE = opt.enum('BlockExportType', ['nbd'])

/** Arguments of `block-export-add`; also what `--export` takes. */
export const EXPORT_OPTIONS = {
  kind: 'union',
  name: 'BlockExportOptions',
  tag: 'type',
  base: {
    type: EXPORT_TYPE({ doc: 'Kind of export.' }),
    id: opt.str({ doc: 'Name of the export.' }),
    'fixed-iothread': opt.bool({ optional: true, doc: 'Keep the thread.' }),
    iothread: opt.str({ optional: true, doc: 'Thread to run in.' }),
    'node-name': opt.str({ doc: 'Node to export.' }),
    writable: opt.bool({ optional: true, doc: 'Whether clients may write.' }),
    writethrough: opt.bool({ optional: true, doc: 'Flush after each write.' }),
  },
  variants: {
    nbd: {
      name: opt.str({ optional: true, doc: 'Name for clients; default the node name.' }),
      description: opt.str({ optional: true, doc: 'Text for clients.' }),
      bitmaps: opt.list(BITMAP_REFERENCE)({ optional: true, doc: 'Dirty bitmaps to show.' }),
      'allocation-depth': opt.bool({ optional: true, doc: 'Show the depth of allocation.' }),
    },
  },
} as const

const blockExportAdd = defineUnionCommand({
  name: 'block-export-add',
  doc: 'Exports a node.',
  args: EXPORT_OPTIONS,
  run: ({ engine }, options) =>
    // The union above has just these members.
    engine.exports.add(options as unknown as NbdExportOptions),
})

const REMOVE_MODE = opt.enum('BlockExportRemoveMode', ['safe', 'hard'])

const nbdServerAdd = defineCommand({
  name: 'nbd-server-add',
  doc: 'Exports a node, under its name as the id. The old form of block-export-add.',
  features: ['deprecated'],
  args: {
    name: opt.str({ optional: true, doc: 'Name for clients; default that of the node.' }),
    description: opt.str({ optional: true, doc: 'Text for clients.' }),
    device: opt.str({ doc: 'Node to export.' }),
    writable: opt.bool({ optional: true, doc: 'Clients may write, if the node takes writes.' }),
    bitmap: opt.str({ optional: true, doc: 'A dirty bitmap to show.' }),
  },
  run({ engine }, { name, description, device, writable = false, bitmap }) {
    const node = engine.graph.findDeviceOrNode(device)
    return engine.exports.add({
      type: 'nbd',
      id: name ?? device,
      'node-name': node.name,
      name: name ?? device,
      description,
      writable: writable && !node.flags.readOnly,
      bitmaps: bitmap === undefined ? undefined : [bitmap],
    })
  },
})

const nbdServerRemove = defineCommand({
  name: 'nbd-server-remove',
  doc: 'Removes an export. The old form of block-export-del.',
  features: ['deprecated'],
  args: {
    name: opt.str({ doc: 'Name of the export.' }),
    mode: REMOVE_MODE({ optional: true, doc: 'What to do while clients are connected.' }),
  },
  run: ({ engine }, { name, mode }) => engine.exports.remove(name, mode ?? 'safe'),
})

const blockExportDel = defineCommand({
  name: 'block-export-del',
  doc: 'Removes an export.',
  args: {
    id: opt.str({ doc: 'Name of the export.' }),
    mode: REMOVE_MODE({
      optional: true,
      doc: 'What to do while clients are connected; default safe: refuse.',
    }),
  },
  run: ({ engine }, { id, mode }) => engine.exports.remove(id, mode ?? 'safe'),
})

const queryBlockExports = defineCommand({
  name: 'query-block-exports',
  doc: 'All exports.',
  args: {},
  returns: shape.list(
    shape.struct('BlockExportInfo', {
      id: opt.str({ doc: 'Name of the export.' }),
      type: EXPORT_TYPE({ doc: 'Kind of export.' }),
      'node-name': opt.str({ doc: 'The exported node.' }),
      'shutting-down': opt.bool({ doc: 'It waits for its last users.' }),
    }),
  ),
  run: ({ engine }) => engine.exports.list(),
})

export const EXPORT_COMMANDS = [
  nbdServerStart,
  nbdServerAdd,
  nbdServerRemove,
  nbdServerStop,
  blockExportAdd,
  blockExportDel,
  queryBlockExports,
] as const
