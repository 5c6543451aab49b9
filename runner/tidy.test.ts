/**
 * The house rules that no other tool checks: how files look, which words code uses, and that lists
 * that must agree do agree.
 */
import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { join, relative } from 'node:path'
import { jsonSchema } from './language.ts'

const ROOT = join(import.meta.dirname, '..')

function filesBelow(folder: string, suffix: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(suffix))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
    .toSorted()
}

const SOURCES = ['engine', 'dsl', 'runner', 'bench'].flatMap((folder) => filesBelow(folder, '.ts'))
const HAND_WRITTEN = SOURCES.filter((file) => !file.includes('.generated.'))

function read(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8')
}

/** Lists the places where a check finds something, so that one failure names them all. */
function offences(
  files: readonly string[],
  check: (line: string, file: string) => boolean,
): string[] {
  return files.flatMap((file) =>
    read(file)
      .split('\n')
      .flatMap((line, index) =>
        check(line, file) ? [`${file}:${index + 1}: ${line.trim()}`] : [],
      ),
  )
}

describe('the source tree', () => {
  it('has a doc comment at the top of every source file', () => {
    const bare = HAND_WRITTEN.filter((file) => !/^(#!.*\n)?\/\*\*/.test(read(file)))
    assert.deepEqual(bare, [])
  })

  it('has no tabs, trailing blanks or control characters', () => {
    const control = (line: string): boolean =>
      Array.from(line).some((letter) => letter < ' ') || /\s$/.test(line)
    assert.deepEqual(offences(HAND_WRITTEN, control), [])
  })

  it('keeps byte access in one place', () => {
    const others = HAND_WRITTEN.filter(
      (file) =>
        file.startsWith('engine/') &&
        !file.startsWith('engine/util/struct') &&
        !file.endsWith('.test.ts'),
    )
    assert.deepEqual(
      offences(others, (line) => /\.read(Big)?U?Int\d+[BL]E\(|new DataView\(/.test(line)),
      [],
    )
  })

  it('uses the words of the glossary and not their synonyms', () => {
    const banned = /\b(master|slave|bs|blk|hd)\b/
    const engine = HAND_WRITTEN.filter(
      (file) => file.startsWith('engine/') && !file.endsWith('.test.ts'),
    )
    const code = (line: string): string =>
      line.replace(/'(\\.|[^'\\])*'|"(\\.|[^"\\])*"|`[^`]*`|\/\/.*|^\s*\/?\*.*/g, '')
    assert.deepEqual(
      offences(engine, (line) => banned.test(code(line))),
      [],
    )
  })

  it('leaves no unmarked work behind', () => {
    const marker = new RegExp(['TO', 'DO|FIX', 'ME|X', 'XX'].join(''))
    assert.deepEqual(
      offences(HAND_WRITTEN, (line) => marker.test(line)),
      [],
    )
  })
})

describe('scenarios and goldens', () => {
  it('carry the JSON Schema that editors read as the language has it', () => {
    const kept: unknown = JSON.parse(read('scenarios/scenario-1.schema.json'))
    assert.deepEqual(
      kept,
      jsonSchema(),
      'write it with: blockspec schema -o scenarios/scenario-1.schema.json',
    )
  })

  it('mirror each other', () => {
    const scenarios = filesBelow('scenarios', '.yaml')
      .filter((file) => /^scenario:/m.test(read(file)))
      .map((file) => file.replace(/^scenarios\//, '').replace(/\.yaml$/, ''))
    const goldens = filesBelow('golden', '.golden').map((file) =>
      file.replace(/^golden\//, '').replace(/(\.note|\.note-transition)?\.golden$/, ''),
    )
    const orphans = goldens.filter((id) => !scenarios.includes(id))
    assert.deepEqual(orphans, [])
    const silent = scenarios.filter(
      (id) => !goldens.includes(id) && !/^golden: false/m.test(read(`scenarios/${id}.yaml`)),
    )
    assert.deepEqual(silent, [])
  })
})
