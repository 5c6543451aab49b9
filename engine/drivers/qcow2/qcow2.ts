/** `qcow2`: a format that grows with its data, over a backing image if it has one. */
import { defineDriver, type Child, type Instance, type OpenContext } from '../../block/driver.ts'
import { CONSISTENT_READ, RESIZE, WRITE, WRITE_UNCHANGED } from '../../block/permission.ts'
import { assert } from '../../util/assert.ts'
import { run, type Routine } from '../../util/routine.ts'
import { CREATE_OPTIONS, checkCreation, createImage, type CreateOptions } from './create.ts'
import { creationOptions, IMAGE_OPTIONS } from './image-options.ts'
import { MAGIC, HEADER } from './header.ts'
import type { Image } from './image.ts'
import { instanceOf } from './instance.ts'
import { openImage } from './open.ts'
import { tolerant } from './storage.ts'
import { OPTIONS, type Qcow2Options } from './options.ts'

export const qcow2 = defineDriver({
  name: 'qcow2',
  kind: 'format',
  doc: 'Images that grow with their data, with backing images, in versions 2 and 3.',
  options: OPTIONS,
  children: {
    file: {
      doc: 'The node that holds the image.',
      role: { data: true, metadata: true, primary: true },
    },
    backing: {
      doc: 'What shows through where the image has nothing; as its header says.',
      role: { cow: true },
      optional: true,
      nullable: true,
    },
    'data-file': {
      doc: 'The node with the data of an image that keeps only its structures in file.',
      role: { data: true },
      optional: true,
      late: true,
    },
  },
  memberOrder: [
    'file',
    'backing',
    'lazy-refcounts',
    'pass-discard-request',
    'pass-discard-snapshot',
    'pass-discard-other',
    'overlap-check',
    'cache-size',
    'l2-cache-size',
    'l2-cache-entry-size',
    'refcount-cache-size',
    'cache-clean-interval',
    'encrypt',
    'data-file',
  ],
  reopenable: [
    'lazy-refcounts',
    'pass-discard-request',
    'pass-discard-snapshot',
    'pass-discard-other',
    'overlap-check',
    'cache-size',
    'l2-cache-size',
    'l2-cache-entry-size',
    'refcount-cache-size',
    'cache-clean-interval',
    'encrypt',
  ],
  claims: ({ role, above, readOnly }) => {
    if (role.cow === true) {
      // Data may change behind the image where whoever uses it can live with that.
      const changes = (above.shares & WRITE) === 0 ? 0 : WRITE | RESIZE
      const shares = CONSISTENT_READ | WRITE_UNCHANGED | changes
      return { uses: above.uses & CONSISTENT_READ, shares }
    }
    if (role.metadata !== true) {
      // Writing may make the data longer; by itself the image asks nothing of it.
      const grows = (above.uses & WRITE) === 0 ? 0 : RESIZE
      return { uses: above.uses | grows, shares: above.shares & ~RESIZE }
    }
    // Its structures belong to it alone.
    const own = (readOnly ? 0 : WRITE | RESIZE) | CONSISTENT_READ
    return { uses: above.uses | own, shares: above.shares & (CONSISTENT_READ | WRITE_UNCHANGED) }
  },
  takesCompressed: true,
  probe: (head) => {
    if (head.length < HEADER.size) return 0
    const { magic, version } = HEADER.decode(head)
    return magic === MAGIC && version >= 2 ? 100 : 0
  },
  imageOptions: IMAGE_OPTIONS,
  startsZeroed: true,
  create: {
    options: CREATE_OPTIONS,
    needsFile: true,
    fromWords: creationOptions,
    check: (options) => {
      // They were checked against this very declaration.
      checkCreation(options as CreateOptions)
    },
    run({ options, file, services }) {
      assert(file !== undefined, 'an image is made in a file')
      // They were checked against this very declaration.
      return run(createImage(options as CreateOptions, file, services))
    },
  },
  open(context) {
    return run(openNode(context))
  },
})

function* openNode(context: OpenContext<Qcow2Options>): Routine<Instance> {
  const { options, node, children, services } = context
  const file = (): Child => {
    const child = children.get('file')
    assert(child !== undefined, 'qcow2 opens with its file attached')
    return child
  }
  const image: Image = yield* openImage({
    file: tolerant(file()),
    openDataFile: () => context.openChild('data-file'),
    options,
    discard: node.flags.discard,
    forCheck: context.forCheck === true,
    around: {
      nodeName: () => node.name,
      writable: () => !node.flags.readOnly,
      log: (line, form) => services.log(line, form),
      corrupted: (about) => node.corrupted(about),
      backing: () => children.get('backing'),
      length: () => node.length(),
      bitmaps: () => services.bitmaps(node.name),
      nowNs: () => services.clock.nowNs(),
      compression: services.compression,
      readsCorrupt: services.profile['corrupt.reads'] === 'allowed',
      rewritesCompressed: services.profile['compressed.rewrite'] === 'replaces',
      keepsCorruptReadOnly: services.profile['corrupt.reopen'] === 'refused',
    },
  })
  return instanceOf(image)
}
