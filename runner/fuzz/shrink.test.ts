/** Shrinking, held against predicates that know exactly what the smallest sequence is. */
import assert from 'node:assert/strict'
import { shrink } from './shrink.ts'
import type { FuzzStep } from './step.ts'

const qmp = (command: string, args: Extract<FuzzStep, { kind: 'qmp' }>['args'] = {}): FuzzStep => ({
  kind: 'qmp',
  command,
  args,
})

function commands(steps: readonly FuzzStep[]): string {
  return steps.map((step) => (step.kind === 'qmp' ? step.command : step.kind)).join(' ')
}

describe('shrinking', () => {
  it('keeps only the steps that are needed, in their order', async () => {
    const steps = 'a b c d e f g h i j k l m n o p'.split(' ').map((name) => qmp(name))
    const small = await shrink(steps, {
      tries: 1000,
      shows: async (tried) => /c.*m/.test(commands(tried)),
    })
    assert.equal(commands(small), 'c m')
  })

  it('drops members that do not matter', async () => {
    const steps = [qmp('a', { x: 1, y: { deep: { z: true, more: 2 } } })]
    const small = await shrink(steps, {
      tries: 1000,
      shows: async ([step]) => step?.kind === 'qmp' && JSON.stringify(step.args).includes('"z"'),
    })
    assert.deepEqual(small, [qmp('a', { y: { deep: { z: true } } })])
  })

  it('makes numbers smaller', async () => {
    const small = await shrink([qmp('a', { size: 1_234_567 })], {
      tries: 100,
      shows: async ([step]) => step?.kind === 'qmp' && Number(step.args?.['size']) > 5000,
    })
    assert.deepEqual(small, [qmp('a', { size: 65_536 })])
  })

  it('drops and shortens requests', async () => {
    const write = { verb: 'write', offset: 70_000, bytes: 4096, byte: 9, fua: true } as const
    const steps: FuzzStep[] = [{ kind: 'io', node: 'n', ops: [{ verb: 'flush' }, write] }]
    const small = await shrink(steps, {
      tries: 1000,
      shows: async ([step]) => step?.kind === 'io' && step.ops.some(({ verb }) => verb === 'write'),
    })
    const least = { verb: 'write', offset: 0, bytes: 1, byte: 1, fua: false } as const
    assert.deepEqual(small, [{ kind: 'io', node: 'n', ops: [least] }])
  })

  it('stops when its tries are spent', async () => {
    let tries = 0
    const steps = Array.from({ length: 64 }, (_, at) => qmp(`c${at}`))
    await shrink(steps, {
      tries: 10,
      shows: async () => {
        tries += 1
        return false
      },
    })
    assert.equal(tries, 10)
  })

  it('gives back what cannot be smaller', async () => {
    const steps = [qmp('a')]
    assert.deepEqual(await shrink(steps, { tries: 10, shows: async () => false }), steps)
  })
})
