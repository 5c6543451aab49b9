/**
 * `drive-backup` and `drive-mirror` where there is `blockdev-copy`: an image made and added by hand, and
 * a copy to it, do the same. Events, graph with permissions, file names, and the bytes of all images.
 */
import assert from 'node:assert/strict'
import { ALL_PERMISSIONS, CONSISTENT_READ, WRITE } from '../../block/permission.ts'
import type { User } from '../../graph/graph.ts'
import { createSimHost, type SimHost } from '../../host/sim/index.ts'
import { testEngine } from '../testing.ts'

const SIZE = 1 << 20
const CLUSTER = 65536
const SECOND = 1_000_000_000
const FILES = ['base', 'top', 't'] as const

type Call = readonly [command: string, args: object]

interface Way {
  /** Before the copy; what these say is not compared. */
  readonly before?: readonly Call[]
  readonly copy: Call
  /** After the copy, where something is left that the other way takes along. */
  readonly after?: readonly Call[]
}

interface About {
  /** A file for the image is there already, which names the base. */
  readonly isThere?: boolean
  /** What brings the job to its end. */
  readonly ends?: readonly string[]
}

/** Makes an image and forgets the job that did. */
function makes(name: string, options: object = {}): readonly Call[] {
  const file = { driver: 'file', filename: name }
  return [
    ['blockdev-create', { 'job-id': 'make', options: { ...file, size: 0 } }],
    ['job-dismiss', { id: 'make' }],
    [
      'blockdev-create',
      { 'job-id': 'make', options: { driver: 'qcow2', file, size: SIZE, ...options } },
    ],
    ['job-dismiss', { id: 'make' }],
  ]
}

function adds(name: string, options: object = {}): Call {
  const file = { driver: 'file', filename: name }
  return ['blockdev-add', { driver: 'qcow2', 'node-name': name, file, ...options }]
}

const OVER_BASE = { 'backing-file': 'base', 'backing-fmt': 'qcow2' }

/** Plays a way on `top` over `base`, which a guest writes to, and tells what happened. */
async function told({ before = [], copy, after = [] }: Way, about: About = {}): Promise<unknown> {
  const { monitor, engine, host } = testEngine(1, createSimHost({ seed: 1 }), 'note-transition')
  const client = await monitor()
  const accepted = async ([command, args]: Call): Promise<readonly string[]> => {
    const lines = await client.run(command, args)
    const refusal = lines.find((line) => line.startsWith('{"error"'))
    assert.equal(refusal, undefined, command)
    return lines
  }
  const play = async (calls: readonly Call[]): Promise<void> => {
    for (const call of calls) await accepted(call)
  }
  const writerOf = (node: string): User => {
    const claims = { uses: CONSISTENT_READ | WRITE, shares: ALL_PERMISSIONS }
    return engine.graph.attach(engine.graph.find(node), claims)
  }
  const write = async (user: User, at: number, count: number, byte: number): Promise<void> => {
    await user.write(at * CLUSTER, new Uint8Array(count * CLUSTER).fill(byte))
  }
  await play([...makes('base'), adds('base')])
  const below = writerOf('base')
  await write(below, 0, 4, 1)
  await below.close()
  await play([['blockdev-del', { 'node-name': 'base' }], adds('base', { 'read-only': true })])
  await play([...makes('top', OVER_BASE), adds('top', { backing: 'base' })])
  const guest = writerOf('top')
  await write(guest, 1, 2, 2)
  if (about.isThere === true) await play(makes('t', OVER_BASE))
  await play([['block-dirty-bitmap-add', { node: 'top', name: 'b' }]])
  await write(guest, 2, 1, 3)

  const seen: unknown[] = []
  const look = async (): Promise<void> => {
    seen.push(
      shownGraph(await answer('query-block-graph'), await answer('query-named-block-nodes')),
    )
  }
  const answer = async <T>(command: string): Promise<T> => {
    const [line = ''] = await client.run(command)
    return (JSON.parse(line) as { readonly return: T }).return
  }
  await play(before)
  const lines = [...(await accepted(copy))]
  await look()
  await write(guest, 3, 2, 4)
  lines.push(...(await client.send('')))
  await host.advance(SECOND)
  lines.push(...(await client.run('query-jobs')))
  await look()
  for (const command of about.ends ?? ['job-complete', 'job-finalize']) {
    lines.push(...(await client.run(command, { id: 'j' })))
    await host.advance(SECOND)
  }
  lines.push(...(await client.run('query-jobs')))
  await play(after)
  await look()
  await write(guest, 5, 1, 5)
  await guest.close()
  await engine.shutdown()
  const images: unknown[] = []
  for (const name of FILES) images.push(await contentOf(host, name))
  return { lines: lines.map(timeless), seen, images }
}

