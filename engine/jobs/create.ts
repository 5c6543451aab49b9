/** `blockdev-create`: makes an image, by what its driver declares. */
import type { Creation, Services } from '../block/driver.ts'
import type { Graph, NodeOptions } from '../graph/graph.ts'
import { wait } from '../util/routine.ts'
import { defineJob, type JobControl } from './kind.ts'
import type { JobRoutine } from './strand.ts'

export interface CreateArgs {
  readonly creation: Creation
  /** The driver's own options, checked. */
  readonly options: Readonly<Record<string, unknown>>
  readonly graph: Graph
  readonly services: Services
}

export const create = defineJob<CreateArgs>({
  type: 'create',
  isBlockJob: false,
  open: (args) => ({
    *run(job) {
      job.setRemaining(1)
      // However that ends, it is done.
      try {
        yield* make(args, job)
      } finally {
        job.advance(1)
      }
    },
  }),
})

function* make(
  { creation, options, graph, services }: CreateArgs,
  job: JobControl,
): JobRoutine<void> {
  const { file, ...own } = options
  if (!creation.needsFile) {
    const about = { options: own, file: undefined, services }
    if (creation.isWaitedFor === true) yield* wait(creation.run(about))
    else yield* job.request(() => creation.run(about))
    return
  }
  // By its schema it is a name or the options of a node.
  const held =
    typeof file === 'string' ? undefined : yield* job.request(() => graph.open(file as NodeOptions))
  try {
    const node = held?.node ?? graph.findDeviceOrNode(file as string)
    creation.check?.(own)
    const storage = graph.attachNewImage(node)
    try {
      yield* job.request(() => creation.run({ options: own, file: storage, services }))
    } finally {
      yield* wait(storage.close())
    }
  } finally {
    if (held !== undefined) yield* wait(held.release())
  }
}
