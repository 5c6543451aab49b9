/** Asks a target what it is: greeting, version, introspection. */
import type { Value } from '../../dsl/plan.ts'
import { isList, isMap, member } from '../json.ts'
import { DeadlineError, GoneError, Session } from '../session.ts'
import type { Nature } from './capabilities.ts'
import { createCapabilities } from './capabilities.ts'
import type { Capabilities, Machine, SchemaEntry, Station } from './target.ts'
import { TargetError } from './target.ts'

const WITHIN_MS = 10_000

/** @throws {TargetError} when the target does not start, dies, or does not speak QMP. */
export async function probeStation(
  station: Station,
  nature: Nature,
  name: string,
): Promise<Capabilities> {
  let machine: Machine | undefined
  try {
    return await station.play(async () => {
      machine = await station.start({ args: {}, compat: {} })
      const session = new Session(machine.monitor, station.host.clock)
      const result = await ask(session, nature)
      await machine.stop()
      return result
    }, `probing ${name}`)
  } catch (error) {
    if (error instanceof GoneError || error instanceof DeadlineError) {
      const log = machine?.log().trim() ?? ''
      throw new TargetError(`target ${name}: ${error.message}${log === '' ? '' : `\n${log}`}`)
    }
    throw error
  } finally {
    machine?.kill()
    await station.close(false)
  }
}

async function ask(session: Session, nature: Nature): Promise<Capabilities> {
  const greeting = await session.negotiate(WITHIN_MS)
  const about = member(member(greeting, 'QMP'), 'version')
  const version = readVersion(about)
  const greeted = member(about, 'package')
  const reply = await session.command('query-qmp-schema', undefined, WITHIN_MS)
  if (reply.kind === 'error') throw new TargetError(`query-qmp-schema failed: ${reply.desc}`)
  const schema = readSchema(reply.value)
  return createCapabilities(nature, version, schema, typeof greeted === 'string' ? greeted : '')
}

/** Besides `package` the one member with numbers: `qemu`, whatever a patched build calls it. */
function readVersion(version: Value | undefined): string {
  for (const numbers of isMap(version) ? Object.values(version) : []) {
    const parts = ['major', 'minor', 'micro'].map((name) => member(numbers, name))
    if (parts.every((part) => typeof part === 'number')) return parts.join('.')
  }
  return '0.0.0'
}

function readSchema(value: Value): readonly SchemaEntry[] {
  if (!isList(value)) throw new TargetError('query-qmp-schema returned no list')
  return value.filter((entry): entry is SchemaEntry & Value => {
    return (
      typeof member(entry, 'name') === 'string' && typeof member(entry, 'meta-type') === 'string'
    )
  })
}
