/** `--drivers`: which drivers may be used, read before anything is opened. */
import { checkMembers } from '../../block/check.ts'
import type { Driver } from '../../block/driver.ts'
import { driversIn } from '../../block/in-profile.ts'
import { opt, type Values } from '../../block/option.ts'
import { checkLists, listedDrivers, type WhiteLists } from '../../block/white-lists.ts'
import { DRIVERS } from '../../drivers/index.ts'
import { PROFILES, type ProfileName } from '../../profiles/index.ts'
import { parseOptionText } from '../keyval.ts'

const LISTS = {
  rw: opt.str({ optional: true, doc: 'Drivers that may write, with colons between them.' }),
  ro: opt.str({ optional: true, doc: 'Drivers that may be read, with colons between them.' }),
} as const

/** The lists, or the text that tells them. @throws {BlockError} for what names no driver. */
export function readDriversOption(
  text: string,
  profile: ProfileName,
): { readonly lists: WhiteLists } | { readonly help: string } {
  const parsed = parseOptionText(text, undefined)
  const drivers = driversIn(PROFILES[profile], DRIVERS)
  // They were checked against these very members.
  const { rw, ro } = checkMembers(LISTS, parsed.value, parsed.wire) as Values<typeof LISTS>
  const lists = { rw: namesIn(rw), ro: namesIn(ro) }
  checkLists(drivers, lists)
  if (!parsed.help) return { lists }
  return { help: formatsText(listedDrivers(drivers, lists, PROFILES[profile]['drivers.readOnly'])) }
}

function namesIn(text: string | undefined): readonly string[] {
  return text === undefined || text === '' ? [] : text.split(':')
}

/** As QEMU prints them: those that may write, then all that may be read. */
function formatsText(drivers: readonly Driver[]): string {
  const names = (access: readonly Driver['access'][]): string =>
    drivers
      .filter((driver) => access.includes(driver.access))
      .map(({ name }) => name)
      .toSorted()
      .join(' ')
  return (
    `Supported formats: ${names(['any'])}\n` +
    `Supported formats (read-only): ${names(['any', 'read-only'])}\n`
  )
}
