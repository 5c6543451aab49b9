/**
 * Normalisers hide what differs from run to run and nothing beside it: for each, a changed
 * neighbour, another type and a missing value are still a difference.
 */
import assert from 'node:assert/strict'
import type { Value } from '../dsl/plan.ts'
import { valueLines } from './layout.ts'
import { MASKS, type Mask, SORTED } from './masks.ts'
import { Normaliser } from './normalise.ts'

function lines(value: Value, of: string): string {
  const normaliser = new Normaliser(['/tmp/b-x'])
  normaliser.addPath('/tmp/b-x/a.img', 'img:a')
  return valueLines(normaliser.value(value, of)).join('\n')
}

/** A value with `leaf` at a mask's path, and a neighbour beside it. */
function build(mask: Mask, leaf: Value | undefined, neighbour: Value = 'same'): Value {
  const parts = mask.path.replaceAll('**', '').split('.')
  const wrap = (index: number): Value => {
    const part = parts[index]
    if (part === undefined) return leaf ?? null
    const list = part.startsWith('[]')
    const name = part.replace('[]', '')
    const last = index === parts.length - 1
    const inner: Value =
      name === ''
        ? wrap(index + 1)
        : last
          ? {
              neighbour,
              ...(mask.where === undefined
                ? {}
                : { [mask.where.member]: mask.where.values[0] ?? '' }),
              ...(leaf === undefined ? {} : { [name]: leaf }),
            }
          : { [name]: wrap(index + 1) }
    return list ? [inner] : inner
  }
  return wrap(0)
}

const SAMPLES: Readonly<Record<Mask['type'], readonly [Value, Value, Value]>> = {
  int: [4711, 12, '4711'],
  number: [0.5, 12, 'half'],
  string: ['one', 'two', 17],
}

describe('masks', () => {
  for (const mask of MASKS) {
    const [one, two, otherType] = SAMPLES[mask.type]
    describe(`${mask.name} of ${mask.of} ${mask.path}`, () => {
      it('hides the value', () => {
        assert.equal(lines(build(mask, one), mask.of), lines(build(mask, two), mask.of))
        assert.match(lines(build(mask, one), mask.of), new RegExp(`<${mask.name}>`))
      })

      it('does not hide its neighbour', () => {
        assert.notEqual(
          lines(build(mask, one, 'same'), mask.of),
          lines(build(mask, one, 'changed'), mask.of),
        )
      })

      it('does not hide another type', () => {
        assert.notEqual(lines(build(mask, one), mask.of), lines(build(mask, otherType), mask.of))
      })

      it('does not hide that the value is missing', () => {
        assert.notEqual(lines(build(mask, one), mask.of), lines(build(mask, undefined), mask.of))
      })

      it('does not reach into other commands', () => {
        assert.notEqual(lines(build(mask, one), 'other'), lines(build(mask, two), 'other'))
      })
    })
  }

  it('of a running job show the progress of a finished one', () => {
    const job = (status: string, progress: number): Value => [
      { id: 'j', status, 'current-progress': progress },
    ]
    assert.equal(lines(job('running', 1), 'query-jobs'), lines(job('running', 2), 'query-jobs'))
    assert.notEqual(
      lines(job('concluded', 1), 'query-jobs'),
      lines(job('concluded', 2), 'query-jobs'),
    )
  })

  it('reach values at any depth below a backing chain', () => {
    const node = (bytes: number): Value => [
      { image: { 'backing-image': { 'backing-image': { 'actual-size': bytes } } } },
    ]
    assert.equal(
      lines(node(1), 'query-named-block-nodes'),
      lines(node(2), 'query-named-block-nodes'),
    )
  })
})

