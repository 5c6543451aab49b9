/** Commands that change the graph. */
import type { Driver } from '../../block/driver.ts'
import { opt } from '../../block/option.ts'
import type { NodeOptions } from '../../graph/graph.ts'
import { BlockError } from '../../util/errors.ts'
import type { Command } from '../command.ts'
import { defineCommand, defineUnionCommand } from '../command.ts'
import { blockdevOptions } from '../schema/blockdev.ts'

function blockdevAdd(drivers: readonly Driver[]): Command {
  return defineUnionCommand({
    name: 'blockdev-add',
    doc: 'Creates a node, and the nodes nested in its options.',
    args: blockdevOptions(drivers),
    async run({ engine }, options) {
      await engine.graph.add(options)
    },
  })
}

/** Also of the action of a transaction. */
export function reopenMembers(drivers: readonly Driver[]) {
  return {
    options: opt.list<NodeOptions>(blockdevOptions(drivers))({
      doc: 'All options of each node; what is left out goes back to its default.',
    }),
  } as const
}

function blockdevReopen(drivers: readonly Driver[]): Command {
  return defineCommand({
    name: 'blockdev-reopen',
    doc: 'Gives nodes restated options, all of a list or none.',
    args: reopenMembers(drivers),
    run: ({ engine }, { options }) => engine.graph.reopen(options),
  })
}

const blockdevDel = defineCommand({
  name: 'blockdev-del',
  doc: 'Deletes a node that blockdev-add created and nobody uses.',
  args: { 'node-name': opt.str({ doc: 'Name of the node.' }) },
  run: ({ engine }, args) => engine.graph.remove(args['node-name']),
})

const xBlockdevChange = defineCommand({
  name: 'x-blockdev-change',
  unless: 'quorum.explicitNames',
  doc: 'Adds a child to a node or takes one away.',
  features: ['unstable'],
  args: {
    parent: opt.str({ doc: 'The node whose children change.' }),
    child: opt.str({ optional: true, doc: 'Name of the edge to remove.' }),
    node: opt.str({ optional: true, doc: 'Name of the node to add.' }),
  },
  run: ({ engine }, { parent, child, node }) =>
    engine.graph.changeChild({
      parent,
      ...(child === undefined ? {} : { child }),
      ...(node === undefined ? {} : { node }),
    }),
})

const namedBlockdevChange = defineCommand({
  name: 'x-blockdev-change',
  when: 'quorum.explicitNames',
  doc: 'Makes a node the child of that name, or takes the child away. blockdev-reopen does it better.',
  features: ['deprecated', 'unstable'],
  args: {
    parent: opt.str({ doc: 'The node whose children change.' }),
    child: opt.str({ doc: 'Name of the edge: an existing one, or a free place of a list.' }),
    node: opt.of<string | null>({
      kind: 'alternate',
      name: 'StrOrNull',
      branches: [{ kind: 'str' }, { kind: 'null' }],
    })({ doc: 'Name of the child, null for none.' }),
  },
  run: ({ engine }, change) => engine.graph.changeChild(change),
})

const blockResize = defineCommand({
  name: 'block_resize',
  doc: 'Resizes a node while it is in use.',
  args: {
    device: opt.str({
      optional: true,
      when: 'legacyCommands',
      doc: 'Name of a device; there are none.',
    }),
    'node-name': opt.str({ optional: true, doc: 'Name of the node.' }),
    size: opt.intExact({ doc: 'New virtual disk size in bytes.' }),
  },
  async run({ engine }, { device = '', 'node-name': nodeName = '', size }) {
    // A device that does not exist is no error beside a node that does.
    const node = engine.graph.findNamed(nodeName, device)
    // QEMU says ">0" and takes 0. We keep both.
    if (size < 0) throw new BlockError("Parameter 'size' expects a >0 size")
    await engine.graph.resize(node, size)
  },
})

const changeBackingFile = defineCommand({
  name: 'change-backing-file',
  doc: 'Writes another backing image into the header of an image; what is open stays.',
  args: {
    device: opt.str({ doc: 'The node at the top of the chain.' }),
    'image-node-name': opt.str({ doc: 'The node of the image whose header changes.' }),
    'backing-file': opt.str({ doc: 'The name to write, empty for none.' }),
  },
  run: ({ engine }, args) =>
    engine.graph.changeBackingFile({
      device: args.device,
      image: args['image-node-name'],
      backingFile: args['backing-file'],
    }),
})

export function blockdevCommands(drivers: readonly Driver[]): readonly Command[] {
  return [
    blockdevAdd(drivers),
    blockdevReopen(drivers),
    blockdevDel,
    xBlockdevChange,
    namedBlockdevChange,
    blockResize,
    changeBackingFile,
  ]
}
