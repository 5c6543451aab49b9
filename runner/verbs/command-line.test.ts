/** Tests of the command line as a whole: words in, text and exit status out. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { testShell, type TestShell } from './test-shell.ts'

const PASSES = `scenario: 1
title: a node that stores nothing reads as zeroes
tags: [quick]
golden: false
nodes:
  a: {driver: null-co, size: 1M, read-zeroes: true}
steps:
  - phase: reading
  - io: a
    do: read -P 0 0 64k
`
const FAILS = PASSES.replace('read -P 0 0 64k', 'read -P 1 0 64k')
const BROKEN = PASSES.replace('steps:', 'stepz:')

describe('the command line', () => {
  let shell: TestShell
  beforeEach(() => {
    shell = testShell({ 'scenarios/area/passes.yaml': PASSES })
  })
  afterEach(() => {
    shell.remove()
  })

  it('prints five common tasks when nothing is asked', async () => {
    const { status, stdout } = await shell.run()
    assert.equal(status, 0)
    assert.equal(stdout.match(/^ {2}blockspec /gm)?.length, 5)
  })

  it('prints its version', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
    assert.deepEqual(await shell.run('--version'), {
      status: 0,
      stdout: `blockspec ${version}\n`,
      stderr: '',
    })
  })

  it('suggests the verb that was meant', async () => {
    const { status, stderr } = await shell.run('covrage')
    assert.equal(status, 2)
    assert.match(stderr, /^blockspec: unknown verb 'covrage'; did you mean 'coverage'\?.*\n$/)
  })

  it('says of planned verbs that they are not built yet', async () => {
    assert.deepEqual(await shell.run('bisect'), {
      status: 2,
      stdout: '',
      stderr: "blockspec: 'bisect' is not built yet\n",
    })
  })

  for (const verb of [
    'run',
    'list',
    'lint',
    'fmt',
    'schema',
    'new',
    'review',
    'accept',
    'reject',
    'diff',
    'probe',
    'coverage',
    'diverge',
    'explain',
  ]) {
    it(`explains ${verb} with its flags and examples`, async () => {
      const { status, stdout } = await shell.run(verb, '--help')
      assert.equal(status, 0)
      assert.match(stdout, new RegExp(`^usage: blockspec ${verb}`))
      assert.match(stdout, /Examples:\n {2}(blockspec|printf)/)
    })
  }

  const wrong: readonly (readonly [string, readonly string[], number, RegExp])[] = [
    [
      'an unknown flag',
      ['run', '--taget', 'x'],
      2,
      /unknown flag '--taget'; did you mean '--target'/,
    ],
    ['a planned flag', ['run', '--shard', '1/2'], 2, /flag '--shard' is not built yet/],
    ['an unknown target', ['run', '--target', 'qemu'], 2, /unknown target 'qemu'/],
    ['a planned target', ['run', '--target', 'harness:./x'], 2, /not built yet/],
    [
      'an unknown path',
      ['run', 'area/pases'],
      2,
      /no scenario or path 'area\/pases'; did you mean 'area\/passes'/,
    ],
    ['a path that does not exist', ['run', './nowhere/x.yaml'], 2, /no scenario or path/],
    ['an empty selection', ['run', '-t', 'slow'], 4, /no case is selected/],
    ['an empty glob', ['run', 'zzz*'], 4, /no case is selected/],
    ['a wrong tag expression', ['run', '-t', 'a b'], 2, /'-t': wants 'and' or 'or' before 'b'/],
    ['a wrong regular expression', ['run', '-g', '/(/'], 2, /wants a regular expression/],
    ['a wrong job count', ['run', '-j', '0'], 2, /wants N, N% or auto/],
    ['a wrong order', ['run', '--order', 'nam'], 2, /did you mean 'name'/],
    ['a wrong budget', ['run', '--budget-total', '20'], 2, /wants a duration/],
    [
      'a wrong reporter',
      ['run', '-r', 'html'],
      2,
      /wants tty, json, junit, tap, github \(not built yet\)/,
    ],
    [
      'two documents on one stream',
      ['run', '-r', 'json,tap'],
      2,
      /cannot both go to standard output/,
    ],
    ['a report in no folder', ['run', '-r', 'json=no/such/x'], 2, /cannot write report/],
    ['a report that is none', ['run', '--rerun', 'scenarios/area/passes.yaml'], 2, /not an event/],
    ['a list that is not there', ['run', '--list', 'none.txt'], 2, /cannot read none.txt/],
    ['retries on the engine', ['run', '--retries', '1'], 2, /the engine is deterministic/],
    ['keeping files of the engine', ['run', '--keep'], 2, /live in memory/],
    ['quiet and verbose', ['run', '-q', '-v'], 2, /exclude each other/],
    ['a foreign target', ['run', '--target', 'qmp:unix:/x'], 2, /--i-own-it/],
    ['a golden with --set', ['run', '--set', 'a=1', '--golden', 'check'], 2, /--golden off only/],
    ['an assignment without value', ['run', '--set', 'a'], 2, /wants NAME=VALUE/],
    [
      'a target that cannot start',
      ['run', '--target', 'qsd:/no/such/program'],
      3,
      /no\/such\/program/,
    ],
    ['no target to probe', ['probe'], 2, /probe needs TARGET/],
    ['one target to compare', ['diff', 'engine'], 2, /diff needs two targets/],
    ['no choice to accept', ['accept'], 2, /say which/],
    ['no action of diverge', ['diverge', 'list'], 2, /wants add, rm or check, not 'list'/],
    ['nothing to explain', ['explain', 'area/pass'], 2, /did you mean 'area\/passes'/],
    ['an id of no area', ['new', 'Passes'], 2, /is no id/],
    ['an id that climbs', ['new', '../x'], 2, /is no id/],
    ['an id that exists', ['new', 'area/passes'], 2, /exists already/],
  ]
  for (const [what, argv, expected, message] of wrong) {
    it(`refuses ${what} in one line with status ${expected}`, async () => {
      const { status, stderr } = await shell.run(...argv)
      assert.equal(status, expected, stderr)
      assert.match(stderr, message)
      assert.equal(stderr.match(/^blockspec: /gm)?.length, 1, stderr)
      assert.equal(stderr.split('\n').length, 2, stderr)
    })
  }

  it('refuses a file that is a folder, unreadable, too long or not text', async () => {
    mkdirSync(join(shell.folder, 'scenarios/area/folder.yaml'))
    shell.write('scenarios/area/long.yaml', '#'.repeat(2_000_000))
    assert.match((await shell.run('run', 'area/long')).stderr, /bytes are too many/)
    shell.write('scenarios/area/long.yaml', '#'.repeat(300_000))
    assert.equal((await shell.run('run', 'area/long')).status, 2)
    const { writeFileSync } = await import('node:fs')
    writeFileSync(join(shell.folder, 'scenarios/area/long.yaml'), Buffer.from([0x61, 0xff, 0xfe]))
    const { status, stderr } = await shell.run('run', 'area/long')
    assert.equal(status, 2)
    assert.match(stderr, /not valid UTF-8/)
  })

  it('shows every problem of the scenarios and runs nothing', async () => {
    shell.write('scenarios/area/broken.yaml', BROKEN)
    const { status, stdout, stderr } = await shell.run('run')
    assert.equal(status, 2)
    assert.equal(stdout, '')
    assert.match(stderr, /broken\.yaml:7:1: error\[[a-z-]+\]/)
    assert.match(stderr, /nothing was run/)
  })

  it('lets a selection ignore broken files elsewhere', async () => {
    shell.write('scenarios/area/broken.yaml', BROKEN)
    assert.equal((await shell.run('run', 'area/passes')).status, 0)
  })

  it('passes an empty selection when told to', async () => {
    assert.equal((await shell.run('run', '-t', 'slow', '--pass-empty')).status, 0)
  })

  it('makes a scenario that passes as it is', async () => {
    const made = await shell.run('new', 'area/fresh')
    assert.equal(made.status, 0)
    assert.ok(existsSync(join(shell.folder, 'scenarios/area/fresh.yaml')))
    const { status, stdout, stderr } = await shell.run('run', 'area/fresh', '--golden', 'off')
    assert.equal(status, 0, stdout + stderr)
  })

  it('runs what passes with status 0 and what fails with status 1', async () => {
    const good = await shell.run('run')
    assert.equal(good.status, 0, good.stdout + good.stderr)
    assert.match(good.stdout, /1 case on engine.*: 1 pass/)
    shell.write('scenarios/area/fails.yaml', FAILS)
    const bad = await shell.run('run')
    assert.equal(bad.status, 1, bad.stdout + bad.stderr)
    assert.match(bad.stdout, /FAIL area\/fails[^]*fails\.yaml:10:\d+[^]*rerun: blockspec run/)
  })

  it('reports to several places at once and reruns what broke', async () => {
    shell.write('scenarios/area/fails.yaml', FAILS)
    const { stdout } = await shell.run(
      'run',
      '-j',
      '1',
      '-r',
      'tap,json=out.ndjson,junit=out.xml,github=gh',
    )
    assert.match(stdout, /^TAP version 14\n/)
    const lines = readFileSync(join(shell.folder, 'out.ndjson'), 'utf8').trimEnd().split('\n')
    assert.match(
      lines.at(-1) ?? '',
      /^\{"event":"run-end","cases":2,"verdicts":\{("pass":1,"fail":1|"fail":1,"pass":1)\},"seconds":[\d.]+\}$/,
    )
    assert.match(readFileSync(join(shell.folder, 'out.xml'), 'utf8'), /<testsuites/)
    assert.match(readFileSync(join(shell.folder, 'gh'), 'utf8'), /^::error file=/)
    const again = await shell.run('list', '--rerun', 'out.ndjson')
    assert.match(again.stdout, /^area\/fails {2}qemu/)
    assert.match(again.stdout, /\n1 case of 1 scenario\n$/)
  })

  it('keeps a partial report when it is interrupted', async () => {
    for (let index = 0; index < 20; index += 1) {
      shell.write(`scenarios/area/more-${index}.yaml`, PASSES)
    }
    for (const [signal, expected] of [
      ['SIGINT', 130],
      ['SIGTERM', 143],
    ] as const) {
      const argv = ['run', '-v', '-j', '1', '-r', 'tty,json=out.ndjson']
      const { status } = await shell.interrupt(signal, ...argv)
      assert.equal(status, expected)
      const lines = readFileSync(join(shell.folder, 'out.ndjson'), 'utf8').trimEnd().split('\n')
      assert.match(lines.at(-1) ?? '', /^\{"event":"run-end","cases":\d+,/)
    }
  })

  it('repeats a run and presents it as one', async () => {
    const { status, stdout } = await shell.run('run', '-j', '1', '--repeat', '3')
    assert.equal(status, 0)
    assert.match(stdout, /3 cases on engine.*: 3 pass/)
  })

  it('stops at the first broken case when told to', async () => {
    for (const name of ['b1', 'b2', 'b3']) shell.write(`scenarios/area/${name}.yaml`, FAILS)
    const { status, stdout } = await shell.run('run', '-x', '-j', '1')
    assert.equal(status, 1)
    assert.match(stdout, /: 1 fail, 3 not run|: 1 fail, .*not run/)
  })

  it('finds nothing to tell apart between the engine and itself', async () => {
    const { status, stdout } = await shell.run('diff', 'engine', 'engine')
    assert.equal(status, 0)
    assert.match(stdout, /1 same, 0 different, 0 not compared/)
  })

  it('records, reviews and then checks a golden', async () => {
    shell.write('scenarios/area/passes.yaml', PASSES.replace('golden: false\n', ''))
    const unknown = await shell.run('run')
    assert.equal(unknown.status, 1, unknown.stdout)
    assert.match(unknown.stderr, /goldens are missing/)
    const recorded = await shell.run('run', '--golden', 'pending')
    assert.equal(recorded.status, 0, recorded.stdout)
    assert.match(recorded.stdout, /next: blockspec review/)
    const later = await shell.type('xs', 'review')
    assert.match(later.stdout, /no such key: x[^]*1 left pending/)
    const taken = await shell.type('a', 'review', '--unconfirmed')
    assert.equal(taken.status, 0, taken.stdout + taken.stderr)
    assert.match(taken.stdout, /1 accepted, 0 refused\n0 rejected, 0 left pending/)
    const checked = await shell.run('run')
    assert.equal(checked.status, 0, checked.stdout)
    assert.match((await shell.run('review')).stdout, /nothing is pending/)
  })

  it('counts what clauses still need', async () => {
    shell.write(
      'scenarios/clauses.yaml',
      'QUO-3:\n  profiles: [qemu]\n  level: must\n  sentence: one.\n' +
        'QUO-4:\n  profiles: [qemu]\n  level: may\n  sentence: two.\n',
    )
    shell.write('scenarios/area/passes.yaml', PASSES.replace('tags:', 'spec: [QUO-3]\ntags:'))
    const lacking = await shell.run('coverage')
    assert.equal(lacking.status, 6, lacking.stderr)
    assert.match(lacking.stdout, /MISS QUO-3 {2}qemu {2}must\n[^]*\n1 of 2 complete/)
    assert.equal((await shell.run('coverage', '--clause', 'QUO-4')).status, 0)
    assert.equal((await shell.run('coverage', '--clause', 'XYZ-*')).status, 4)
  })
})
