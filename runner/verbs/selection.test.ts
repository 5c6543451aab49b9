/** Tests of tag expressions, globs and other small parts of a selection. */
import assert from 'node:assert/strict'
import { availableParallelism } from 'node:os'
import { globTest } from './glob.ts'
import { bareId, chooseFiles } from './choose-files.ts'
import { parseJobs } from './selection-flags.ts'
import { fragmentReader, upward } from './suite-files.ts'
import { parseTags } from './tag-expression.ts'
import { testShell, type TestShell } from './test-shell.ts'

describe('a tag expression', () => {
  const holds = (text: string, ...tags: string[]) => parseTags(text)(new Set(tags))

  it('binds not before and before or', () => {
    assert.equal(holds('a or b and not c', 'a', 'c'), true)
    assert.equal(holds('a or b and not c', 'b', 'c'), false)
    assert.equal(holds('(a or b) and not c', 'a', 'c'), false)
  })

  for (const text of ['', 'and', 'a b', '(a', 'a)', 'not', 'a or', '('.repeat(5000)]) {
    it(`is refused when it is ${JSON.stringify(text.slice(0, 20))}`, () => {
      assert.throws(() => parseTags(text), { name: 'CommandError' })
    })
  }
})

describe('a glob', () => {
  it('keeps a star inside one segment', () => {
    assert.equal(globTest('quorum/*')('quorum/vote'), true)
    assert.equal(globTest('quorum/*')('quorum/a/b'), false)
    assert.equal(globTest('**/b')('quorum/a/b'), true)
    assert.equal(globTest('QUO-?')('QUO-1'), true)
    assert.equal(globTest('QUO-?')('QUO-11'), false)
  })

  it('takes every other character for itself', () => {
    assert.equal(globTest('a.b[c=(d)]*')('a.b[c=(d)]e'), true)
    assert.equal(globTest('a.b')('axb'), false)
  })
})

describe('the choice of files', () => {
  let shell: TestShell
  before(() => {
    shell = testShell({
      'scenarios/quorum/vote.yaml': '',
      'scenarios/quorum/voters.yaml': '',
      'scenarios/raw/window.yaml': '',
      'scenarios/.hidden/x.yaml': '',
      'scenarios/clauses.yaml': '',
      'scenarios/raw/notes.txt': '',
      'other/loose.yaml': '',
      'secret.yaml': 'secret',
    })
  })
  after(() => {
    shell.remove()
  })

  const ids = (...words: string[]) => chooseFiles(words, shell.folder).files.map(({ id }) => id)

  it('takes every scenario when no word is given', () => {
    assert.deepEqual(ids(), ['quorum/vote', 'quorum/voters', 'raw/window'])
  })

  it('takes ids, areas, globs, paths and ids with a case', () => {
    assert.deepEqual(ids('quorum/vote'), ['quorum/vote'])
    assert.deepEqual(ids('quorum'), ['quorum/vote', 'quorum/voters'])
    assert.deepEqual(ids('*/v*'), ['quorum/vote', 'quorum/voters'])
    assert.deepEqual(ids('scenarios/raw'), ['raw/window'])
    assert.deepEqual(ids('./scenarios/raw/window.yaml'), ['raw/window'])
    assert.deepEqual(ids(`${shell.folder}/scenarios/raw/window.yaml`), ['raw/window'])
    assert.deepEqual(ids('quorum/vote[mode=fifo]'), ['quorum/vote'])
  })

  it('takes a file outside any suite for a suite of its own', () => {
    assert.deepEqual(
      chooseFiles(['./other/loose.yaml'], shell.folder).files.map(({ id }) => id),
      ['loose'],
    )
  })

  it('keeps the case of an id apart from its scenario', () => {
    const { caseTests } = chooseFiles(['quorum/vote[mode=fifo]'], shell.folder)
    assert.deepEqual(
      ['quorum/vote[mode=fifo]', 'quorum/vote[mode=quorum]', 'quorum/voters'].map((id) =>
        caseTests.some((test) => test(id)),
      ),
      [true, false, false],
    )
    assert.equal(bareId('a/b[c=d]'), 'a/b')
  })

  it('never reads a fragment outside the suite', () => {
    const root = upward(shell.folder)
    assert.ok(root)
    const read = fragmentReader(root)
    assert.equal(read('../secret.yaml'), undefined)
    assert.equal(read(`${shell.folder}/secret.yaml`), undefined)
    assert.equal(read('raw/window.yaml'), '')
  })
})

describe('the number of jobs', () => {
  it('is a count, a share of the processors, or all of them', () => {
    assert.equal(parseJobs('3'), 3)
    assert.equal(parseJobs('auto'), availableParallelism())
    assert.equal(parseJobs('1%'), 1)
    assert.equal(parseJobs('200%'), 2 * availableParallelism())
  })
})
