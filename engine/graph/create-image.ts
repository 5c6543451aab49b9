/** Making the file of a new image by its name, as commands do that bring their images along. */
import type { Driver } from '../block/driver.ts'
import { completed, formattingLine, UNBUILT_FORMATS } from '../block/image-options.ts'
import { ALL_PERMISSIONS, CONSISTENT_READ, RESIZE, WRITE } from '../block/permission.ts'
import { BlockError } from '../util/errors.ts'
import { ownPrefix } from './choose-driver.ts'
import type { Environment } from './environment.ts'
import { besideOf, driverForName, optionsInName } from './filename.ts'
import type { NewImage } from './graph.ts'
import { openNode, releaseHold } from './open.ts'
import { RootUser } from './user.ts'

/** What is looked at of a file that was there before, so that nobody takes it for what it was. */
const HEAD_BYTES = 512

/** @throws {BlockError} A file that was made or emptied may be there then, and hold no image. */
export async function createImage(environment: Environment, about: NewImage): Promise<void> {
  const { filename, format, backing } = about
  const driver = formatOf(environment, format)
  const { driver: protocol } = driverForName(filename, environment.drivers)
  checkCanCreate(driver, protocol, about)
  if (filename === backing?.filename) {
    throw new BlockError(
      'Error: Trying to create an image with the same filename as the backing file',
    )
  }
  if (about.opensBacking === true) await tryBacking(environment, about)
  environment.services.log(formattingLine(filename, format, wordsOf(driver, about)), 'output')
  await make(environment, driver, about)
}

function formatOf({ drivers }: Environment, format: string): Driver {
  const driver = drivers.get(format)
  if (driver !== undefined) return driver
  if (UNBUILT_FORMATS.includes(format)) {
    throw new BlockError(`Making images of format '${format}' is not built yet`)
  }
  throw new BlockError(`Unknown file format '${format}'`)
}

function checkCanCreate(driver: Driver, protocol: Driver, { backing }: NewImage): void {
  if (driver.imageOptions === undefined) {
    throw new BlockError(`Format driver '${driver.name}' does not support image creation`)
  }
  if (protocol.imageOptions === undefined) {
    throw new BlockError(`Protocol driver '${protocol.name}' does not support image creation`)
  }
  if (backing === undefined) return
  if (driver.imageOptions.some(({ name }) => name === 'backing_file')) return
  throw new BlockError(`Backing file not supported for file format '${driver.name}'`)
}

/** Whether the backing image can be opened, under the name that the new image will have for it. */
async function tryBacking(
  environment: Environment,
  { filename, backing }: NewImage,
): Promise<void> {
  if (backing === undefined) return
  const node = await openNode(environment, {
    filename: besideOf(filename, backing.filename),
    options: new Map<string, unknown>([
      ['driver', backing.format],
      ['force-share', true],
      ['read-only', true],
    ]),
    protocol: false,
  })
  await releaseHold(environment, node)
}

function wordsOf({ imageOptions = [] }: Driver, about: NewImage): Map<string, string> {
  const { bytes, backing } = about
  const given = new Map([['size', String(bytes)]])
  if (backing !== undefined) {
    given.set('backing_file', backing.filename)
    given.set('backing_fmt', backing.format)
  }
  return completed(imageOptions, given)
}

function make(environment: Environment, driver: Driver, about: NewImage): Promise<void> {
  const { filename, bytes } = about
  if (driver.create?.needsFile === true) return makeFormat(environment, driver, about)
  return makeFile(environment, driver.imageIsFile ? undefined : driver, filename, bytes)
}

async function makeFormat(
  environment: Environment,
  driver: Driver,
  { filename, bytes, backing }: NewImage,
): Promise<void> {
  await makeFile(environment, undefined, filename, 0)
  const file = await openNode(environment, { filename, options: new Map(), protocol: true })
  const { services } = environment
  try {
    await using user = newUser(environment, file)
    const options = {
      size: bytes,
      'backing-file': backing?.filename,
      'backing-fmt': backing?.format,
    }
    await driver.create?.run({ options, file: user, services })
  } catch (error) {
    file.driver.create?.undo?.(file.given.checked, services)
    throw error
  } finally {
    await releaseHold(environment, file)
  }
}

function newUser(environment: Environment, file: Awaited<ReturnType<typeof openNode>>): RootUser {
  return new RootUser(environment, file, {
    uses: WRITE | RESIZE,
    shares: ALL_PERMISSIONS,
    writesPastEnd: true,
  })
}

/** @param driver - The one that the format means; else the name says which. */
async function makeFile(
  environment: Environment,
  driver: Driver | undefined,
  filename: string,
  bytes: number,
): Promise<void> {
  const { drivers, services } = environment
  const found =
    driver === undefined
      ? driverForName(filename, drivers)
      : { driver, prefix: ownPrefix(driver, filename) }
  const { create } = found.driver
  if (create === undefined) {
    await makeByOpening(environment, found.driver, filename, bytes)
    return
  }
  const options = Object.fromEntries(optionsInName(filename, found.driver, found.prefix, new Map()))
  await create.run({ options: { ...options, size: bytes }, file: undefined, services })
}

/** Storage that cannot be made may be there already, and large enough. */
async function makeByOpening(
  environment: Environment,
  driver: Driver,
  filename: string,
  bytes: number,
): Promise<void> {
  const options = new Map([['driver', driver.name]])
  let node: Awaited<ReturnType<typeof openNode>>
  try {
    node = await openNode(environment, { filename, options, protocol: true })
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    throw BlockError.prepend(
      `Protocol driver '${driver.name}' does not support image creation, and opening the image failed`,
      error,
    )
  }
  try {
    await using user = new RootUser(environment, node, {
      uses: CONSISTENT_READ | WRITE | RESIZE,
      shares: ALL_PERMISSIONS,
    })
    await bringToSize(user, bytes)
    await clearHead(user)
  } finally {
    await releaseHold(environment, node)
  }
}

async function bringToSize(user: RootUser, bytes: number): Promise<void> {
  try {
    await user.truncate(bytes, { exact: false })
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    if (error.errno !== 'ENOTSUP' || user.length() < bytes) throw error
  }
}

async function clearHead(user: RootUser): Promise<void> {
  const bytes = Math.min(user.length(), HEAD_BYTES)
  try {
    await user.zero(0, bytes, { mayUnmap: true })
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    throw BlockError.system("Failed to clear the new image's first sector", error.errno)
  }
}
