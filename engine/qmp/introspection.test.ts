/** `query-qmp-schema`: what it says, that it is closed, and that a real QEMU says the same. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import type { SchemaEntry } from '../../.ci/introspect-diff-compare.ts'
import { compareSchemas } from '../../.ci/introspect-diff-compare.ts'
import type { Driver } from '../block/driver.ts'
import { defineDriver } from '../block/driver.ts'
import { opt } from '../block/option.ts'
import { PROFILES } from '../profiles/index.ts'
import type { Command } from './command.ts'
import { createCommands } from './commands/index.ts'
import { describeSchema } from './introspection.ts'
import { testEngine } from './testing.ts'

type Schema = ReadonlyMap<string, SchemaEntry>

function schemaOf(entries: readonly SchemaEntry[]): Schema {
  return new Map(entries.map((entry) => [entry.name, entry]))
}

async function ourSchema(): Promise<Schema> {
  const client = await testEngine().monitor()
  const [line] = await client.run('query-qmp-schema')
  return schemaOf((JSON.parse(line ?? '') as { return: SchemaEntry[] }).return)
}

function entry(schema: Schema, name: string | undefined): SchemaEntry {
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
    const entries = (JSON.parse(line ?? '') as { return: SchemaEntry[] }).return
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
      engine.drivers.map(({ name }) => name).toSorted(),
    )
  })

  it('agrees with a real 7.2 in all that it lists', async function () {
    const prefix = process.env['BLOCKSPEC_QEMU_PREFIX']
    if (prefix === undefined) this.skip()
    const real = realSchema(`${prefix}/qemu-7.2/bin/qemu-storage-daemon`)
    const lines = compareSchemas([...(await ourSchema()).values()], real)
    assert.deepEqual(
      lines.filter((line) => !line.endsWith(': missing')),
      [],
    )
  })
})

describe('what introspect:diff tells', () => {
  const driver = defineDriver({
    name: 'example',
    kind: 'protocol',
    doc: '',
    options: { size: opt.size({ doc: '' }), mode: opt.str({ optional: true, doc: '' }) },
    children: {},
    open: () => ({ length: () => 0, read: () => undefined, write: () => undefined }),
  })
  const withDrivers = (drivers: readonly Driver[]): ReadonlyMap<string, Command> =>
    createCommands({ profile: PROFILES.qemu, drivers, objectTypes: [] })
  const whole = withDrivers([driver])
  const differences = (changed: ReadonlyMap<string, Command>): readonly string[] =>
    compareSchemas(
      describeSchema(changed) as unknown as readonly SchemaEntry[],
      describeSchema(whole) as unknown as readonly SchemaEntry[],
    )

  it('is nothing where nothing differs', () => {
    assert.deepEqual(differences(whole), [])
  })

  it('is an option that is gone from a declaration', () => {
    const { mode: _, ...options } = driver.options
    assert.deepEqual(differences(withDrivers([{ ...driver, options }])), [
      'blockdev-add()<example>.mode: missing',
    ])
  })

  it('is a command that is gone', () => {
    const commands = new Map(whole)
    commands.delete('block-dirty-bitmap-merge')
    assert.deepEqual(differences(commands), ['command block-dirty-bitmap-merge: missing'])
  })

  it('is a feature that is gone', () => {
    const commands = new Map(whole)
    const command = commands.get('x-blockdev-change')
    assert.ok(command)
    commands.set(command.name, { ...command, features: [] })
    assert.deepEqual(differences(commands), [
      'x-blockdev-change: features [] is ["unstable"] in the real one',
    ])
  })

  it('is another order, type or need of an option', () => {
    const options = {
      mode: opt.size({ optional: true, doc: '' }),
      size: opt.size({ optional: true, doc: '' }),
    }
    assert.deepEqual(differences(withDrivers([{ ...driver, options }])), [
      'blockdev-add()<example>: order ["mode","size"] is ["size","mode"] in the real one',
      'blockdev-add()<example>.size: optional true is false in the real one',
      'blockdev-add()<example>.mode: json-type "int" is "string" in the real one',
    ])
  })
})

function realSchema(program: string): readonly SchemaEntry[] {
  const { stdout } = spawnSync(program, ['--chardev', 'stdio,id=c', '--monitor', 'c'], {
    input: '{"execute":"qmp_capabilities"}{"execute":"query-qmp-schema"}{"execute":"quit"}',
    maxBuffer: 1 << 26,
    encoding: 'utf8',
  })
  return (JSON.parse(stdout.split('\n')[2] ?? '') as { return: SchemaEntry[] }).return
}
