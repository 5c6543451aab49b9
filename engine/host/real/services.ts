/** The system's list of services and their TCP ports. */
import * as fs from 'node:fs'

const LIST = '/etc/services'

/** The port of a service by one of its names; absent where the system does not know it. */
export function servicePort(name: string): number | undefined {
  for (const line of readList().split('\n')) {
    const [service, port, ...aliases] = (line.split('#')[0] ?? '').trim().split(/\s+/)
    if (service !== name && !aliases.includes(name)) continue
    const [, number] = /^([0-9]+)\/tcp$/.exec(port ?? '') ?? []
    if (number !== undefined) return Number(number)
  }
  return undefined
}

function readList(): string {
  try {
    return fs.readFileSync(LIST, 'utf8')
  } catch {
    // A system without the list knows no service.
    return ''
  }
}