/** The header of an image at rest, and what it holds alone, cluster by cluster. */
async function contentOf(host: SimHost, name: string): Promise<unknown> {
  const { monitor, engine } = testEngine(1, host, 'note-transition')
  const client = await monitor()
  await client.run(...adds(name, { backing: null }))
  const claims = { uses: CONSISTENT_READ, shares: ALL_PERMISSIONS }
  const user = engine.graph.attach(engine.graph.find(name), claims)
  const data = new Uint8Array(SIZE)
  await user.read(0, data)
  await user.close()
  await engine.shutdown()
  const clusters = Array.from({ length: SIZE / CLUSTER }, (_, at) => [
    ...new Set(data.subarray(at * CLUSTER, (at + 1) * CLUSTER)),
  ])
  return { header: [...host.files.content(name).subarray(0, CLUSTER)], clusters }
}

/** What the job is called by its type is the one thing that tells the two apart. */
function timeless(line: string): string {
  return line
    .replace(/"type": "(?:backup|mirror|copy)"/u, '"type"')
    .replace(/"timestamp": \{[^}]*\}/u, '"timestamp"')
}

interface Graph {
  readonly nodes: readonly object[]
  readonly edges: readonly object[]
}

interface Named {
  readonly 'node-name': string
  readonly drv: string
  readonly file: string
}

