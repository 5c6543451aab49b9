/** Making the file of a new image by its name, as commands do that bring their images along. */
import type { Creation, Driver } from '../block/driver.ts'
import {
  completed,
  formattingLine,
  imageValues,
  UNBUILT_FORMATS,
  type ImageOption,
  type ImageValues,
} from '../block/image-options.ts'
import { ALL_PERMISSIONS, CONSISTENT_READ, RESIZE, WRITE } from '../block/permission.ts'
import { BlockError } from '../util/errors.ts'
import { ownPrefix } from './choose-driver.ts'
import type { Environment } from './environment.ts'
import { besideOf, driverForName, hasProtocol, isAbsolute, optionsInName } from './filename.ts'
import type { NewImage } from './graph.ts'
import { releaseHold } from './lifecycle.ts'
import { NodeOfNewImage } from './new-image-file.ts'
import { openNode } from './open.ts'
import { RootUser } from './user.ts'

/** What is looked at of a file that was there before, so that nobody takes it for what it was. */
const HEAD_BYTES = 512

/** @throws {BlockError} A file that was made or emptied may be there then, and hold no image. */
export async function createImage(environment: Environment, about: NewImage): Promise<void> {
  const { filename, format } = about
  const driver = formatOf(environment, format)
  const { driver: protocol } = driverForName(filename, environment.drivers)
  checkCanCreate(driver, protocol, about)
  if (filename === about.words.get('backing_file')) {
    throw new BlockError(
      'Error: Trying to create an image with the same filename as the backing file',
    )
  }
  if (about.opensBacking === true) await tryBacking(environment, about)
  const words = completed(optionsOver(driver, protocol), about.words)
  environment.services.log(formattingLine(filename, format, words), 'output')
  await make(environment, driver, { filename, values: imageValues(words) })
}

/** Those of the format, and what the storage below has besides. */
function optionsOver(driver: Driver, protocol: Driver): readonly ImageOption[] {
  const own = driver.imageOptions ?? []
  const names = new Set(own.map(({ name }) => name))
  return [...own, ...(protocol.imageOptions ?? []).filter(({ name }) => !names.has(name))]
}

function formatOf({ drivers }: Environment, format: string): Driver {
  const driver = drivers.get(format)
  if (driver !== undefined) return driver
  if (UNBUILT_FORMATS.includes(format)) {
    throw new BlockError(`Making images of format '${format}' is not built yet`)
  }
  throw new BlockError(`Unknown file format '${format}'`)
}

function checkCanCreate(driver: Driver, protocol: Driver, { words }: NewImage): void {
  if (driver.imageOptions === undefined) {
    throw new BlockError(`Format driver '${driver.name}' does not support image creation`)
  }
  if (protocol.imageOptions === undefined) {
    throw new BlockError(`Protocol driver '${protocol.name}' does not support image creation`)
  }
  if (!words.has('backing_file')) return
  if (driver.imageOptions.some(({ name }) => name === 'backing_file')) return
  throw new BlockError(`Backing file not supported for file format '${driver.name}'`)
}

/** Whether the backing image can be opened, under the name that the new image will have for it. */
async function tryBacking(environment: Environment, { filename, words }: NewImage): Promise<void> {
  const name = words.get('backing_file')
  if (name === undefined) return
  if (filename === '' && !hasProtocol(name) && !isAbsolute(name)) {
    throw new BlockError(`Cannot use relative backing file names for '${filename}'`)
  }
  const node = await openNode(environment, {
    filename: besideOf(filename, name),
    options: new Map<string, unknown>([
      ['driver', words.get('backing_fmt')],
      ['force-share', true],
      ['read-only', true],
    ]),
    protocol: false,
  })
  await releaseHold(environment, node)
}

/** What is to be made, and where. */
interface Wanted {
  readonly filename: string
  readonly values: ImageValues
}

function make(environment: Environment, driver: Driver, wanted: Wanted): Promise<void> {
  if (driver.create?.needsFile === true) {
    return makeFormat(environment, driver.create, wanted)
  }
  return makeFile(environment, driver.imageIsFile ? undefined : driver, wanted)
}

const EMPTY = imageValues(new Map([['size', '0']]))

async function makeFormat(
  environment: Environment,
  creation: Creation,
  { filename, values }: Wanted,
): Promise<void> {
  await makeFile(environment, undefined, { filename, values: EMPTY })
  const file = await openNode(environment, { filename, options: new Map(), protocol: true })
  const { services } = environment
  try {
    const options = creation.fromWords(values)
    await using storage = new NodeOfNewImage(environment, file)
    await creation.run({ options, file: storage, services })
  } catch (error) {
    file.driver.create?.undo?.(file.given.checked, services)
    throw error
  } finally {
    await releaseHold(environment, file)
  }
}

/** @param driver - The one that the format means; else the name says which. */
async function makeFile(
  environment: Environment,
  driver: Driver | undefined,
  { filename, values }: Wanted,
): Promise<void> {
  const { drivers, services } = environment
  const found =
    driver === undefined
      ? driverForName(filename, drivers)
      : { driver, prefix: ownPrefix(driver, filename) }
  const { create } = found.driver
  if (create === undefined) {
    await makeByOpening(environment, found.driver, filename, values.number('size') ?? 0)
    return
  }
  const place = optionsInName(filename, found.driver, found.prefix, new Map())
  const where = create.at?.(place) ?? Object.fromEntries(place)
  const options = { ...create.fromWords(values), ...where }
  await create.run({ options, file: undefined, services })
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
