/** Tests of the reporter for people. */
import assert from 'node:assert/strict'
import type { CaseEnd } from './event.ts'
import { caseEnd, FAILED, NASTY, SKIPPED, stream } from './fixtures.ts'
import { wantsColour } from './paint.ts'
import { ttyReporter, type TtyOptions } from './tty.ts'

const PLAIN: TtyOptions = {
  live: false,
  colour: false,
  ascii: false,
  columns: 80,
  verbose: false,
  quiet: false,
  all: false,
  now: () => 0,
}

function output(change: Partial<TtyOptions>, ...ends: readonly CaseEnd[]): string {
  const reporter = ttyReporter({ ...PLAIN, ...change })
  return stream(...ends)
    .map((event) => reporter.on(event))
    .join('')
}

describe('the terminal reporter', () => {
  it('shows a failure with its frame, diff and one command to run it again', () => {
    assert.equal(
      output({}, FAILED).split('\nFAIL quorum/threshold\n')[0],
      [
        'FAIL quorum/threshold  on engine  (phase: one vote)',
        '  scenarios/quorum/threshold.yaml:45:7: expected EIO, got ok [claim]',
        '     45 |   read 0 64k => EIO',
        '        |                 ^^^',
        '  the transcript differs from the golden [golden]',
        '  @@ == one vote',
        '  -io    q0 read 0..64k  => EIO',
        '  +io    q0 read 0..64k  => ok',
        "  rerun: blockspec run 'quorum/vote[mode=fifo]' --target engine",
      ].join('\n'),
    )
  })

  it('names passes only when asked', () => {
    assert.doesNotMatch(output({}, caseEnd()), /quorum\/vote/)
    assert.match(output({ verbose: true }, caseEnd()), /^ok quorum\/vote\[mode=fifo\]\n/)
  })

  it('says what is not applicable and why', () => {
    assert.match(output({}, SKIPPED), /^n\/a throttle\/virtual {2}needs time\.virtual\n/)
  })

  it('ends with a summary of at most twelve lines', () => {
    const broken = Array.from({ length: 50 }, (_, index) => ({
      ...FAILED,
      id: `q/${index}`,
      unconfirmed: true,
    }))
    const skipped = Array.from({ length: 50 }, (_, index) => ({
      ...SKIPPED,
      reason: `reason ${index}`,
    }))
    const all = [...broken, ...skipped, caseEnd({ verdict: 'pending' })]
    const reporter = ttyReporter(PLAIN)
    const summary = stream(...all)
      .map((event) => reporter.on(event))
      .at(-1)
    const lines = (summary ?? '').trimEnd().split('\n')
    assert.ok(lines.length <= 12, summary)
    assert.match(lines.at(-1) ?? '', /^next: blockspec review/)
    assert.match(
      lines.at(-2) ?? '',
      /^101 cases on engine in 1\.5 s \(seed 1, -j 2\): 50 fail, 1 pending, 50 n\/a$/,
    )
  })

  it('prints broken cases alone when quiet', () => {
    assert.equal(output({ quiet: true }, caseEnd(), SKIPPED), '')
    assert.match(output({ quiet: true }, FAILED), /^FAIL /)
  })

  it('never passes control characters of a target on', () => {
    const failures = [{ code: 'x', message: NASTY, phase: NASTY, diff: NASTY, excerpt: NASTY }]
    const phases = [{ title: NASTY, text: NASTY }]
    const text = output({ all: true }, { ...FAILED, id: NASTY, failures, phases, reason: NASTY })
    assert.doesNotMatch(text.replaceAll('\n', ''), /\p{Cc}/u)
  })

  it('keeps to ASCII when asked', () => {
    assert.match(output({ ascii: true, all: true }, { ...FAILED, id: NASTY }), /^[\n -~]*$/)
  })

  it('folds a long diff and says how much is missing', () => {
    const diff = Array.from({ length: 100 }, (_, index) => `+line ${index}`).join('\n')
    const end = { ...FAILED, failures: [{ code: 'golden', message: 'm', phase: '', diff }] }
    assert.match(output({}, end), /… 40 more lines; --show all prints them/)
    assert.match(output({ all: true }, end), /\+line 99/)
  })

  it('beats while nothing happens, outside a terminal every 30 seconds', () => {
    let time = 0
    const reporter = ttyReporter({ ...PLAIN, now: () => time })
    for (const event of stream(caseEnd()).slice(0, 2)) reporter.on(event)
    time = 29_000
    assert.equal(reporter.tick(), '')
    time = 31_000
    assert.match(reporter.tick(), /^… 0\/1 cases done {2}quorum\/vote\[mode=fifo\] 31\.0 s\n$/)
    assert.equal(reporter.tick(), '')
  })

  it('redraws one line on a terminal and clears it before a failure', () => {
    const reporter = ttyReporter({ ...PLAIN, live: true, columns: 30 })
    const events = stream(FAILED)
    for (const event of events.slice(0, 3)) reporter.on(event)
    const live = reporter.tick()
    assert.ok(live.startsWith('\r\u001b[2K 0/1'))
    assert.ok(live.length <= 30 + 5)
    assert.ok(events[3] !== undefined && reporter.on(events[3]).startsWith('\r\u001b[2KFAIL'))
  })

  it('marks the words that changed', () => {
    const text = output({ colour: true }, FAILED)
    assert.ok(text.includes('\u001b[7mEIO\u001b[27m'))
    assert.ok(text.includes('\u001b[7mok\u001b[27m'))
  })
})

describe('the choice of colour', () => {
  it('follows flag, FORCE_COLOR, NO_COLOR and terminal in this order', () => {
    assert.equal(wantsColour(true, {}, false), true)
    assert.equal(wantsColour(false, {}, false), false)
    assert.equal(wantsColour(true, { TERM: 'dumb' }, false), false)
    assert.equal(wantsColour(true, { NO_COLOR: '1' }, false), false)
    assert.equal(wantsColour(true, { NO_COLOR: '' }, false), true)
    assert.equal(wantsColour(false, { FORCE_COLOR: '1', NO_COLOR: '1' }, false), true)
    assert.equal(wantsColour(true, { FORCE_COLOR: '0' }, false), false)
    assert.equal(wantsColour(true, { FORCE_COLOR: '1' }, true), false)
  })
})
