/** The commands that change the graph, each when nobody else's drained section forbids it. */
import { changeBackingFile } from './change-backing.ts'
import { changeChild } from './change-child.ts'
import type { Environment } from './environment.ts'
import type { DrainedSection, GraphChanges } from './graph.ts'
import { removeNode } from './lifecycle.ts'
import { addFilename, addNode } from './open.ts'
import { innerNode } from './public-node.ts'
import { reopenNodes } from './reopen.ts'
import { resizeNode } from './resize.ts'

/** @param within - The drained section of whoever makes these changes. */
export function graphChanges(environment: Environment, within?: DrainedSection): GraphChanges {
  const change = <T>(work: () => Promise<T>): Promise<T> => environment.lock.change(work, within)
  return {
    add: (options) => change(() => addNode(environment, options)),
    addFilename: (filename, about) => change(() => addFilename(environment, filename, about)),
    remove: (name) => change(() => removeNode(environment, name)),
    changeChild: (about) => change(() => changeChild(environment, about)),
    reopen: (list) => change(() => reopenNodes(environment, list)),
    changeBackingFile: (about) => change(() => changeBackingFile(environment, about)),
    resize: (node, bytes) => change(() => resizeNode(environment, innerNode(node), bytes)),
  }
}
