/** External snapshots: `blockdev-snapshot`, `blockdev-snapshot-sync`, and both as actions. */
import type { Values } from '../../block/option.ts'
import { opt } from '../../block/option.ts'
import type { GraphChanges, GraphNode, HeldNode } from '../../graph/graph.ts'
import { BlockError } from '../../util/errors.ts'
import { runActions, type ActionScope, type PreparedAction } from '../actions.ts'
import type { Command } from '../command.ts'
import { defineCommand } from '../command.ts'
import type { EngineParts } from '../parts.ts'
import { NEW_IMAGE_MODE } from '../schema/jobs.ts'

export const SNAPSHOT = {
  node: opt.str({ doc: 'The node that becomes the backing image.' }),
  overlay: opt.str({ doc: 'The node that is put above it; it has no backing image yet.' }),
} as const

export const SNAPSHOT_SYNC = {
  device: opt.str({ optional: true, doc: 'Name of a device; there are none.' }),
  'node-name': opt.str({ optional: true, doc: 'The node that becomes the backing image.' }),
  'snapshot-file': opt.str({ doc: 'The image of the overlay.' }),
  'snapshot-node-name': opt.str({ optional: true, doc: 'Name of the node of the overlay.' }),
  format: opt.str({ optional: true, doc: 'Its format; qcow2.' }),
  mode: NEW_IMAGE_MODE({
    optional: true,
    doc: 'Whether the image is there already; by default it is made.',
  }),
} as const

export async function prepareSnapshot(
  { graph }: EngineParts,
  { node: name, overlay: overlayName }: Values<typeof SNAPSHOT>,
  scope: ActionScope,
): Promise<PreparedAction> {
  const node = graph.findDeviceOrNode(name)
  await beginSnapshot(graph, scope, { node, shownName: name })
  const overlay = graph.findDeviceOrNode(overlayName)
  return put(graph, scope, node, { node: overlay, release: graph.hold(overlay) })
}

export async function prepareSnapshotSync(
  { graph }: EngineParts,
  args: Values<typeof SNAPSHOT_SYNC>,
  scope: ActionScope,
): Promise<PreparedAction> {
  const { device, format = 'qcow2', mode } = args
  const node = findOld(graph, args)
  await beginSnapshot(graph, scope, { node, shownName: device ?? '(null)' })
  const name = args['snapshot-node-name']
  if (args['node-name'] !== undefined && name === undefined) {
    throw new BlockError('New overlay node-name missing')
  }
  if (name !== undefined && graph.findOrUndefined(name) !== undefined) {
    throw new BlockError('New overlay node-name already in use')
  }
  const filename = args['snapshot-file']
  if (mode !== 'existing') {
    const backing = { filename: graph.filename(node), format: node.driver.name }
    await scope.graph.createImage({ filename, format, size: BigInt(node.length()), backing })
  }
  const image = { filename, format, name, noBacking: true }
  return put(graph, scope, node, await scope.graph.openImage(node, image))
}

function findOld(graph: EngineParts['graph'], args: Values<typeof SNAPSHOT_SYNC>): GraphNode {
  return graph.findNamed(args['node-name'] ?? '', args.device)
}

/** What holds for both: nobody writes any more, and all that was written is stored. */
async function beginSnapshot(
  graph: EngineParts['graph'],
  scope: ActionScope,
  { node, shownName }: { readonly node: GraphNode; readonly shownName: string },
): Promise<void> {
  await scope.drain(node)
  if (!graph.hasMedium(node)) throw new BlockError(`Device '${shownName}' has no medium`)
  graph.checkOperation(node, 'external-snapshot')
  if (node.flags.readOnly) return
  try {
    await graph.flush(node)
  } catch (error) {
    if (error instanceof BlockError) throw new BlockError('An IO error has occurred')
    throw error
  }
}

async function put(
  graph: EngineParts['graph'],
  { graph: changes }: ActionScope,
  node: GraphNode,
  overlay: HeldNode,
): Promise<PreparedAction> {
  // While it is undone nobody may be left who uses the node.
  const release = graph.hold(node)
  const clean = async (): Promise<void> => {
    await overlay.release()
    await release()
  }
  try {
    await changes.putOverlay(node, overlay.node)
  } catch (error) {
    await clean()
    throw error
  }
  return {
    commit: () => makeReadOnly(changes, node),
    async abort() {
      await changes.setBacking(overlay.node, undefined)
      await changes.replaceNode(overlay.node, node)
    },
    clean,
  }
}

async function makeReadOnly(graph: GraphChanges, node: GraphNode): Promise<void> {
  try {
    await graph.setReadOnly(node, true)
  } catch (error) {
    // Somebody still writes to it: it stays as it is, and nobody is told.
    if (!(error instanceof BlockError)) throw error
  }
}

const blockdevSnapshot = defineCommand({
  name: 'blockdev-snapshot',
  doc: 'Puts an overlay above a node, which is only read from then on.',
  features: ['allow-write-only-overlay'],
  args: SNAPSHOT,
  run: ({ engine }, args) => runActions(engine, [(scope) => prepareSnapshot(engine, args, scope)]),
})

const blockdevSnapshotSync = defineCommand({
  name: 'blockdev-snapshot-sync',
  when: 'legacyCommands',
  doc: 'The same with an image that is made for it.',
  args: SNAPSHOT_SYNC,
  run: ({ engine }, args) =>
    runActions(engine, [(scope) => prepareSnapshotSync(engine, args, scope)]),
})

export const SNAPSHOT_COMMANDS: readonly Command[] = [blockdevSnapshot, blockdevSnapshotSync]
