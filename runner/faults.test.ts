/** Faults as injectors: which nodes they become, and under which names. */
import assert from 'node:assert/strict'
import type { FaultRule } from '../dsl/plan.ts'
import { lowerFaults, showFaults } from './faults.ts'

const span = { file: '', start: 0, end: 0, line: 1, column: 1, endLine: 1, endColumn: 1 }

function rule(part: Partial<FaultRule>): FaultRule {
  return {
    operation: 'read',
    effect: { kind: 'error', errno: 'EIO' },
    once: false,
    after: 0,
    text: 'read any => EIO',
    span,
    ...part,
  }
}

const NODE = { driver: 'file', filename: '/x', 'node-name': 'src', 'read-only': true }

function lowered(...rules: FaultRule[]): unknown {
  return lowerFaults(NODE, [{ path: [], rules }])
}

describe('faults of a node', () => {
  it('give its name and what parents see of it to the injector', () => {
    assert.deepEqual(lowered(), {
      driver: 'blkdebug',
      image: { driver: 'file', filename: '/x' },
      'node-name': 'src',
      'read-only': true,
    })
  })

  it('name the first sector of their range', () => {
    const range = { offset: 256 * 1024, bytes: 65536 }
    assert.deepEqual(lowered(rule({ range, once: true })), {
      driver: 'blkdebug',
      image: { driver: 'file', filename: '/x' },
      'inject-error': [{ event: 'none', iotype: 'read', errno: 5, sector: 512, once: true }],
      'node-name': 'src',
      'read-only': true,
    })
  })

  it('count in states of an injector of their own', () => {
    const made = lowered(
      rule({ operation: 'write', after: 2, effect: { kind: 'error', errno: 'ENOSPC' } }),
    )
    assert.deepEqual(made, {
      driver: 'blkdebug',
      image: { driver: 'blkdebug', image: { driver: 'file', filename: '/x' } },
      'inject-error': [{ event: 'pwritev', state: 3, iotype: 'write', errno: 28 }],
      'set-state': [
        { event: 'pwritev', state: 1, new_state: 2 },
        { event: 'pwritev', state: 2, new_state: 3 },
      ],
      'node-name': 'src',
      'read-only': true,
    })
  })

  it('have a raw node above where the node itself tells nothing of its reads', () => {
    const made = lowered(rule({ after: 1 })) as { driver: string; file: { driver: string } }
    assert.deepEqual([made.driver, made.file.driver], ['raw', 'blkdebug'])
  })

  it('reach children inside the options, the innermost first', () => {
    const options = { driver: 'raw', 'node-name': 'top', file: { driver: 'file', filename: '/x' } }
    const made = lowerFaults(options, [
      { path: [], rules: [rule({ operation: 'flush' })] },
      { path: ['file'], rules: [rule({})] },
    ])
    assert.deepEqual(made, {
      driver: 'blkdebug',
      image: {
        driver: 'raw',
        file: {
          driver: 'blkdebug',
          image: { driver: 'file', filename: '/x' },
          'inject-error': [{ event: 'none', iotype: 'read', errno: 5 }],
        },
      },
      'inject-error': [{ event: 'none', iotype: 'flush', errno: 5 }],
      'node-name': 'top',
    })
  })

  it('are shown as their author wrote them', () => {
    assert.equal(
      showFaults([rule({}), rule({ text: 'flush => EIO' })]),
      '[read any => EIO, flush => EIO]',
    )
  })
})
