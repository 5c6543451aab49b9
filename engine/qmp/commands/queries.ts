/** Commands that describe nodes. */
import { dirtyBitmapInfo } from '../../bitmap/dirty-bitmap.ts'
import { bitmapsOf } from '../../bitmap/dirty-bitmaps.ts'
import type { Driver } from '../../block/driver.ts'
import { opt, shape } from '../../block/option.ts'
import type { GraphNode, ImageInfo, NodeInfo } from '../../graph/graph.ts'
import type { Command } from '../command.ts'
import { defineCommand } from '../command.ts'
import type { EngineParts } from '../parts.ts'
import {
  BLOCK_GRAPH,
  BLOCK_INFO,
  blockStats,
  DEVICE_INFO,
  GRAPH,
  nodeCounters,
} from '../schema/results.ts'

const queryBlock = defineCommand({
  name: 'query-block',
  when: 'superseded',
  doc: 'Devices with their nodes. There are no devices: storage daemons have none.',
  args: {},
  returns: shape.list(BLOCK_INFO),
  run: () => [],
})

const queryNamedBlockNodes = defineCommand({
  name: 'query-named-block-nodes',
  when: 'superseded',
  doc: 'All nodes, newest first.',
  args: {
    flat: opt.bool({ optional: true, doc: 'Leave out what lies behind each node.' }),
  },
  returns: shape.list(DEVICE_INFO),
  run({ engine: { graph } }, args) {
    const tell = graph.teller()
    return graph
      .nodes()
      .map((node) => deviceInfo(node, tell(node), args.flat === true))
      .toReversed()
  },
})

/** @param flat - Tell nothing of what shows through the node. */
function deviceInfo(
  node: GraphNode,
  info: NodeInfo,
  flat: boolean,
): Readonly<Record<string, unknown>> {
  const bitmaps = bitmapsOf(node)
  return {
    file: info.filename,
    'node-name': info.nodeName,
    ro: info.readOnly,
    drv: info.driver,
    backing_file: info.backingFile,
    backing_file_depth: flat ? 0 : info.backingDepth,
    encrypted: info.encrypted,
    detect_zeroes: info.detectZeroes,
    ...NO_LIMITS,
    image: imageInfo(info.image, flat),
    cache: {
      writeback: info.cache.writeback,
      direct: info.cache.direct,
      'no-flush': info.cache.noFlush,
    },
    write_threshold: BigInt.asIntN(64, info.writeThreshold),
    'dirty-bitmaps': bitmaps.length === 0 ? undefined : bitmaps.map(dirtyBitmapInfo),
  }
}

function imageInfo(image: ImageInfo, flat: boolean): Readonly<Record<string, unknown>> {
  const { instance, backing, header } = image
  return {
    filename: image.filename,
    format: image.format,
    'virtual-size': image.virtualSize,
    'actual-size': instance.allocatedBytes,
    'cluster-size': instance.clusterBytes,
    encrypted: instance.encrypted,
    compressed: instance.compressed,
    'dirty-flag': instance.dirty,
    'backing-filename': header?.filename,
    'full-backing-filename': header?.fullFilename,
    'backing-filename-format': header?.format,
    snapshots: instance.snapshots,
    'format-specific': instance.specific,
    'backing-image': backing === undefined || flat ? undefined : imageInfo(backing, flat),
  }
}

/** Limits belong to devices; throttle nodes do not show theirs here. */
const NO_LIMITS = { bps: 0, bps_rd: 0, bps_wr: 0, iops: 0, iops_rd: 0, iops_wr: 0 }

function queryBlockstats(drivers: readonly Driver[]): Command {
  return defineCommand({
    name: 'query-blockstats',
    doc: 'What was read and written, oldest node first.',
    args: {
      'query-nodes': opt.bool({ optional: true, doc: 'Of all nodes rather than of devices.' }),
    },
    returns: shape.list(blockStats(drivers.map(({ name }) => name))),
    run: ({ engine }, args) =>
      args['query-nodes'] === true
        ? engine.graph.nodes().map((node) => nodeStats(engine, node))
        : [],
  })
}

/** One node with, as QEMU nests them, what lies below it. Backing images are nested for devices only. */
function nodeStats(engine: EngineParts, node: GraphNode): Readonly<Record<string, unknown>> {
  const { writeHighestOffset, driverSpecific } = engine.graph.stats(node)
  const below = engine.graph.primaryChild(node)
  return {
    'node-name': node.name,
    stats: nodeCounters(writeHighestOffset),
    'driver-specific': driverSpecific,
    parent: below === undefined ? undefined : nodeStats(engine, below),
  }
}

const queryGraph = defineCommand({
  name: 'x-debug-query-block-graph',
  doc: 'Nodes and edges with their permissions.',
  features: ['unstable'],
  args: {},
  returns: GRAPH,
  run: ({ engine }) => engine.graph.dump(),
})

const queryChardev = defineCommand({
  name: 'query-chardev',
  doc: 'Character devices, which carry the monitors.',
  args: {},
  returns: shape.list(
    shape.struct('ChardevInfo', {
      label: opt.str({ doc: 'Name of the device.' }),
      filename: opt.str({ doc: 'Where it leads.' }),
      'frontend-open': opt.bool({ doc: 'Something uses it.' }),
    }),
  ),
  run: ({ engine }) =>
    engine.chardevs.map(({ label, filename, frontendOpen }) => ({
      label,
      filename,
      'frontend-open': frontendOpen,
    })),
})

const queryBlockGraph = defineCommand({
  name: 'query-block-graph',
  when: 'successors',
  doc: 'All nodes with the options that would make them again, and who uses which for what.',
  args: {},
  returns: BLOCK_GRAPH,
  run: ({ engine }) => engine.graph.describe(),
})

export function queryCommands(drivers: readonly Driver[]): readonly Command[] {
  return [
    queryBlock,
    queryNamedBlockNodes,
    queryBlockstats(drivers),
    queryBlockGraph,
    queryGraph,
    queryChardev,
  ]
}
