/** Commands that change how one node is watched or run, and none of its edges. */
import { opt } from '../../block/option.ts'
import { setWriteThreshold } from '../../io/write-threshold.ts'
import { BlockError } from '../../util/errors.ts'
import { defineCommand } from '../command.ts'
import { findObject } from '../object-tree.ts'
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
  doc: 'Moves a node to a thread, with all that it hangs together with.',
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
  async run({ engine }, { 'node-name': name, iothread, force = false }) {
    const node = engine.graph.find(name)
    if (!force && engine.graph.hasRootUser(node)) {
      throw new BlockError(
        `Node ${name} is associated with a BlockBackend and could be in use ` +
          '(use force=true to override this check)',
      )
    }
    const home = iothread === null ? undefined : findObject(iothreadType.name, iothread, engine)
    if (iothread !== null && home === undefined) {
      throw new BlockError(`Cannot find iothread ${iothread}`)
    }
    await engine.graph.moveHome(node, home?.path)
  },
})

export const NODE_COMMANDS = [blockSetWriteThreshold, xBlockdevSetIothread] as const
