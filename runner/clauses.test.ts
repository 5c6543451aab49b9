/** Tests of the table of clauses: its sections, and what is wrong with one. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Clause, ClauseTableError, loadClauses } from './clauses.ts'

const ONE = 'QUO-1:\n  profiles: [qemu]\n  sentence: one.\n'

describe('the table of clauses', () => {
  let folder = ''
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'b-clauses-'))
  })
  after(() => {
    rmSync(folder, { recursive: true, force: true })
  })

  function load(text: string): readonly Clause[] {
    const path = join(folder, 'clauses.yaml')
    writeFileSync(path, text)
    return [...loadClauses(path).values()]
  }

  it('puts a clause into the section that its letters name', () => {
    const [one, ...rest] = load(`sections:\n  QUO: Quorum\n${ONE}`)
    assert.equal(one?.section, 'Quorum')
    assert.deepEqual(rest, [])
  })

  it('has the letters where a section has no title', () => {
    assert.equal(load(ONE)[0]?.section, 'QUO')
  })

  it('refuses sections that are no titles', () => {
    assert.throws(() => load(`sections: [Quorum]\n${ONE}`), ClauseTableError)
    assert.throws(() => load(`sections:\n  QUO: 1\n${ONE}`), /'sections' must be a map of titles/)
  })

  it('knows the switches that make a clause differ, none unless said', () => {
    assert.deepEqual(load(ONE)[0]?.switches, [])
    assert.deepEqual(load(`${ONE}  switches: [quorum.holes]\n`)[0]?.switches, ['quorum.holes'])
    assert.throws(() => load(`${ONE}  switches: quorum.holes\n`), /'switches' must be a list/)
    assert.throws(() => load(`${ONE}  apart: [1]\n`), /'apart' must be a reason/)
  })
})
