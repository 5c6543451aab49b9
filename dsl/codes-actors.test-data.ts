/** Rows of the diagnostics about faults, actors and crashes: a code, and a text with its place marked. */
import type { Code } from './codes.ts'
import { scenario, withStep, type TestOptions } from './testing.ts'

type Row = readonly [Code, string, TestOptions?]

const linted: TestOptions = { lint: true }

/** A node with these faults, written as they stand in the list. */
const faulty = (rule: string): string =>
  withStep(`node: {x: {driver: file, img: b, faults: ["${rule}"]}}`)

const together = (lanes: string, schedule = ''): string =>
  withStep(`together: ${lanes}${schedule === '' ? '' : `\nschedule: ${schedule}`}`)

const step = '{qmp: query-jobs}'
const PAIR = `{a: [${step}, ${step}], b: [${step}]}`

export const FAULT_ROWS: readonly Row[] = [
  ['fault-syntax', faulty('read any => EIO ‸3')],
  ['fault-operation', faulty('‸trim any => EIO')],
  ['fault-operation', faulty('‸reed any => EIO')],
  ['fault-effect', faulty('read any => ‸broken')],
  ['fault-effect', faulty('read any ‸delay')],
  ['io-errno-case', faulty('read any => ‸eio')],
  ['io-unknown-errno', faulty('read any ‸=> EOI')],
  ['fault-arrow', faulty('read any ‸EIO')],
  ['fault-suspend', faulty('read any ‸suspend')],
  ['fault-mode', faulty('read any => EIO ‸twice')],
  ['fault-mode', faulty('read any => EIO once ‸once')],
  ['fault-mode', faulty('read any suspend as x ‸once')],
  ['fault-range', faulty('‸read => EIO')],
  ['fault-range', faulty('flush ‸0..4k => EIO')],
  ['fault-range', faulty('read ‸0..4k suspend as x')],
  ['fault-aligned', faulty('read ‸100+512 => EIO')],
  ['io-empty-range', faulty('read ‸4k..4k => EIO')],
  ['fault-after', faulty('write any => EIO after ‸0')],
  ['fault-after', faulty('write any => EIO after ‸101')],
  ['fault-after', faulty('write 0..4k => EIO ‸after 2')],
  ['fault-after', withStep('fault: {on: n, add: ‸flush => EIO after 2}')],
  ['fault-torn', faulty('write any torn ‸100')],
  ['fault-torn', faulty('read any ‸torn 512')],
  ['bad-duration', faulty('read any ‸delay 2')],
  ['undefined-variable', faulty('read ‸$x+4k => EIO')],
  ['fault-place', withStep('qmp: {blockdev-add: {driver: file, node-name: x, ‸faults: []}}')],
  ['fault-place', withStep('node: {x: {driver: raw, file: {‸faults: []}}}')],
  ['unknown-key', withStep('node: {x: {driver: file, img: b, ‸fault: []}}')],
  ['fault-node', withStep('fault: {on: ‸n, add: "read any => EIO"}')],
  ['fault-node', withStep('fault: {clear: ‸n}')],
  ['unknown-node', withStep('fault: {clear: ‸m}')],
  ['fault-step', withStep('fault: ‸{on: n}')],
  ['fault-step', withStep('fault: ‸{on: n, add: "flush => EIO", clear: n}')],
  ['unknown-key', withStep('fault: {‸off: n}')],
  ['unknown-breakpoint', withStep('fault: {resume: ‸bp1}')],
  [
    'fault-tag',
    withStep(
      'node: {x: {driver: file, img: b, faults: [read any suspend as p, write any suspend as ‸p]}}',
    ),
  ],
  [
    'fault-missed',
    scenario(
      'steps:\n' +
        '  - node: {x: {driver: file, img: b, faults: ["read 64k+64k => EIO"]}}\n' +
        '  - {io: x, do: "‸read 68k 4k"}',
    ),
    linted,
  ],
]

export const ACTOR_ROWS: readonly Row[] = [
  ['schedule-syntax', together(PAIR, 'fixed [a, b‸')],
  ['schedule-unknown', together(PAIR, '‸every')],
  ['schedule-fixed', together(PAIR, '‸fixed a, b')],
  ['schedule-seed', together(PAIR, '‸seed')],
  ['schedule-actor', together(PAIR, 'fixed [a, ‸c, a]')],
  ['schedule-steps', together(PAIR, '‸fixed [a, b]')],
  ['schedule-steps', together(PAIR, 'fixed [a, b, ‸b]')],
  ['schedule-bound', together(PAIR, 'all ‸9999')],
  ['schedule-unbounded', together(changing(8), '‸all')],
  ['together-actors', together(`‸{a: [${step}]}`)],
  ['bad-name', together(`{a: [${step}], ‸"b c": [${step}]}`)],
  ['together-nested', together(`{a: [{‸together: ${PAIR}}], b: [${step}]}`)],
  ['together-step', together(`{a: [‸{restart: clean}], b: [${step}]}`)],
  ['together-step', together(`{a: [‸{phase: x}], b: [${step}]}`)],
  ['together-step', together(`{a: [‸{wait: exit}], b: [${step}]}`)],
  ['together-events', together(`{a: [‸{qmp: query-jobs, events: [{never: X}]}], b: [${step}]}`)],
  ['together-place', scenario(`steps: [{phase: x}]\nafter:\n  - ‸together: ${PAIR}`)],
  ['together-place', withStep(`if: has driver.raw\ndo: [{‸together: ${PAIR}}]`)],
  [
    'together-place',
    withStep(`each: {v: [1, 2]}\ndo:\n  - together: ${PAIR}\n    schedule: ‸all\n    note: $v`),
  ],
  ['together-strict', scenario(`‸golden: {order: strict}\nsteps:\n  - together: ${PAIR}`)],
  [
    'together-twice',
    scenario(
      `steps:\n  - together: ${PAIR}\n    schedule: all\n  - together: ${PAIR}\n    schedule: ‸all`,
    ),
  ],
  ['crash-how', withStep('crash: ‸kil')],
  ['not-built-yet', withStep('crash: ‸power-cut')],
  [
    'silent-branch',
    scenario('steps:\n  - ‸if: has driver.luks\n    do: [{qmp: query-block}]'),
    linted,
  ],
]

/** Two lanes of steps that all change something, so that every order differs. */
function changing(count: number): string {
  const steps = Array.from({ length: count }, (_, index) => `{qmp: {x: {n: ${String(index)}}}}`)
  return `{a: [${steps.join(', ')}], b: [${steps.join(', ')}]}`
}
