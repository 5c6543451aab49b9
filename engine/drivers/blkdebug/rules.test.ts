/** Tests of the state machine of blkdebug's rules. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { REQUESTS } from './events.ts'
import { injectRule, RuleMachine, stateRule, type Rule } from './rules.ts'

const errnoOf = (machine: RuleMachine, kind: (typeof REQUESTS)[number] = 'read', at = 0) =>
  machine.failureFor(kind, at, 512)?.errno

describe('blkdebug rules', () => {
  it('fail all requests but queries of the status once their event came', () => {
    const machine = new RuleMachine([injectRule({ event: 'read_aio' })])
    assert.equal(errnoOf(machine), undefined)
    machine.happened('read_aio')
    assert.deepEqual(
      REQUESTS.map((kind) => errnoOf(machine, kind)),
      ['EIO', 'EIO', 'EIO', 'EIO', 'EIO', undefined],
    )
  })

  it('of no event act from the start', () => {
    assert.equal(errnoOf(new RuleMachine([injectRule({ event: 'none', errno: 28 })])), 'ENOSPC')
  })

  it('with a number that has no name fail with that', () => {
    assert.equal(errnoOf(new RuleMachine([injectRule({ event: 'none', errno: 4096 })])), 'E4096')
  })

  it('for one request are used up by it', () => {
    const machine = new RuleMachine([
      injectRule({ event: 'pwritev', once: true }),
      injectRule({ event: 'pwritev', errno: 28, once: true }),
    ])
    machine.happened('pwritev')
    assert.deepEqual(
      [errnoOf(machine), errnoOf(machine), errnoOf(machine)],
      ['EIO', 'ENOSPC', undefined],
    )
    machine.happened('pwritev')
    assert.equal(errnoOf(machine), undefined)
  })

  it('stay armed until an event arms others', () => {
    const machine = new RuleMachine([
      injectRule({ event: 'read_aio' }),
      injectRule({ event: 'write_aio', errno: 28 }),
    ])
    machine.happened('read_aio')
    machine.happened('flush_to_os')
    assert.equal(errnoOf(machine), 'EIO')
    machine.happened('write_aio')
    assert.equal(errnoOf(machine), 'ENOSPC')
  })

  it('of a sector act on requests that reach its first byte', () => {
    const machine = new RuleMachine([injectRule({ event: 'none', sector: 3 })])
    const reaches = (at: number, bytes: number) =>
      machine.failureFor('read', at, bytes) !== undefined
    assert.deepEqual(
      [reaches(1024, 512), reaches(1024, 513), reaches(1536, 1), reaches(1537, 1)],
      [false, true, true, false],
    )
  })

  it('compare with the state before the event, of which the first of several decides', () => {
    const machine = new RuleMachine([
      injectRule({ event: 'read_aio', state: 2 }),
      stateRule({ event: 'read_aio', new_state: 2 }),
      stateRule({ event: 'read_aio', state: 2, new_state: 3 }),
    ])
    machine.happened('read_aio')
    assert.deepEqual([machine.state, errnoOf(machine)], [2, undefined])
    machine.happened('read_aio')
    assert.deepEqual([machine.state, errnoOf(machine)], [2, 'EIO'])
  })

  it('with errno 0 let the request pass and hide the rules after them', () => {
    const machine = new RuleMachine([
      injectRule({ event: 'none', errno: 0 }),
      injectRule({ event: 'none' }),
    ])
    assert.equal(machine.failureFor('read', 0, 512), undefined)
  })

  it('keep numbers in 32 bits', () => {
    const machine = new RuleMachine([
      stateRule({ event: 'none', new_state: 2 }),
      injectRule({ event: 'pwritev', state: 2 ** 32 + 2, errno: 2 ** 32 + 5 }),
    ])
    machine.happened('pwritev')
    assert.equal(errnoOf(machine), 'EIO')
  })

  it('behave as a list of rules that is searched from the start', () => {
    const events = ['read_aio', 'write_aio'] as const
    const anyRule = fc.record({
      event: fc.constantFrom(...events),
      state: fc.integer({ min: 0, max: 2 }),
      next: fc.option(fc.integer({ min: 1, max: 2 }), { nil: undefined }),
      errno: fc.constantFrom(5, 28),
      once: fc.boolean(),
    })
    const steps = fc.array(fc.constantFrom(...events, 'request' as const), { maxLength: 30 })
    fc.assert(
      fc.property(fc.array(anyRule, { maxLength: 6 }), steps, (described, script) => {
        const machine = new RuleMachine(described.map(ruleOf))
        const model = new Model(described)
        for (const step of script) {
          if (step === 'request') assert.equal(errnoOf(machine), model.request())
          else {
            machine.happened(step)
            model.happened(step)
          }
          assert.equal(machine.state, model.state)
        }
      }),
    )
  })
})

interface Described {
  readonly event: 'read_aio' | 'write_aio'
  readonly state: number
  /** The state to go to; without one the rule makes requests fail. */
  readonly next: number | undefined
  readonly errno: number
  readonly once: boolean
}

function ruleOf({ event, state, next, errno, once }: Described): Rule {
  return next === undefined
    ? injectRule({ event, state, errno, once })
    : stateRule({ event, state, new_state: next })
}

class Model {
  state = 1
  #rules: readonly Described[]
  #armed: readonly Described[] = []

  constructor(rules: readonly Described[]) {
    this.#rules = rules
  }

  happened(event: string): void {
    const acting = this.#rules.filter(
      (rule) => rule.event === event && [0, this.state].includes(rule.state),
    )
    const injecting = acting.filter(({ next }) => next === undefined)
    if (injecting.length > 0) this.#armed = injecting
    this.state = acting.find(({ next }) => next !== undefined)?.next ?? this.state
  }

  request(): string | undefined {
    const [first] = this.#armed
    if (first?.once === true) {
      this.#armed = this.#armed.filter((rule) => rule !== first)
      this.#rules = this.#rules.filter((rule) => rule !== first)
    }
    if (first === undefined) return undefined
    return first.errno === 5 ? 'EIO' : 'ENOSPC'
  }
}
