/** Tests of walks down chains. */
import assert from 'node:assert/strict'
import { DRIVERS } from '../drivers/index.ts'
import { requestPaths } from '../io/paths.ts'
import {
  chainContains,
  chainNext,
  filterOrCowChild,
  findBase,
  findOverlay,
  skipFilters,
  skipImplicit,
} from './chain.ts'
import { overlay, overlayImage, testWorld } from './testing.ts'

/** `over`, a filter, over `top`, whose backing is `between`, a filter over `base`. */
async function chain() {
  const { host, add, graph } = testWorld([...DRIVERS, overlay], requestPaths)
  host.files.put('t', overlayImage())
  host.files.put('b', overlayImage())
  const image = (name: string, filename: string, more: object = {}) => ({
    driver: 'overlay',
    'node-name': name,
    file: { driver: 'file', filename },
    ...more,
  })
  await add(
    image('base', 'b', { 'read-only': true }),
    { driver: 'blkdebug', 'node-name': 'between', image: 'base', 'read-only': true },
    image('top', 't', { backing: 'between' }),
    { driver: 'blkdebug', 'node-name': 'over', image: 'top' },
  )
  const find = (name: string) => graph.find(name)
  return { over: find('over'), top: find('top'), between: find('between'), base: find('base') }
}

describe('a chain', () => {
  it('goes through filters and backing images', async () => {
    const { over, top, between, base } = await chain()
    assert.deepEqual(
      [over, top, between, base].map((node) => filterOrCowChild(node)?.name),
      ['top', 'between', 'base', undefined],
    )
  })

  it('has images only, where filters are skipped', async () => {
    const { over, top, between, base } = await chain()
    assert.deepEqual([skipFilters(over), skipFilters(between), skipFilters(top)], [top, base, top])
    assert.deepEqual([chainNext(over), chainNext(top), chainNext(base)], [base, base, undefined])
  })

  it('keeps filters that a client asked for, where only implicit ones are skipped', async () => {
    const { over } = await chain()
    assert.equal(skipImplicit(over), over)
  })

  it('ends at its base, above which is an overlay', async () => {
    const { over, top, between, base } = await chain()
    assert.equal(findBase(over), base)
    assert.equal(findOverlay(over, between), top)
    assert.equal(findOverlay(base, top), undefined)
  })

  it('contains what it leads to, and nothing else', async () => {
    const { over, top, base } = await chain()
    assert.deepEqual(
      [chainContains(over, base), chainContains(base, over), chainContains(top, top)],
      [true, false, true],
    )
  })
})
