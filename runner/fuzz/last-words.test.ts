/** The last words of a target that died. */
import assert from 'node:assert/strict'
import { lastWords } from './last-words.ts'

const CASES: readonly (readonly [string, string, string])[] = [
  [
    'name the function and the condition of an assertion',
    "warning: x\nprogram: ../../a/b.c:17: some_function: Assertion `a->b == c'' failed.\n",
    "some_function: a->b == c'",
  ],
  [
    'name the function that met an unexpected error',
    'Unexpected error in some_function() at ../../a/b.c:17:\nprogram: It is broken\n',
    'some_function',
  ],
  [
    'name the call on a lock that failed',
    'qemu: qemu_mutex_lock_impl: Operation not permitted\n',
    'qemu_mutex_lock_impl: Operation not permitted',
  ],
  ['are none where nothing of that was written', 'warning: an option is deprecated\n', ''],
]

describe('the last words of a target', () => {
  for (const [title, log, words] of CASES) {
    it(title, () => {
      assert.equal(lastWords(log), words)
    })
  }
})