/** The graph, and what is told of its nodes. Those that nobody named, and the target, go by their files. */
function shownGraph(graph: Graph, nodes: readonly Named[]): unknown {
  const names = new Map(
    nodes
      .filter(({ 'node-name': name }) => /^(?:#.*|t|t-file)$/u.test(name))
      .map(({ 'node-name': name, drv, file }) => [name, `${drv} of ${file}`]),
  )
  const shown = (list: readonly object[], renamed: (key: string) => boolean): string[] =>
    list
      .map((item) =>
        JSON.stringify(item, (key, value: unknown) =>
          typeof value === 'string' && renamed(key) ? (names.get(value) ?? value) : value,
        ),
      )
      .toSorted()
  return {
    nodes: shown(graph.nodes, (key) => key !== 'filename'),
    edges: shown(graph.edges, (key) => key !== 'name'),
    told: shown(nodes, (key) => key === 'node-name'),
  }
}

const JOB = { 'job-id': 'j', 'auto-dismiss': false, 'auto-finalize': false }

describe('an older command that brings an image along', () => {
  const same = async (left: Way, right: Way, about: About = {}): Promise<void> => {
    assert.deepEqual(await told(left, about), await told(right, about))
  }

  describe('drive-backup', () => {
    const FOUND = { discard: 'unmap', 'detect-zeroes': 'unmap' }
    const copy = (sync: string, more: object = {}): Call => [
      'blockdev-copy',
      {
        ...JOB,
        source: 'top',
        target: 't',
        sync,
        'copy-mode': 'before-write/active',
        ...more,
      },
    ]
    const after: readonly Call[] = [['blockdev-del', { 'node-name': 't' }]]
    const backup = (sync: string, more: object = {}): Way => ({
      copy: ['drive-backup', { ...JOB, device: 'top', target: 't', sync, ...more }],
    })
    const file = { driver: 'file', filename: 't', discard: 'unmap' }

    it('of all is a copy to an image that was made and added', async () => {
      const before = [...makes('t'), adds('t', { ...FOUND, file })]
      await same(backup('full'), { before, copy: copy('full'), after })
    })

    it('of the top is one to an overlay of the base', async () => {
      const before = [...makes('t', OVER_BASE), adds('t', { ...FOUND, file, backing: 'base' })]
      await same(backup('top'), { before, copy: copy('top'), after })
    })

    it('of what is overwritten is one to an overlay of the source', async () => {
      const names = { 'backing-file': 'top', 'backing-fmt': 'qcow2' }
      const before = [...makes('t', names), adds('t', { ...FOUND, file, backing: 'top' })]
      const about = { ends: ['job-cancel'] }
      await same(backup('none'), { before, copy: copy('none'), after }, about)
    })

    it('of what a bitmap has is one with the same bitmap', async () => {
      const bitmap = { bitmap: 'b', 'bitmap-mode': 'on-success' }
      const before = [...makes('t'), adds('t', { ...FOUND, file })]
      await same(backup('bitmap', bitmap), { before, copy: copy('bitmap', bitmap), after })
    })

    it('to an image that is there is one to what it is opened as', async () => {
      const before = [adds('t', { ...FOUND, file })]
      const existing = backup('top', { mode: 'existing', format: 'qcow2' })
      await same(existing, { before, copy: copy('top'), after }, { isThere: true })
    })

    it('in a transaction is a copy as well', async () => {
      const { copy: single } = backup('full')
      const actions = [{ type: 'drive-backup', data: single[1] }]
      await same(backup('full'), { copy: ['transaction', { actions }] })
    })
  })

  describe('drive-mirror', () => {
    const copy = (sync: string, more: object = {}): Call => [
      'blockdev-copy',
      { ...JOB, source: 'top', target: 't', sync, ...more },
    ]
    const mirror = (sync: string, more: object = {}): Way => ({
      copy: [
        'drive-mirror',
        { ...JOB, device: 'top', target: 't', 'node-name': 't', sync, ...more },
      ],
    })
    const after: readonly Call[] = [['blockdev-del', { 'node-name': 't' }]]

    it('of all is a copy to an image that was made and added', async () => {
      const before = [...makes('t'), adds('t')]
      await same(mirror('full'), { before, copy: copy('full') })
    })

    it('of the top is one to an overlay of the base', async () => {
      const before = [...makes('t', OVER_BASE), adds('t', { backing: 'base' })]
      await same(mirror('top'), { before, copy: copy('top') })
    })

    it('of what is written from now on is one to what becomes an overlay of the source', async () => {
      const names = { 'backing-file': 'top', 'backing-fmt': 'qcow2' }
      const file = { driver: 'file', 'node-name': 't-file', filename: 't' }
      const before = [...makes('t', names), adds('t', { file, backing: null })]
      // A client has to see to it that nobody reads in between; the older command leaves no gap.
      const over = { driver: 'qcow2', 'node-name': 't', file: 't-file', backing: 'top' }
      const then: readonly Call[] = [['blockdev-reopen', { options: [over] }]]
      await same(mirror('none'), { before, copy: copy('none'), after: then })
    })

    it('to an image that is there is one to what it is opened as', async () => {
      const existing = mirror('top', { mode: 'existing', format: 'qcow2' })
      await same(existing, { before: [adds('t')], copy: copy('top') }, { isThere: true })
    })

    it('that writes at once is one that does', async () => {
      const before = [...makes('t'), adds('t')]
      const way = { before, copy: copy('full', { 'copy-mode': 'after-write/active' }) }
      await same(mirror('full', { 'copy-mode': 'write-blocking' }), way)
    })

    it('that is cancelled leaves all as it was, but the image', async () => {
      const before = [...makes('t'), adds('t')]
      const about = { ends: ['job-cancel'] }
      await same(mirror('full'), { before, copy: copy('full'), after }, about)
    })
  })
})
