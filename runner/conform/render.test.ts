/** Tests of the renderings: what they show, what they escape, and that they are always the same. */
import assert from 'node:assert/strict'
import { renderHtml } from './html.ts'
import { renderJson } from './json.ts'
import { html } from './markup.ts'
import { smallMatrix } from './testing.ts'
import { renderText } from './text.ts'

describe('markup', () => {
  it('escapes what it takes in, in texts as in attributes', () => {
    const name = `<a href='x'>"&"</a>`
    assert.equal(
      html`<b title="${name}">${name}</b>`.text,
      '<b title="&lt;a href=&#39;x&#39;&gt;&quot;&amp;&quot;&lt;/a&gt;">' +
        '&lt;a href=&#39;x&#39;&gt;&quot;&amp;&quot;&lt;/a&gt;</b>',
    )
  })

  it('keeps markup, alone and in lists, and numbers', () => {
    const item = html`<i>${1}</i>`
    assert.equal(html`<p>${item}${[item, item]}</p>`.text, '<p><i>1</i><i>1</i><i>1</i></p>')
  })

  it('shows control characters and half pairs as something that a page can have', () => {
    assert.equal(html`${'\u001b[31m \u0000 \ud800 é'}`.text, '^[[31m ^@ \ufffd é')
  })
})

describe('the matrix as a page', () => {
  const page = renderHtml(smallMatrix())

  it('takes no text for markup', () => {
    assert.doesNotMatch(page, /<script|<b> & "c"|<phase>|<more>|=> <b>no/)
    assert.match(page, /&lt;script&gt;alert\(1\)/)
    assert.match(page, /Reopen &amp; &lt;more&gt;/)
  })

  it('needs nothing from outside and runs nothing', () => {
    assert.doesNotMatch(page, /https?:|\bsrc=|@import|url\(|\son\w+=/)
    assert.match(page, /Content-Security-Policy" content="default-src &#39;none&#39;/)
  })

  it('closes what it opens', () => {
    const open: string[] = []
    const whole = page.replace(/<!doctype html>|<style>[^]*?<\/style>/g, '')
    for (const [, slash, name = ''] of whole.matchAll(/<(\/?)([a-z][a-z0-9]*)[^>]*>/g)) {
      if (['meta', 'br', 'input'].includes(name)) continue
      if (slash === '') open.push(name)
      else assert.equal(open.pop(), name)
    }
    assert.deepEqual(open, [])
  })

  it('leads from the top to what stands below the matrix', () => {
    const targets = [...page.matchAll(/<a href="#(ends|otherwise)"/g)].map(([, id = '']) => id)
    assert.deepEqual(targets, ['ends', 'otherwise'])
    for (const id of targets) assert.ok(page.includes(`<h2 id="${id}">`), id)
  })

  it('has what differs behind each clause: lines, reasons, and how a target died', () => {
    const row = (id: string): string =>
      new RegExp(
        `<details class="row[^>]*id="${id}">[^]*?</div>\\s*</details>\\s*(?=<details class="row|</section)`,
      ).exec(page)?.[0] ?? ''
    assert.match(row('QUO-2'), /SIGABRT at qmp blockdev-reopen[^]*it dies/)
    assert.match(row('QUO-3'), /<ins>\+qmp {3}a =&gt; &lt;b&gt;no&lt;\/b&gt;<\/ins>/)
    assert.match(row('REO-1'), /expected ok, got GenericError[^]*line 12[^]*- qmp:/)
    assert.match(row('REO-1'), /class="row must"/)
    assert.match(row('QUO-1'), /class="row must even"/)
  })
})

describe('the matrix as text', () => {
  const text = renderText(smallMatrix())

  it('has a line for each clause and a column for each target and profile', () => {
    assert.match(text, /^ {2}D {2}qsd 7\.2\.22@note, by claims$/m)
    assert.match(text, /^QUO-1 +must +ok +ok +ok +ok +what QUO-1 says$/m)
    assert.match(text, /^QUO-2 +must +ok +CRASHES 1\/2 +ok +CRASHES 1\/2 +what QUO-2 says$/m)
    assert.match(text, /^QUO-3 +should +ok +ok ~1 +\? +\? +says /m)
    assert.match(text, /^REO-1 +must +- +- +ok +differs +what REO-1 says$/m)
  })

  it('says what ends a target, what differs, and why transcripts do', () => {
    assert.match(text, /^a\/dies {2}QUO-2\n {2}SIGABRT at qmp blockdev-reopen: qsd 7\.2\.22$/m)
    assert.match(
      text,
      /^REO-1 {2}what REO-1 says\n {2}differs: qsd 7\.2\.22@note\n {4}a\/noted:12: expected ok, got/m,
    )
    assert.match(text, /^qsd 7\.2\.22@qemu\n {5}1 {2}other words/m)
  })

  it('lets no text drive the terminal', () => {
    // eslint-disable-next-line no-control-regex -- these must not be there
    assert.doesNotMatch(text, /[\x00-\x08\x0b-\x1f]/)
  })

  it('ends its lines without blanks', () => {
    assert.doesNotMatch(text, / $/m)
  })
})

describe('the matrix as JSON', () => {
  it('has every cell with its cases and what they failed in', () => {
    const document = JSON.parse(renderJson(smallMatrix()))
    const columns: readonly Record<string, unknown>[] = document.columns
    assert.deepEqual(
      columns.map(({ name, levels }) => [name, levels]),
      [
        ['engine@qemu', ['contract', 'transcript']],
        ['qsd 7.2.22@qemu', ['contract', 'transcript']],
        ['engine@note', ['contract', 'transcript']],
        ['qsd 7.2.22@note', ['contract']],
      ],
    )
    const [, , , cell] = document.sections[1].clauses[0].cells
    assert.equal(cell.state, 'differs')
    assert.equal(cell.cases[0].failures[0].place.line, 12)
    const [, dies] = document.sections[0].clauses[1].cells
    assert.equal(dies.cases[1].death, 'SIGABRT at qmp blockdev-reopen')
  })

  it('is the same for the same results', () => {
    assert.equal(renderJson(smallMatrix()), renderJson(smallMatrix()))
  })
})
