/** Tests of the table of clauses: its sections, and what is wrong with one. */
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Clause, ClauseTableError, loadClauses } from './clauses.ts'
import { packageRoot } from './places.ts'

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

describe('a clause that only a test sees', () => {
  it('names a test that there is, and that is not skipped', () => {
    const root = packageRoot()
    const titles = ['engine', 'dsl', 'runner'].flatMap((folder) => titlesBelow(join(root, folder)))
    const table = loadClauses(join(root, 'scenarios', 'clauses.yaml'))
    const lost = [...table.values()].filter(
      ({ seenBy }) => seenBy !== undefined && !titles.includes(seenBy),
    )
    assert.deepEqual(
      lost.map(({ id, seenBy }) => `${id}: ${String(seenBy)}`),
      [],
    )
  })
})

/** Titles of tests that are neither skipped nor made up while they run. */
function titlesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.test.ts'))
    .flatMap((path) => [
      ...readFileSync(join(folder, path), 'utf8').matchAll(/^ *it\(\s*(['"])(.*)\1,/gm),
    ])
    .map(([, , title = '']) => title)
}

describe('the table of paragraphs', () => {
  const root = packageRoot()
  const table = loadClauses(join(root, 'scenarios', 'clauses.yaml'))
  const rows = readFileSync(join(root, 'scenarios', 'README.md'), 'utf8')
    .split('## From the design note')[1]
    ?.split('\n\nWhat the note leaves open')[0]
    ?.split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .filter(([, , clauses = '']) => /^[A-Z]+-\d/.test(clauses))
    .map(([, , clauses = '', scenarios = '', code = '']) => ({
      clauses: clauses.split(', ').flatMap(idsOf),
      scenarios: quoted(scenarios),
      code: quoted(code),
    }))

  it('has every clause that is about the note', () => {
    const here = new Set(rows?.flatMap(({ clauses }) => clauses))
    // What no paragraph asks for: permissions, jobs, policies and inputs that kill, as 7.2 has them.
    const beside = /^(PERM|JOB|POL|KILL)-/
    const lost = [...table.keys()].filter((id) => !here.has(id) && !beside.test(id))
    assert.deepEqual(lost, [])
    assert.deepEqual(
      [...here].filter((id) => !table.has(id)),
      [],
    )
  })

  it('names a scenario or a test for each clause, but for what is not here yet', () => {
    const unseen = ['DEP-16', 'DRV-6']
    const lost = (rows ?? []).flatMap(({ clauses, scenarios }) => {
      const shown = new Set(scenarios.flatMap(clausesOf))
      return clauses.filter((id) => !shown.has(id) && table.get(id)?.seenBy === undefined)
    })
    assert.deepEqual(lost, unseen)
  })

  it('names scenarios that speak of the clauses, and code that there is', () => {
    for (const { clauses, scenarios, code } of rows ?? []) {
      for (const id of scenarios) {
        const text = readFileSync(join(root, 'scenarios', `${id}.yaml`), 'utf8')
        const named: readonly string[] = text.match(/[A-Z]+-\d+/g) ?? []
        assert.ok(
          clauses.some((clause) => named.includes(clause)),
          `${id} names none of ${clauses.join(', ')}`,
        )
      }
      for (const path of code) assert.ok(existsSync(join(root, 'engine', path)), path)
      assert.ok(code.length > 0)
    }
  })
})

/** Those of `spec` and `refuses`, which lie above the tags. */
function clausesOf(scenario: string): readonly string[] {
  const text = readFileSync(join(packageRoot(), 'scenarios', `${scenario}.yaml`), 'utf8')
  return text.slice(0, text.indexOf('\ntags:')).match(/[A-Z]+-\d+/g) ?? []
}

/** `QUO-2…3` means both ends and all between. */
function idsOf(text: string): readonly string[] {
  const [, letters = '', first = '', last = first] = /^([A-Z]+)-(\d+)(?:…(\d+))?$/.exec(text) ?? []
  const count = Number(last) - Number(first) + 1
  return Array.from({ length: count }, (_, index) => `${letters}-${String(Number(first) + index)}`)
}

function quoted(text: string): readonly string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, word = '']) => word)
}
