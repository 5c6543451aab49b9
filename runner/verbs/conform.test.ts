/** `blockspec conform` as it is called: what it refuses, what it writes, and how it ends. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { testShell, type TestShell } from './test-shell.ts'

const SCENARIO = `scenario: 1
title: a node is there
spec: [QUO-1]
profile: [qemu, note]
tags: [quick]
golden: false
nodes:
  n: { driver: null-co, size: 1M }
steps:
  - qmp: query-named-block-nodes
    return: [{ node-name: n }]
`

const CLAUSES = `sections:
  QUO: Quorum
QUO-1:
  profiles: [qemu, note]
  level: must
  sentence: a node is there.
QUO-2:
  profiles: [note]
  level: may
  sentence: nothing shows it.
`

describe('blockspec conform', () => {
  let shell: TestShell
  before(() => {
    shell = testShell({ 'scenarios/clauses.yaml': CLAUSES, 'scenarios/a/there.yaml': SCENARIO })
  })
  after(() => {
    shell.remove()
  })

  for (const [words, message] of [
    [[], /conform needs --target TARGET/],
    [['--target', 'nothing'], /unknown target 'nothing'/],
    [['--target', 'engine@qemo'], /unknown profile 'qemo'.*did you mean 'qemu'/],
    [['--target', 'engine', '--target', 'engine'], /'engine@qemu' is asked for twice/],
    [['--target', 'qmp:unix:/x'], /add --i-own-it/],
    [['--target', 'engine', '--level', 'both'], /wants contract, transcript/],
    [['--target', 'engine', '--json', '-', '--html', '-'], /--json and --html cannot both/],
    [['--target', 'engine', '--min-na', '3'], /'--min-na' is not built yet/],
    [['--target', 'engine', '--xml', 'x'], /unknown flag '--xml'/],
    [['--target', 'engine', '--text'], /'--text' needs a value/],
  ] as const) {
    it(`refuses: conform ${words.join(' ')}`, async () => {
      const { status, stderr, stdout } = await shell.run('conform', ...words)
      assert.equal(status, 2, stderr)
      assert.match(stderr, message)
      assert.equal(stdout, '')
    })
  }

  it('cannot do without the program', async () => {
    const { status, stderr } = await shell.run('conform', '--target', 'qsd:/nonexistent/daemon')
    assert.equal(status, 3)
    assert.match(stderr, /cannot start/)
  })

  it('says where a selection is empty', async () => {
    const { status } = await shell.run('conform', '--target', 'engine', '--clause', 'XYZ-*')
    assert.equal(status, 4)
  })

  it('prints the matrix as text', async () => {
    const { status, stdout, stderr } = await shell.run('conform', '--target', 'engine', '-j', '1')
    assert.equal(status, 0, stdout + stderr)
    assert.match(stdout, /^Quorum\nQUO-1 +must +ok +ok +a node is there\.\nQUO-2 +may +- +\? +/m)
    assert.match(stderr, /playing 2 cases on engine/)
  })

  it('writes every document that is asked for', async () => {
    const documents = ['--text', 'm.txt', '--json', 'm.json', '--html', 'm.html']
    const { status, stdout } = await shell.run(
      'conform',
      ...['--target', 'engine@note', '-j', '1', '--clause', 'QUO-1', ...documents],
    )
    assert.equal(status, 0)
    assert.equal(stdout, '')
    const read = (name: string): string => readFileSync(join(shell.folder, name), 'utf8')
    assert.match(read('m.txt'), /^QUO-1 +must +ok +a node is there\.$/m)
    assert.doesNotMatch(read('m.txt'), /QUO-2/)
    assert.equal(JSON.parse(read('m.json')).columns[0].name, 'engine@note')
    assert.match(read('m.html'), /^<!doctype html>/)
  })

  it('fails where a target with the profile is not as claimed, and says which case', async () => {
    shell.write('scenarios/a/there.yaml', SCENARIO.replace('node-name: n }', 'node-name: other }'))
    const { status, stdout, stderr } = await shell.run(
      'conform',
      ...['--target', 'engine@qemu', '-j', '1'],
    )
    shell.write('scenarios/a/there.yaml', SCENARIO)
    assert.equal(status, 1)
    assert.match(stdout, /^QUO-1 +must +differs/m)
    assert.match(stderr, /engine@qemu: a\/there is not as known/)
  })

  it('says what it cannot write', async () => {
    const words = ['--target', 'engine@qemu', '-j', '1', '--text', 'no/such/folder.txt']
    const { status, stderr } = await shell.run('conform', ...words)
    assert.equal(status, 3)
    assert.match(stderr, /cannot write no\/such\/folder\.txt/)
  })
})
