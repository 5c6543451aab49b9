/** `blockdev-create`. */
import type { Driver } from '../../block/driver.ts'
import type { Member, Members, Schema, Union } from '../../block/option.ts'
import { declare, opt } from '../../block/option.ts'
import { create } from '../../jobs/create.ts'
import { BlockError } from '../../util/errors.ts'
import type { Command } from '../command.ts'
import { defineCommand } from '../command.ts'
import { blockdevReference } from '../schema/blockdev.ts'

interface Given {
  readonly driver: string
}

export function createCommand(drivers: readonly Driver[]): Command {
  return defineCommand({
    name: 'blockdev-create',
    doc: 'Makes an image, as a job that its client must dismiss.',
    args: {
      'job-id': opt.str({ doc: 'Name of the job.' }),
      options: opt.of<Given>(createOptions(drivers))({ doc: 'What to make.' }),
    },
    async run({ engine }, { 'job-id': id, options: { driver: name, ...options } }) {
      const creation = drivers.find((driver) => driver.name === name)?.create
      if (creation === undefined) throw new BlockError('Driver does not support blockdev-create')
      const { graph, services, jobs } = engine
      await jobs.launch(create, { creation, options, graph, services }, { id, autoDismiss: false })
    },
  })
}

function createOptions(drivers: readonly Driver[]): Union {
  const file = declare<unknown>(blockdevReference(drivers))({ doc: 'The node to write to.' })
  const driverName: Schema = {
    kind: 'enum',
    name: 'BlockdevDriver',
    values: drivers.map(({ name }) => ({ name })),
  }
  // QEMU lists first those that it can make.
  const makers = drivers.filter((driver) => driver.create !== undefined)
  const others = drivers.filter((driver) => driver.create === undefined)
  return {
    kind: 'union',
    name: 'BlockdevCreateOptions',
    tag: 'driver',
    base: {
      driver: declare<string>(driverName)({ doc: 'Driver of the image.' }),
    },
    variants: Object.fromEntries(
      [...makers, ...others].map((driver) => [driver.name, membersOf(driver)]),
    ),
  }

  function membersOf({ create: creation }: Driver): Members {
    if (creation === undefined) return {}
    const own = Object.fromEntries(
      Object.entries(creation.options).map(([name, member]) => [name, withDrivers(member)]),
    )
    return creation.needsFile ? { file, ...own } : own
  }

  function withDrivers(member: Member): Member {
    const { schema } = member
    return schema.kind === 'enum' && schema.name === 'BlockdevDriver'
      ? { ...member, schema: driverName }
      : member
  }
}
