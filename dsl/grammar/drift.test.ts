/** The checked-in parsers are what the grammars say. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { CODES } from '../codes.ts'
import { buildDeclaration, buildParser, GRAMMARS } from './generate.ts'

const read = (file: string) => readFileSync(new URL(file, import.meta.url), 'utf8')

describe('generated parsers', () => {
  for (const name of GRAMMARS) {
    it(`${name} equals a fresh build`, () => {
      assert.equal(read(`${name}.generated.js`), buildParser(name))
    })

    it(`${name} has the declaration that belongs to it`, () => {
      const squeeze = (text: string) => text.replaceAll(/\s+/g, ' ')
      assert.equal(squeeze(read(`${name}.generated.d.ts`)), squeeze(buildDeclaration(name)))
    })

    it(`${name} names its slips by codes that exist`, () => {
      const slips = [...read(`${name}.peggy`).matchAll(/slip\('([a-z-]+)'/g)].map(
        (found) => found[1] ?? '',
      )
      assert.deepEqual(
        slips.filter((code) => !Object.hasOwn(CODES, code)),
        [],
      )
    })
  }
})
