/** Actors of a `together` step on the engine: orders, replays, transcripts. */
import assert from 'node:assert/strict'
import { compileScenario } from './language.ts'
import type { Played } from './execute.ts'
import { playSelected } from './play-selected.ts'
import { createTarget } from './targets/index.ts'

const target = createTarget({ kind: 'engine', text: 'engine' })

/** Two actors write to one node, so that the last one wins; `last` is what is claimed to have won. */
function race(schedule: string, last: number): string {
  return `scenario: 1
title: a test
images: { a: raw 1M }
nodes:
  n: { driver: file, img: a }
steps:
  - together:
      one:
        - { io: n, do: write -P 1 0 4k }
        - { io: n, do: read 0 4k }
      two:
        - { io: n, do: write -P 2 0 4k }
    schedule: ${schedule}
  - io: n
    do: read -P ${String(last)} 0 4k
`
}

async function play(text: string): Promise<Played> {
  const { scenario, problems } = compileScenario({ path: 's/x.yaml', text }, { root: 's' })
  assert.deepEqual(problems, [])
  const [first] = scenario?.cases ?? []
  assert.ok(scenario !== undefined && first !== undefined)
  return playSelected(
    { scenario, case: first, profile: 'qemu' },
    target,
    { sources: {}, seed: 1, timeoutScale: 1, keep: 'none' },
    () => undefined,
  )
}

describe('actors', () => {
  it('take their turns in a fixed order', async () => {
    assert.equal((await play(race('fixed [one, one, two]', 2))).end, 'done')
    assert.equal((await play(race('fixed [two, one, one]', 1))).end, 'done')
  })

  it('play the same order for the same seed', async () => {
    const ends = new Set<string>()
    for (let seed = 0; seed < 6; seed += 1) {
      const schedule = `seed ${String(seed)}`
      const [first, again] = [await play(race(schedule, 2)), await play(race(schedule, 2))]
      assert.deepEqual(first, again)
      ends.add(first.end)
    }
    assert.deepEqual([...ends].sort(), ['done', 'failed'])
  })

  it('show one lane after the other, whatever the order', async () => {
    const orders = ['fixed [one, two, one]', 'fixed [two, one, one]', 'free']
    const texts = await Promise.all(
      orders.map(async (order) => {
        const { transcript } = await play(race(order, 1))
        return transcript.split('\n--\n')[0]
      }),
    )
    assert.equal(new Set(texts).size, 1)
    assert.match(texts[0] ?? '', /-- one\nio {4}n write -P 1 .*\nio {4}n read .*\n-- two\nio {4}n/)
  })

  it('find the order in which a claim fails, and how to play it again', async () => {
    const played = await play(race('all', 2))
    assert.equal(played.end, 'failed')
    const [, replay = ''] = /schedule: (.*)/.exec(played.failures[0]?.message ?? '') ?? []
    assert.match(replay, /^fixed \[two, one, one\]|^fixed \[one, two, one\]/)
    assert.equal((await play(race(replay, 2))).end, 'failed')
  })

  it('reach the bound without a failure where every order is right', async () => {
    const text = race('all 10', 2).replace('read -P 2 0 4k', 'read 0 4k')
    assert.equal((await play(text)).end, 'done')
  })

  it('go on where another one waits for them', async () => {
    const text = `scenario: 1
title: a test
nodes:
  n: { driver: null-co, size: 1M, faults: [read any suspend as stop] }
steps:
  - together:
      reader:
        - { io: n, do: read 0 4k }
      helper:
        - fault: { resume: stop }
    schedule: fixed [reader, helper]
`
    assert.equal((await play(text)).end, 'done')
  })
})
