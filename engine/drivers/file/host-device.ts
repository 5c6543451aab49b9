/** `host_device`: a disk or character device of the host. None is reached yet, each is refused. */
import { defineDriver } from '../../block/driver.ts'
import { STORAGE_OPTIONS } from '../../block/image-options.ts'
import { BlockError } from '../../util/errors.ts'
import { openAccess } from './access.ts'
import { checkAio, checkFileOptions, FILE_OPTIONS } from './options.ts'

export const hostDevice = defineDriver({
  name: 'host_device',
  kind: 'protocol',
  doc: 'Reads and writes a device of the host.',
  features: ['dynamic-auto-read-only'],
  options: FILE_OPTIONS,
  children: {},
  strongOptions: ['filename'],
  filename: ({ options }) => options.filename,
  needsFilename: true,
  prefixes: {
    host_device: (filename) => ({ filename: filename.replace(/^host_device:/, '') }),
  },
  imageOptions: STORAGE_OPTIONS,
  open(context) {
    const { options, node, services } = context
    const { filename } = options
    checkFileOptions(options, services)
    const file = openAccess(filename, context).current()
    const { device } = file
    file.close()
    checkAio(options, node.flags.direct)
    if (!device) {
      throw new BlockError(
        `'host_device' driver requires '${filename}' to be either a character or block device`,
      )
    }
    throw new BlockError(
      `Device '${filename}' cannot be used: devices are not built, they need ioctl calls`,
      { errno: 'ENOTSUP' },
    )
  },
})
