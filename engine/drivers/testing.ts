/** What tests of filters share: images made on the simulated host, and edges in short. */
import type { BlockIo, Services } from '../block/driver.ts'
import { testWorld } from '../graph/testing.ts'
import type { SimHost } from '../host/sim/index.ts'
import { requestPaths } from '../io/paths.ts'
import { DRIVERS } from './index.ts'
import { qcow2 } from './qcow2/qcow2.ts'

type World = ReturnType<typeof testWorld>

interface FilterWorld extends World {
  /** Makes a file node over a file of this content. */
  readonly file: (name: string, content: Uint8Array) => Promise<void>
  /** Makes a qcow2 node, over a new image in a file of its name, with the backing node. */
  readonly image: (name: string, about: ImageAbout) => Promise<void>
  /** `uses/shares` of an edge, each as first letters: `rwur`. */
  readonly edge: (parent: string, name: string) => string
}

interface ImageAbout {
  readonly size: number
  readonly backing?: string
  readonly clusterBytes?: number
}

/** In the order of queries. */
const LETTERS: Readonly<Record<string, string>> = {
  resize: 's',
  'write-unchanged': 'u',
  write: 'w',
  'consistent-read': 'r',
}

export function filterWorld(host?: SimHost, services?: Partial<Services>): FilterWorld {
  const world = testWorld(DRIVERS, requestPaths, host, services)
  const { graph, add } = world
  const file = async (name: string, content: Uint8Array): Promise<void> => {
    world.host.files.put(name, content)
    await add({ driver: 'file', 'node-name': name, filename: name })
  }
  return {
    ...world,
    file,
    async image(name, { size, backing, clusterBytes }) {
      const below = `${name}-file`
      const options = { size, 'cluster-size': clusterBytes }
      const store = growing()
      // Making an image needs no more of the outside than a place for warnings.
      const quiet = { log: () => undefined } as unknown as Services
      const storage = { io: store.io, asImage: () => store.io }
      await qcow2.create?.run({ options, file: storage, services: quiet })
      await file(below, store.content())
      await add({
        driver: 'qcow2',
        'node-name': name,
        file: below,
        ...(backing === undefined ? {} : { backing }),
      })
    },
    edge(parent, name) {
      const { nodes, edges } = graph.dump()
      const id = nodes.find((node) => node.name === parent)?.id
      const found = edges.find((edge) => edge.parent === id && edge.name === name)
      const short = (names: readonly string[] = []) => names.map((one) => LETTERS[one]).join('')
      return `${short(found?.perm)}/${short(found?.['shared-perm'])}`
    },
  }
}

/** Bytes that become more when they are written beyond their end. */
function growing(): { readonly io: BlockIo; readonly content: () => Uint8Array } {
  let bytes = new Uint8Array()
  const resize = (length: number): void => {
    const resized = new Uint8Array(length)
    resized.set(bytes.subarray(0, length))
    bytes = resized
  }
  const write = (offset: number, data: Uint8Array): void => {
    resize(Math.max(bytes.length, offset + data.length))
    bytes.set(data, offset)
  }
  const io: BlockIo = {
    length: () => bytes.length,
    read(offset, into) {
      into.fill(0)
      into.set(bytes.subarray(offset, offset + into.length))
    },
    write,
    zero(offset, count) {
      write(offset, new Uint8Array(count))
    },
    discard: () => undefined,
    flush: () => undefined,
    status: (_offset, count) => ({ bytes: count, allocated: true, data: true, zero: false }),
    truncate: resize,
  }
  return { io, content: () => bytes }
}
