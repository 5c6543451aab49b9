/** Sequences: the same from the same seed, and about what is there. */
import assert from 'node:assert/strict'
import { text } from '../json.ts'
import { Generator } from './generator.ts'
import { Random } from './random.ts'
import { drawSequence, engineSchema } from './testing.ts'
import { showStep } from './step.ts'
import { withFlaw } from './flaws.ts'

describe('seeded choices', () => {
  it('are the same from the same seeds', () => {
    const draw = (): number[] => {
      const random = new Random(7, 3)
      return Array.from({ length: 20 }, () => random.below(1000))
    }
    assert.deepEqual(draw(), draw())
  })

  it('differ between neighbouring indexes', () => {
    const firsts = Array.from({ length: 50 }, (_, index) => new Random(1, index).below(1 << 30))
    assert.equal(new Set(firsts).size, firsts.length)
  })

  it('follow their weights', () => {
    const random = new Random(5)
    const drawn = Array.from({ length: 1000 }, () =>
      random.weighted(['often', 'never'], (word) => (word === 'often' ? 1 : 0)),
    )
    assert.deepEqual([...new Set(drawn)], ['often'])
  })

  it('shuffle without losing anything', () => {
    assert.deepEqual(new Random(1).shuffled([1, 2, 3, 4]).sort(), [1, 2, 3, 4])
  })
})

describe('a drawn sequence', () => {
  it('is the same from the same seed and index', async () => {
    const [one, two] = [await drawSequence(11, 4), await drawSequence(11, 4)]
    assert.deepEqual(one.steps, two.steps)
  })

  it('is another one from another index', async () => {
    const [one, two] = [await drawSequence(11, 4), await drawSequence(11, 5)]
    assert.notDeepEqual(one.steps, two.steps)
  })

  it('ends with a look at nodes unless it quits', async () => {
    const { steps } = await drawSequence(11, 4, 6)
    assert.ok(steps.slice(6).every(({ kind }) => kind === 'content'))
  })
})

describe('a mirror that is pending', () => {
  it('comes to its end before what was to be done', async () => {
    const schema = await engineSchema()
    const verbs = /^(?:block-)?job-|^query-(?:block-)?jobs/
    const others: string[] = []
    for (let seed = 0; seed < 300; seed += 1) {
      const generator = new Generator({ schema, seed, index: 0, steps: 10 })
      // Often something that another step needs first.
      generator.next()
      const jobs = [{ id: 'j', type: 'mirror', status: 'pending' }]
      generator.state.see({ graph: {}, named: [], exports: [], jobs, blockJobs: [] })
      const step = generator.next()
      if (step?.kind === 'qmp' && !verbs.test(step.command)) others.push(step.command)
    }
    assert.ok(others.length < 30, others.join(' '))
  })
})

/** Nodes that steps can name. */
function seeNodes(generator: Generator): void {
  const nodes = ['alpha', 'beta'].map((name, id) => ({ id, type: 'block-driver', name }))
  generator.state.see({
    graph: { nodes, edges: [] },
    named: nodes.map(({ name }) => ({
      'node-name': name,
      drv: 'raw',
      ro: false,
      file: 'x',
      image: { 'virtual-size': 512 },
    })),
    exports: [],
    jobs: [],
    blockJobs: [],
  })
}

/** Commands whose member `node-name` is a node that must exist. */
const NAMING = new Set(['block_resize', 'blockdev-del', 'block-set-write-threshold'])

describe('names in steps', () => {
  async function namesDrawn(): Promise<readonly string[]> {
    const generator = new Generator({
      schema: await engineSchema(),
      seed: 3,
      index: 0,
      steps: 10_000,
    })
    seeNodes(generator)
    const names: string[] = []
    for (let count = 0; count < 10_000; count += 1) {
      const step = generator.next()
      if (step?.kind !== 'qmp' || !NAMING.has(step.command)) continue
      const name = text(step.args?.['node-name'])
      if (name !== undefined) names.push(name)
    }
    return names
  }

  it('are mostly those of nodes that exist', async () => {
    const names = await namesDrawn()
    const existing = names.filter((name) => name === 'alpha' || name === 'beta')
    assert.ok(existing.length > names.length * 0.8, `${existing.length} of ${names.length}`)
  })

  it('are now and then those of none', async () => {
    assert.ok((await namesDrawn()).includes('nosuch'))
  })
})

describe('the turns of commands', () => {
  it('come to each command that is built', async () => {
    const schema = await engineSchema()
    const generator = new Generator({ schema, seed: 1, index: 0, steps: 4000 })
    const seen = new Set<string>()
    for (let count = 0; count < 4000; count += 1) {
      const step = generator.next()
      if (step?.kind === 'qmp') seen.add(step.command)
    }
    const missing = schema.commands().filter((name) => name !== 'quit' && !seen.has(name))
    assert.deepEqual(missing, [])
  })
})

describe('members that are not drawn', () => {
  it('are never given, not within actions either', async () => {
    const [owner, member] = ['block-dirty-bitmap-add', 'persistent']
    const given = async (undrawn: readonly string[]): Promise<readonly string[]> => {
      const schema = await engineSchema()
      const generator = new Generator({
        schema,
        seed: 1,
        index: 0,
        steps: 60_000,
        undrawn: new Set(undrawn),
      })
      seeNodes(generator)
      const places = new Set<string>()
      for (let count = 0; count < 60_000; count += 1) {
        const step = generator.next()
        if (step?.kind === 'qmp' && showStep(step).includes(member)) places.add(step.command)
      }
      return [...places].sort()
    }
    assert.deepEqual(await given([]), [owner, 'transaction'])
    assert.deepEqual(await given([`${owner}.${member}`]), [])
  })
})

describe('a member that is given once', () => {
  it('does not come again in the same sequence', async () => {
    const schema = await engineSchema()
    const steps = 2000
    const generator = new Generator({ schema, seed: 1, index: 0, steps })
    let given = 0
    for (let count = 0; count < steps; count += 1) {
      const step = generator.next()
      if (step?.kind === 'qmp' && showStep(step).includes('pr-manager')) given += 1
    }
    assert.equal(given, 1)
  })
})

describe('a flaw', () => {
  it('always changes the arguments', () => {
    const random = new Random(1)
    const args = { a: { b: [1] }, c: 'x' }
    for (let count = 0; count < 200; count += 1) {
      assert.notDeepEqual(withFlaw(random, args), args)
    }
  })

  it('gives a command without arguments one', () => {
    assert.ok('bogus' in withFlaw(new Random(1), undefined))
  })
})
