/** Images on a simulated host, for tests. */
import { ALL_PERMISSIONS, CONSISTENT_READ, RESIZE, WRITE } from '../../block/permission.ts'
import type { User } from '../../graph/graph.ts'
import { testWorld } from '../../graph/testing.ts'
import { createSimHost } from '../../host/sim/index.ts'
import { requestPaths } from '../../io/paths.ts'
import { PROFILES, type Profile } from '../../profiles/index.ts'
import { run } from '../../util/routine.ts'
import { file } from '../file/file.ts'
import { createImage, type CreateOptions } from './create.ts'
import { qcow2 } from './qcow2.ts'

export interface ImageWorld {
  readonly world: ReturnType<typeof testWorld>
  readonly profile: Profile
  /** Makes an image in a file of this name. */
  create(name: string, options: Partial<CreateOptions> & { readonly size: number }): Promise<void>
  /** Opens it as a node of the same name and attaches a user that may do everything. */
  open(name: string, options?: object): Promise<User>
  close(name: string, user: User): Promise<void>
}

export const NO_CREATE_OPTIONS: Omit<CreateOptions, 'size'> = {
  'data-file-raw': undefined,
  'extended-l2': undefined,
  version: undefined,
  'backing-file': undefined,
  'backing-fmt': undefined,
  'cluster-size': undefined,
  preallocation: undefined,
  'lazy-refcounts': undefined,
  'refcount-bits': undefined,
  'compression-type': undefined,
}

export function imageWorld(seed = 0, profile: Profile = PROFILES.qemu): ImageWorld {
  const world = testWorld([file, qcow2], requestPaths, createSimHost({ seed }), { profile })
  const { graph, host } = world
  const quiet = { log: () => undefined, compression: host.compression }
  const all = { uses: CONSISTENT_READ | WRITE | RESIZE, shares: ALL_PERMISSIONS }
  return {
    world,
    profile,
    async create(name, options) {
      host.files.put(name, new Uint8Array())
      const node = await graph.add({ driver: 'file', 'node-name': 'new', filename: name })
      const user = graph.attach(node, { ...all, writesPastEnd: true })
      try {
        const file = { io: user, asImage: () => user }
        await run(createImage({ ...NO_CREATE_OPTIONS, ...options }, file, quiet))
      } finally {
        await user.close()
        await graph.remove('new')
      }
    },
    async open(name, options = {}) {
      const below = { driver: 'file', filename: name, discard: 'unmap' }
      const node = await graph.add({
        driver: 'qcow2',
        'node-name': name,
        discard: 'unmap',
        backing: null,
        file: below,
        ...options,
      })
      return graph.attach(node, all)
    },
    async close(name, user) {
      await user.close()
      await graph.remove(name)
    },
  }
}

/** Bytes in place of those that an image has there. */
export type Patch = readonly [offset: number, bytes: readonly number[]]

/** An image of a MiB with one written cluster of 64 KiB, and some of its bytes changed. */
export async function damaged(...patches: readonly Patch[]): Promise<ImageWorld> {
  const images = imageWorld()
  await images.create('i', { size: 1 << 20 })
  const user = await images.open('i')
  await user.write(0, new Uint8Array(65536).fill(7))
  await images.close('i', user)
  const { files } = images.world.host
  const content = files.content('i').slice()
  for (const [offset, bytes] of patches) content.set(bytes, offset)
  files.put('i', content)
  return images
}
