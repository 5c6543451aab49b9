/**
 * What this machine says about names and about machines beside it, which differs from one to the
 * next. The real daemon hears it from the system; the engine's simulated machine is told.
 */
import { lookup } from 'node:dns/promises'
import { BlockError, createRealHost, type Surroundings } from '../../engine/index.ts'

/** The machine and the port that sequences name. */
const PEER = { type: 'vsock', cid: 1, port: 2, text: '1:2' } as const

/** May take the seconds after which the system gives up a connection. */
export async function findSurroundings(): Promise<Partial<Surroundings>> {
  const [localhost, vsock] = await Promise.all([localhostAddresses(), vsockAnswer()])
  return { localhost, ...(vsock === undefined ? {} : { vsock }) }
}

async function localhostAddresses(): Promise<readonly string[]> {
  try {
    return (await lookup('localhost', { all: true })).map(({ address }) => address)
  } catch {
    // A machine may know no such name.
    return []
  }
}

async function vsockAnswer(): Promise<Surroundings['vsock'] | undefined> {
  try {
    const stream = await createRealHost().sockets.connect(PEER)
    stream.destroy()
    return undefined
  } catch (error) {
    if (error instanceof BlockError) return error.errno
    throw error
  }
}
