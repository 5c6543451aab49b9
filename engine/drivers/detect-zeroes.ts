/** `detect-zeroes`: a filter that makes zero writes of writes of nothing but zeroes. */
import { defineFilter } from '../block/driver.ts'
import { opt } from '../block/option.ts'
import { isZero } from '../util/bytes.ts'

const OPTIONS = {
  mode: opt.enum('DetectZeroesMode', ['on', 'unmap'])({
    default: 'on',
    doc: 'Whether such a write may also give up the storage.',
  }),
} as const

export const detectZeroes = defineFilter({
  name: 'detect-zeroes',
  when: 'successors',
  doc: 'Makes zero writes of writes of nothing but zeroes.',
  options: OPTIONS,
  strongOptions: [],
  reopenable: ['mode'],
  open(next, { options }) {
    let mayUnmap = options.mode === 'unmap'
    return {
      liveLength: true,
      write: (offset, data, flags) =>
        flags.compressed === true || !isZero(data)
          ? next.write(offset, data, flags)
          : next.zero(offset, data.length, mayUnmap ? { ...flags, mayUnmap } : flags),
      reopen: ({ options: restated }) => ({
        commit() {
          mayUnmap = restated['mode'] === 'unmap'
        },
      }),
    }
  },
})
