/** Making the file of a new image, as its driver has it. */
import type { Creation, Driver } from '../block/driver.ts'
import {
  imageValues,
  UNBUILT_MAKERS,
  UNBUILT_READERS,
  type ImageOption,
  type ImageValues,
} from '../block/image-options.ts'
import { ALL_PERMISSIONS, CONSISTENT_READ, RESIZE, WRITE } from '../block/permission.ts'
import { BlockError } from '../util/errors.ts'
import { ownPrefix } from './choose-driver.ts'
import type { Environment } from './environment.ts'
import { driverForName, optionsInName } from './filename.ts'
import { releaseHold } from './lifecycle.ts'
import { NodeOfNewImage } from './new-image-file.ts'
import { openNode } from './open.ts'
import { RootUser } from './user.ts'

/** What is looked at of a file that was there before, so that nobody takes it for what it was. */
const HEAD_BYTES = 512

/** What is to be made, and where. */
export interface Wanted {
  readonly filename: string
  readonly words: ReadonlyMap<string, string>
}

/** @throws {BlockError} A file that was made or emptied may be there then, and hold no image. */
export function makeImage(environment: Environment, driver: Driver, wanted: Wanted): Promise<void> {
  const { create } = driver
  if (create?.needsFile === true) return makeFormat(environment, { ...driver, create }, wanted)
  return makeFile(environment, driver.imageIsFile ? undefined : driver, wanted)
}

/** What a format is not asked for it leaves to what stores it, whose file is empty at first. */
function wordsBelow(own: readonly ImageOption[], words: Wanted['words']): Wanted['words'] {
  const names = new Set(own.map(({ name }) => name))
  return new Map([...words].filter(([name]) => !names.has(name))).set('size', '0')
}

/** Names that mean a driver, whether it is built or not. */
function knownDrivers({ drivers }: Environment): readonly string[] {
  return [...drivers.keys(), ...UNBUILT_MAKERS, ...UNBUILT_READERS]
}

async function makeFormat(
  environment: Environment,
  { create: creation, imageOptions = [] }: Driver & { readonly create: Creation },
  { filename, words }: Wanted,
): Promise<void> {
  await makeFile(environment, undefined, { filename, words: wordsBelow(imageOptions, words) })
  const file = await openNode(environment, { filename, options: new Map(), protocol: true })
  const { services } = environment
  try {
    const options = creation.fromWords(imageValues(words), knownDrivers(environment))
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
  { filename, words }: Wanted,
): Promise<void> {
  const { drivers, services } = environment
  const values = imageValues(words)
  const found =
    driver === undefined
      ? driverForName(filename, drivers)
      : { driver, prefix: ownPrefix(driver, filename) }
  const { create } = found.driver
  if (create === undefined) {
    await makeByOpening(environment, found.driver, filename, values)
    return
  }
  const place = optionsInName(filename, found.driver, found.prefix, new Map())
  const where = create.at?.(place) ?? Object.fromEntries(place)
  const options = { ...create.fromWords(values, knownDrivers(environment)), ...where }
  await create.run({ options, file: undefined, services })
}

/** Storage that cannot be made may be there already, and large enough. */
async function makeByOpening(
  environment: Environment,
  driver: Driver,
  filename: string,
  values: ImageValues,
): Promise<void> {
  const preallocation = values.text('preallocation') ?? 'off'
  if (preallocation !== 'off') {
    throw new BlockError(`Unsupported preallocation mode '${preallocation}'`)
  }
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
    await bringToSize(user, values.number('size') ?? 0)
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
