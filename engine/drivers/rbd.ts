/**
 * `rbd`: an image of a RADOS cluster, as far as its options go. There is no client of such a cluster
 * here. Whatever a file name could say beyond them, as key-value pairs, is no option.
 */
import { defineDriver } from '../block/driver.ts'
import { opt } from '../block/option.ts'
import { BlockError } from '../util/errors.ts'

export const rbd = defineDriver({
  name: 'rbd',
  when: 'successors',
  kind: 'protocol',
  doc: 'An image of a RADOS cluster.',
  options: {
    pool: opt.str({ doc: 'Pool of the image.' }),
    namespace: opt.str({ optional: true, doc: 'Namespace in the pool.' }),
    image: opt.str({ doc: 'Name of the image.' }),
    conf: opt.str({ optional: true, doc: 'Configuration file.' }),
    snapshot: opt.str({ optional: true, doc: 'Name of a snapshot.' }),
    user: opt.str({ optional: true, doc: 'Name of a user.' }),
    'key-secret': opt.str({ optional: true, doc: 'The secret that has the key.' }),
  },
  children: {},
  open() {
    throw new BlockError("Driver 'rbd' cannot open images: no RADOS client is built yet")
  },
})
