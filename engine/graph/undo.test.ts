/** Tests that a refused command leaves no trace. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { DRIVERS } from '../drivers/index.ts'
import { requestPaths } from '../io/paths.ts'
import { BlockError } from '../util/errors.ts'
import { overlay, overlayImage, testWorld } from './testing.ts'

const name = fc.constantFrom('a', 'b', 'c', 'd', 'e')
const flags = fc.record(
  {
    'node-name': name,
    'read-only': fc.boolean(),
    'force-share': fc.boolean(),
    'detect-zeroes': fc.constantFrom('on', 'unmap'),
  },
  { requiredKeys: [] },
)

const { node } = fc.letrec<{ node: Record<string, unknown>; reference: unknown }>((tie) => ({
  reference: fc.oneof(
    { maxDepth: 3 },
    { weight: 3, arbitrary: name },
    { weight: 1, arbitrary: tie('node') },
  ),
  node: fc
    .tuple(
      flags,
      fc.oneof(
        fc.record({ driver: fc.constant('null-co'), size: fc.constantFrom(-1, 512, 1024) }),
        fc.record({ driver: fc.constant('file'), filename: fc.constantFrom('f', 'missing') }),
        fc.record(
          {
            driver: fc.constant('raw'),
            file: tie('reference'),
            size: fc.constantFrom(-1, 1, 512),
            offset: fc.constantFrom(0, 512),
          },
          { requiredKeys: ['driver', 'file'] },
        ),
        fc.record(
          {
            driver: fc.constant('overlay'),
            file: fc.oneof(
              fc.constantFrom('base', 'top').map((filename) => ({ driver: 'file', filename })),
              name,
            ),
            backing: fc.oneof(fc.constant(null), tie('reference')),
            tint: fc.constantFrom(1, 2),
          },
          { requiredKeys: ['driver', 'file'] },
        ),
        fc.record(
          {
            driver: fc.constant('quorum'),
            'vote-threshold': fc.constantFrom(0, 1, 1, 2),
            children: fc.array(tie('reference'), { maxLength: 3 }),
            'rewrite-corrupted': fc.boolean(),
          },
          { requiredKeys: ['driver', 'vote-threshold', 'children'] },
        ),
      ),
    )
    .map(([generic, own]) => ({ ...generic, ...own })),
}))

const change = fc.record(
  { parent: name, child: fc.constantFrom('file', 'children.0', 'children.1'), node: name },
  { requiredKeys: ['parent'] },
)

const reopened = fc.array(
  fc.tuple(node, name).map(([options, which]) => ({ ...options, 'node-name': which })),
  { maxLength: 3 },
)

type World = ReturnType<typeof testWorld>

const command: fc.Arbitrary<(world: World) => unknown> = fc.oneof(
  {
    weight: 5,
    arbitrary: node.map(
      (options) =>
        ({ graph }: World) =>
          graph.add(options),
    ),
  },
  {
    weight: 1,
    arbitrary: name.map(
      (which) =>
        ({ graph }: World) =>
          graph.remove(which),
    ),
  },
  {
    weight: 2,
    arbitrary: change.map(
      (about) =>
        ({ graph }: World) =>
          graph.changeChild(about),
    ),
  },
  {
    weight: 1,
    arbitrary: name.map(
      (which) =>
        ({ graph }: World) =>
          graph.resize(graph.find(which), 1024),
    ),
  },
  {
    weight: 1,
    arbitrary: name.map(
      (which) =>
        ({ writer }: World) =>
          writer(which),
    ),
  },
  {
    weight: 5,
    arbitrary: reopened.map(
      (list) =>
        ({ graph }: World) =>
          graph.reopen(list),
    ),
  },
  {
    weight: 1,
    arbitrary: fc
      .record({ device: name, image: name, backingFile: fc.constantFrom('', 'base') })
      .map(
        (change) =>
          ({ graph }: World) =>
            graph.changeBackingFile(change),
      ),
  },
)

describe('a refused command', () => {
  it('leaves the graph, its permissions and all that queries tell as they were', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { minLength: 5, maxLength: 25 }), async (commands) => {
        const world = testWorld([...DRIVERS, overlay], requestPaths)
        world.host.files.put('f', new Uint8Array(1024))
        world.host.files.put('base', overlayImage())
        world.host.files.put('top', overlayImage('base'))
        for (const run of commands) {
          const before = world.snapshot()
          try {
            await run(world)
          } catch (error) {
            if (!(error instanceof BlockError)) throw error
            assert.deepEqual(world.snapshot(), before)
          }
        }
      }),
      { numRuns: 150 },
    )
  })
})
