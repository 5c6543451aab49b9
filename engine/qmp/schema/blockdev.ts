/** What `blockdev-add` takes: the generic options and, by driver, the driver's own and its children. */
import type { ChildDeclaration, Driver } from '../../block/driver.ts'
import type { Member, Members, Schema, Union } from '../../block/option.ts'
import { declare, opt } from '../../block/option.ts'

const GENERIC = {
  'node-name': opt.str({ optional: true, doc: 'Name of the new node.' }),
  discard: opt.enum('BlockdevDiscardOptions', ['ignore', 'unmap'])({
    optional: true,
    doc: 'What becomes of discard requests.',
  }),
  cache: opt.of({
    kind: 'struct',
    name: 'BlockdevCacheOptions',
    members: {
      direct: opt.bool({ optional: true, doc: 'Bypass the host page cache.' }),
      'no-flush': opt.bool({ optional: true, doc: 'Ignore flush requests.' }),
    },
  })({ optional: true, doc: 'Cache options.' }),
  'read-only': opt.bool({ optional: true, doc: 'Whether the node takes no writes.' }),
  'auto-read-only': opt.bool({
    optional: true,
    doc: 'Fall back to read-only where the image cannot be opened for writing.',
  }),
  'force-share': opt.bool({ optional: true, doc: 'Share the image with all other users of it.' }),
  'detect-zeroes': opt.enum('BlockdevDetectZeroesOptions', ['off', 'on', 'unmap'])({
    optional: true,
    when: 'superseded',
    doc: 'Turn writes of zeroes into zero writes.',
  }),
} as const satisfies Members

/** The union over all drivers; children nest it. */
export function blockdevOptions(drivers: readonly Driver[]): Union {
  const union: Union = {
    kind: 'union',
    name: 'BlockdevOptions',
    tag: 'driver',
    base: {
      driver: opt.enum(
        'BlockdevDriver',
        drivers.map(({ name }) => name),
      )({ doc: 'Driver of the node.' }),
      ...GENERIC,
    },
    // QEMU lists the options by name, the drivers nearly so.
    variants: Object.fromEntries(
      drivers
        .toSorted((left, right) => (left.name < right.name ? -1 : 1))
        .map((driver) => [driver.name, membersOf(driver, later)]),
    ),
    variantFeatures: Object.fromEntries(drivers.map(({ name, features }) => [name, features])),
  }
  function later(): Schema {
    return union
  }
  return union
}

/** A node by its name, or by the options of a new one. */
export function blockdevReference(drivers: readonly Driver[]): Schema {
  return reference(() => blockdevOptions(drivers), false)
}

function reference(options: () => Schema, nullable: boolean): Schema {
  return {
    kind: 'alternate',
    name: nullable ? 'BlockdevRefOrNull' : 'BlockdevRef',
    branches: [{ kind: 'later', schema: options }, { kind: 'str' }, ...(nullable ? [NULL] : [])],
  }
}

function membersOf(driver: Driver, options: () => Schema): Members {
  const children = Object.entries(driver.children).map(
    ([name, child]) => [name, childMember(child, options)] as const,
  )
  const declared: ReadonlyMap<string, Member> = new Map([
    ...children,
    ...Object.entries(driver.options),
  ])
  const names = driver.memberOrder ?? [...declared.keys()]
  return Object.fromEntries(
    names.flatMap((name) => {
      const member = declared.get(name)
      return member === undefined ? [] : [[name, member] as const]
    }),
  )
}

function childMember(child: ChildDeclaration, options: () => Schema): Member {
  const one = reference(options, child.nullable === true || child.holes !== undefined)
  const schema: Schema = child.list === true ? { kind: 'list', of: one } : one
  const about = { doc: child.doc }
  return child.optional === true
    ? declare<unknown>(schema)({ ...about, optional: true })
    : declare<unknown>(schema)(about)
}

const NULL: Schema = { kind: 'null' }
