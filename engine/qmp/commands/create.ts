/** `blockdev-create`. */
import type { Driver } from '../../block/driver.ts'
import type { Member, Members, Union } from '../../block/option.ts'
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
  return {
    kind: 'union',
    name: 'BlockdevCreateOptions',
    tag: 'driver',
    base: {
      driver: opt.enum(
        'BlockdevDriver',
        drivers.map(({ name }) => name),
      )({ doc: 'Driver of the image.' }),
    },
    variants: Object.fromEntries(drivers.map((driver) => [driver.name, membersOf(driver, file)])),
  }
}

function membersOf({ create: creation }: Driver, file: Member): Members {
  if (creation === undefined) return {}
  return creation.needsFile ? { file, ...creation.options } : creation.options
}
