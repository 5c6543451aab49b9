/** Making the file of a new image by its name, as commands do that bring their images along. */
import type { Driver } from '../block/driver.ts'
import { ALL_PERMISSIONS, RESIZE, WRITE } from '../block/permission.ts'
import { BlockError } from '../util/errors.ts'
import type { Environment } from './environment.ts'
import { driverForName, optionsInName } from './filename.ts'
import type { NewImage } from './graph.ts'
import { openNode, releaseHold } from './open.ts'
import { RootUser } from './user.ts'

/** @throws {BlockError} The file may be there then, and hold no image. */
export async function createImage(environment: Environment, about: NewImage): Promise<void> {
  const { filename, format, bytes, backing } = about
  const driver = environment.drivers.get(format)
  if (driver === undefined) throw new BlockError(`Unknown file format '${format}'`)
  const { driver: protocol, prefix } = driverForName(filename, environment.drivers)
  checkCanCreate(driver, about)
  if (filename === backing.filename) {
    throw new BlockError(
      'Error: Trying to create an image with the same filename as the backing file',
    )
  }
  environment.services.log(formattingLine(about), 'output')
  await createFile(environment, protocol, optionsInName(filename, protocol, prefix).get('filename'))
  const options = {
    size: bytes,
    'backing-file': backing.filename,
    'backing-fmt': backing.format,
  }
  const file = await openNode(environment, { filename, options: new Map(), protocol: true })
  try {
    await using user = new RootUser(environment, file, {
      uses: WRITE | RESIZE,
      shares: ALL_PERMISSIONS,
      writesPastEnd: true,
    })
    const { services } = environment
    await driver.create?.run({ options, file: user, services })
  } finally {
    await releaseHold(environment, file)
  }
}

function checkCanCreate({ create, imageIsFile }: Driver, { format }: NewImage): void {
  if (create === undefined && !imageIsFile) {
    throw new BlockError(`Format driver '${format}' does not support image creation`)
  }
  if (create?.options['backing-file'] !== undefined) return
  throw new BlockError(`Backing file not supported for file format '${format}'`)
}

async function createFile(
  { services }: Environment,
  { name, create }: Driver,
  filename: unknown,
): Promise<void> {
  if (typeof filename !== 'string' || create?.options['filename'] === undefined) {
    throw new BlockError(`Making images over '${name}' is not built yet`)
  }
  await create.run({ options: { filename, size: 0 }, file: undefined, services })
}

/** What QEMU prints of an image that it makes with nothing but defaults. */
function formattingLine({ filename, format, bytes, backing }: NewImage): string {
  const quoted = (text: string): string => text.replaceAll(',', ',,')
  return (
    `Formatting '${filename}', fmt=${format} cluster_size=65536 extended_l2=off ` +
    `compression_type=zlib size=${String(bytes)} backing_file=${quoted(backing.filename)} ` +
    `backing_fmt=${backing.format} lazy_refcounts=off refcount_bits=16`
  )
}
