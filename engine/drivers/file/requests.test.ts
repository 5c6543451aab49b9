/** Tests of what an open file tells of its data. */
import assert from 'node:assert/strict'
import { FileQueue } from '../../block/file-queue.ts'
import { createSimHost } from '../../host/sim/index.ts'
import { fileRequests } from './requests.ts'

const PAGE = 4096
const NO_FLAGS = {}

/** A file of eight pages, of which the first six have data. */
function world() {
  const { clock, files } = createSimHost()
  files.put('f', new Uint8Array(6 * PAGE).fill(1))
  const file = files.open('f', { write: true })
  file.truncate(8 * PAGE)
  let looks = 0
  const extent = (offset: number) => {
    looks += 1
    return file.extent(offset)
  }
  const requests = fileRequests(
    () => ({ ...file, extent }),
    () => 1,
    new FileQueue(clock),
  )
  const data = (page: number) => {
    const told = requests.status?.(page * PAGE, 8 * PAGE - page * PAGE)
    assert.ok(told !== undefined && 'data' in told)
    return [told.data, told.bytes / PAGE]
  }
  return { requests, data, looks: () => looks }
}

describe('the status of a file', () => {
  it('is looked for once where there are data as far as before', () => {
    const { data, looks } = world()
    assert.deepEqual(
      [data(0), data(2), data(5)],
      [
        [true, 6],
        [true, 4],
        [true, 1],
      ],
    )
    assert.equal(looks(), 1)
    assert.deepEqual(data(6), [false, 2])
  })

  it('counts all as allocated, up to where the data end that were found last', () => {
    const { requests, data } = world()
    const allocated = () => {
      const told = requests.status?.(PAGE, 7 * PAGE, { allocationOnly: true })
      assert.ok(told !== undefined && 'data' in told)
      return [told.allocated, told.bytes / PAGE]
    }
    assert.deepEqual(allocated(), [true, 7])
    data(0)
    assert.deepEqual(allocated(), [true, 5])
  })

  for (const change of ['zero', 'discard'] as const) {
    it(`is looked for again after a ${change}`, () => {
      const { requests, data } = world()
      data(0)
      const flags = { mayUnmap: true }
      if (change === 'zero') void requests.zero?.(2 * PAGE, PAGE, flags)
      else void requests.discard?.(2 * PAGE, PAGE)
      assert.deepEqual(data(0), [true, 2])
    })
  }

  it('stays as it was where the file became shorter, and longer again', () => {
    const { requests, data } = world()
    data(0)
    void requests.truncate?.(3 * PAGE, NO_FLAGS)
    assert.deepEqual(data(1), [true, 5])
    void requests.truncate?.(8 * PAGE, NO_FLAGS)
    assert.deepEqual(
      [data(1), data(6)],
      [
        [true, 5],
        [false, 2],
      ],
    )
  })
})
