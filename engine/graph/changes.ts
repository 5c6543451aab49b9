/** The commands that change the graph, each when nobody else's drained section forbids it. */
import {
  dropIntermediate,
  setBacking,
  setReadOnly,
  takePlace,
  writeBacking,
} from './chain-changes.ts'
import { addFilename, addNode, openHeld } from './add.ts'
import { refreshClaims } from './claims.ts'
import { changeBackingFile } from './change-backing.ts'
import { changeChild } from './change-child.ts'
import { createImage } from './create-image.ts'
import { beginDrained } from './drain.ts'
import type { Environment } from './environment.ts'
import type { DrainedSection, GraphChanges } from './graph.ts'
import { moveHome } from './home.ts'
import { dropFilter, insertFilter } from './insert-filter.ts'
import { removeNode } from './lifecycle.ts'
import { openBackingOf } from './open.ts'
import { openImage } from './open-image.ts'
import { putOverlay } from './overlay.ts'
import { innerNode } from './public-node.ts'
import { reopenNodes, reopenUndoably } from './reopen.ts'
import { replaceNode } from './replace-node.ts'
import { Transaction } from './transaction.ts'
import { resizeNode } from './resize.ts'

/** @param within - The drained section of whoever makes these changes. */
export function graphChanges(environment: Environment, within?: DrainedSection): GraphChanges {
  const change = <T>(work: () => Promise<T>): Promise<T> => environment.lock.change(work, within)
  return {
    add: (options) => change(() => addNode(environment, options)),
    open: (options) => change(() => openHeld(environment, options)),
    addFilename: (filename, about) => change(() => addFilename(environment, filename, about)),
    remove: (name) => change(() => removeNode(environment, name)),
    changeChild: (about) => change(() => changeChild(environment, about)),
    reopen: (list) => change(() => reopenNodes(environment, list)),
    reopenUndoably: async (list) => {
      const done = await change(() => reopenUndoably(environment, list))
      return { undo: () => change(() => done.undo()), release: () => change(() => done.release()) }
    },
    changeBackingFile: (about) => change(() => changeBackingFile(environment, about)),
    insertFilter: (about) => change(() => insertFilter(environment, about)),
    dropFilter: (filter) => change(() => dropFilter(environment, innerNode(filter))),
    replaceNode: (node, next) =>
      change(async () => {
        await using _drained = await beginDrained(innerNode(node))
        replaceNode(innerNode(node), innerNode(next))
      }),
    createImage: (about) => change(() => createImage(environment, about)),
    openImage: (node, about) => change(() => openImage(environment, innerNode(node), about)),
    putOverlay: (node, overlay) => change(() => putOverlay(innerNode(node), innerNode(overlay))),
    dropIntermediate: (about) => change(() => dropIntermediate(environment, about)),
    takePlace: (about) => change(() => takePlace(environment, about)),
    settleClaims: (node) =>
      change(() => {
        Transaction.run((transaction) => {
          refreshClaims([innerNode(node)], transaction)
        })
        return Promise.resolve()
      }),
    openBacking: (node) => change(() => openBackingOf(environment, innerNode(node))),
    setBacking: (node, backing) =>
      change(() => setBacking(environment, innerNode(node), backing && innerNode(backing))),
    writeBacking: (node, hint) => change(() => writeBacking(innerNode(node), hint)),
    setReadOnly: (node, readOnly) =>
      change(() => setReadOnly(environment, innerNode(node), readOnly)),
    moveHome: (node, home) => change(() => moveHome(innerNode(node), home)),
    resize: (node, bytes) => change(() => resizeNode(environment, innerNode(node), bytes)),
  }
}