describe('sorted lists', () => {
  for (const rule of SORTED) {
    const at = (items: readonly Value[]): Value => {
      const parts = rule.path.split('.').filter((part) => part !== '')
      const wrap = (index: number): Value => {
        const part = parts[index]
        if (part === undefined) return items
        const name = part.replace('[]', '')
        const inner: Value = name === '' ? wrap(index + 1) : { [name]: wrap(index + 1) }
        return part.startsWith('[]') ? [inner] : inner
      }
      return wrap(0)
    }
    it(`are the same in any order: ${rule.of} ${rule.path}`, () => {
      const [a, b] = [{ [rule.key]: 'a' }, { [rule.key]: 'b' }]
      assert.equal(lines(at([a, b]), rule.of), lines(at([b, a]), rule.of))
    })

    it(`differ when an element does: ${rule.of} ${rule.path}`, () => {
      const [a, b, c] = ['a', 'b', 'c'].map((name) => ({ [rule.key]: name }))
      assert.ok(a !== undefined && b !== undefined && c !== undefined)
      assert.notEqual(lines(at([a, b]), rule.of), lines(at([a, c]), rule.of))
      assert.notEqual(lines(at([a, b]), rule.of), lines(at([a]), rule.of))
      assert.notEqual(lines(at([a, b]), rule.of), lines(at([a, 'b']), rule.of))
    })
  }

  it('keep their order where it means something', () => {
    assert.notEqual(lines([1, 2], 'query-block'), lines([2, 1], 'query-block'))
    assert.notEqual(lines({ children: ['a', 'b'] }, 'x'), lines({ children: ['b', 'a'] }, 'x'))
  })
})

describe('the normaliser path', () => {
  it('shows a file of the case by its name, whole or inside prose', () => {
    const normaliser = new Normaliser(['/tmp/b-x'])
    normaliser.addPath('/tmp/b-x/a.img', 'img:a')
    assert.equal(
      normaliser.prose("Could not open '/tmp/b-x/a.img': x"),
      "Could not open 'img:a': x",
    )
    assert.equal(lines({ file: '/tmp/b-x/a.img' }, 'x').trim(), '{file=img:a}')
  })

  it('does not hide another path, another type or a missing one', () => {
    const known = lines({ file: '/tmp/b-x/a.img', other: 1 }, 'x')
    assert.notEqual(known, lines({ file: '/tmp/b-x/b.img', other: 1 }, 'x'))
    assert.notEqual(known, lines({ file: '/etc/a.img', other: 1 }, 'x'))
    assert.notEqual(known, lines({ file: 7, other: 1 }, 'x'))
    assert.notEqual(known, lines({ other: 1 }, 'x'))
    assert.notEqual(known, lines({ file: '/tmp/b-x/a.img', other: 2 }, 'x'))
  })

  it('is not taken in by the symbol itself', () => {
    assert.notEqual(lines({ file: '/tmp/b-x/a.img' }, 'x'), lines({ file: 'img:a' }, 'x'))
  })
})

describe('the normaliser autoname', () => {
  it('numbers generated names by first appearance', () => {
    const one = lines(['#block123', '#block245', '#block123'], 'x')
    assert.equal(one, lines(['#block199', '#block201', '#block199'], 'x'))
    assert.match(one, /\[#1 #2 #1\]/)
  })

  it('does not hide which name it is, another type, or a missing one', () => {
    const known = lines({ a: '#block123', b: '#block245' }, 'x')
    assert.notEqual(known, lines({ a: '#block123', b: '#block123' }, 'x'))
    assert.notEqual(known, lines({ a: '#block123', b: 'named' }, 'x'))
    assert.notEqual(known, lines({ a: '#block123', b: 245 }, 'x'))
    assert.notEqual(known, lines({ a: '#block123' }, 'x'))
    assert.notEqual(known, lines({ a: '#block123', b: '#1' }, 'x'))
  })
})

describe('the normaliser size', () => {
  it('changes how a number looks and never which one it is', () => {
    assert.match(lines({ len: 65536 }, 'x'), /len=64k/)
    assert.notEqual(lines({ len: 65536 }, 'x'), lines({ len: 65537 }, 'x'))
    assert.notEqual(lines({ len: 65536 }, 'x'), lines({ len: '64k' }, 'x'))
    assert.notEqual(lines({ len: 65536 }, 'x'), lines({}, 'x'))
  })
})

describe('the normaliser shutdown', () => {
  it('leaves out what only says that the target ends, and nothing else', () => {
    const normaliser = new Normaliser(['/tmp/b-x'])
    assert.ok(normaliser.drops('SHUTDOWN'))
    assert.ok(!normaliser.drops('BLOCK_EXPORT_DELETED'))
    assert.deepEqual(normaliser.counts, { shutdown: 1 })
  })
})
