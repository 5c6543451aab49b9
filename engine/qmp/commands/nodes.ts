/** Commands that change how one node is watched or run, and none of its edges. */
import { opt } from '../../block/option.ts'
import { setWriteThreshold } from '../../io/write-threshold.ts'
import { BlockError } from '../../util/errors.ts'
import { defineCommand } from '../command.ts'
import { hasObject } from '../object-tree.ts'
import { iothreadType } from '../object-kinds/iothread.ts'

const blockSetWriteThreshold = defineCommand({
  name: 'block-set-write-threshold',
  doc: 'Asks for one event when a write first reaches past a mark.',
  args: {
    'node-name': opt.str({ doc: 'Node to watch.' }),
    'write-threshold': opt.uint64Exact({ doc: 'The mark, in bytes; 0 removes it.' }),
  },
  run({ engine }, { 'node-name': name, 'write-threshold': threshold }) {
    const node = engine.graph.findOrUndefined(name)
    if (node === undefined) throw new BlockError(`Device '${name}' not found`)
    setWriteThreshold(node, threshold, (event, data) => {
      engine.events.emit(event, data)
    })
  },
})

const xBlockdevSetIothread = defineCommand({
  name: 'x-blockdev-set-iothread',
  doc: 'Moves a node to a thread. All threads are one here, so that only the names are checked.',
  features: ['unstable'],
  args: {
    'node-name': opt.str({ doc: 'Node to move.' }),
    iothread: opt.of<string | null>({
      kind: 'alternate',
      name: 'StrOrNull',
      branches: [{ kind: 'str' }, { kind: 'null' }],
    })({ doc: 'The thread; null: the main one.' }),
    force: opt.bool({ optional: true, doc: 'Also where something uses the node.' }),
  },
  run({ engine }, { 'node-name': name, iothread, force = false }) {
    const node = engine.graph.find(name)
    if (!force && engine.graph.hasRootUser(node)) {
      throw new BlockError(
        `Node ${name} is associated with a BlockBackend and could be in use ` +
          '(use force=true to override this check)',
      )
    }
    if (iothread !== null && !hasObject(iothreadType.name, iothread, engine)) {
      throw new BlockError(`Cannot find iothread ${iothread}`)
    }
  },
})

export const NODE_COMMANDS = [blockSetWriteThreshold, xBlockdevSetIothread] as const
