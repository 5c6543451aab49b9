/** `query-qmp-schema`: what it says, that it is closed, and that a real QEMU says the same. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { testEngine } from './testing.ts'

interface Entry {
  readonly name: string
  readonly 'meta-type': string
  readonly features?: readonly string[]
  readonly 'arg-type'?: string
  readonly 'ret-type'?: string
  readonly 'element-type'?: string
  readonly 'json-type'?: string
  readonly tag?: string
  readonly members?: readonly { readonly name?: string; readonly type?: string }[]
  readonly variants?: readonly { readonly case: string; readonly type: string }[]
}
type Schema = ReadonlyMap<string, Entry>

function schemaOf(entries: readonly Entry[]): Schema {
  return new Map(entries.map((entry) => [entry.name, entry]))
}

async function ourSchema(): Promise<Schema> {
  const client = await testEngine().monitor()
  const [line] = await client.run('query-qmp-schema')
  return schemaOf((JSON.parse(line ?? '') as { return: Entry[] }).return)
}

function entry(schema: Schema, name: string | undefined): Entry {
  const found = schema.get(name ?? '')
  assert.ok(found, `there is a type ${String(name)}`)
  return found
}

describe('the schema', () => {
  it('flags x-blockdev-change as unstable', async () => {
    assert.deepEqual(entry(await ourSchema(), 'x-blockdev-change').features, ['unstable'])
  })

  it('hides the names of types', async () => {
    const schema = await ourSchema()
    assert.match(entry(schema, 'blockdev-add')['arg-type'] ?? '', /^[0-9]+$/)
  })

  it('lists each name once and describes each type that it mentions', async () => {
    const client = await testEngine().monitor()
    const [line] = await client.run('query-qmp-schema')
    const entries = (JSON.parse(line ?? '') as { return: Entry[] }).return
    const schema = schemaOf(entries)
    assert.equal(schema.size, entries.length)
    for (const each of entries) {
      const mentioned = [
        each['arg-type'],
        each['ret-type'],
        each['element-type'],
        ...(each.members ?? []).map(({ type }) => type),
        ...(each.variants ?? []).map(({ type }) => type),
      ]
      for (const name of mentioned) if (name !== undefined) entry(schema, name)
    }
  })

  it('lists every driver with its options', async () => {
    const { engine } = testEngine()
    const schema = await ourSchema()
    const options = entry(schema, entry(schema, 'blockdev-add')['arg-type'])
    assert.equal(options.tag, 'driver')
    assert.deepEqual(
      options.variants?.map((variant) => variant.case),
      engine.drivers.map(({ name }) => name),
    )
  })

  it('agrees with a real 7.2 in all that it lists', async function () {
    const prefix = process.env['BLOCKSPEC_QEMU_PREFIX']
    if (prefix === undefined) this.skip()
    const real = realSchema(`${prefix}/qemu-7.2/bin/qemu-storage-daemon`)
    const ours = await ourSchema()
    const differences: string[] = []
    for (const each of ours.values()) {
      if (each['meta-type'] !== 'command' && each['meta-type'] !== 'event') continue
      compare(ours, real, each.name, each.name, each.name, differences, new Set())
    }
    assert.deepEqual(differences, [])
  })
})

function realSchema(program: string): Schema {
  const { stdout } = spawnSync(program, ['--chardev', 'stdio,id=c', '--monitor', 'c'], {
    input: '{"execute":"qmp_capabilities"}{"execute":"query-qmp-schema"}{"execute":"quit"}',
    maxBuffer: 1 << 26,
    encoding: 'utf8',
  })
  return schemaOf((JSON.parse(stdout.split('\n')[2] ?? '') as { return: Entry[] }).return)
}

/** What ours has and the real one has not, or has differently; that ours may lack things is fine. */
function compare(
  ours: Schema,
  real: Schema,
  name: string,
  realName: string,
  path: string,
  differences: string[],
  seen: Set<string>,
): void {
  if (seen.has(`${name} ${realName}`)) return
  seen.add(`${name} ${realName}`)
  const mine = entry(ours, name)
  const theirs = real.get(realName)
  const same = (what: string, left: unknown, right: unknown): void => {
    if (JSON.stringify(left) !== JSON.stringify(right)) {
      differences.push(`${path}: ${what}: ${JSON.stringify(left)} not ${JSON.stringify(right)}`)
    }
  }
  for (const what of ['meta-type', 'features', 'tag', 'json-type'] as const) {
    same(what, mine[what], theirs?.[what])
  }
  const deeper = (left: string | undefined, right: string | undefined, where: string): void => {
    if (left === undefined) return
    compare(ours, real, left, right ?? '', `${path}${where}`, differences, seen)
  }
  deeper(mine['arg-type'], theirs?.['arg-type'], '(')
  deeper(mine['ret-type'], theirs?.['ret-type'], ')')
  deeper(mine['element-type'], theirs?.['element-type'], '[]')
  const names = (mine.members ?? []).map((member) => member.name)
  const others = (theirs?.members ?? []).filter((member) => names.includes(member.name))
  const isAlternate = mine['meta-type'] === 'alternate'
  const twins = isAlternate ? (theirs?.members ?? []) : others
  mine.members?.forEach((member, index) => {
    const twin = twins[index]
    same('member', { ...member, type: '' }, { ...twin, type: '' })
    deeper(member.type, twin?.type, `.${member.name ?? String(index)}`)
  })
  for (const variant of mine.variants ?? []) {
    const twin = theirs?.variants?.find((other) => other.case === variant.case)
    deeper(variant.type, twin?.type, `<${variant.case}>`)
  }
}
