/** Options of new images as words, in the order in which QEMU has them. */
import { checkValue } from '../../block/check.ts'
import { SIZE_OPTION, type ImageOption, type ImageValues } from '../../block/image-options.ts'
import { shape, type Schema } from '../../block/option.ts'
import type { Json } from '../../util/json.ts'
import { CREATE_OPTIONS, type CreateOptions } from './create.ts'

const encrypt = (name: string, help: string, type: ImageOption['type'] = 'str'): ImageOption => ({
  name: `encrypt.${name}`,
  type,
  help,
  unbuilt: true,
})

export const IMAGE_OPTIONS: readonly ImageOption[] = [
  {
    name: 'encryption',
    type: 'bool (on/off)',
    help: "Encrypt the image with format 'aes'. (Deprecated in favor of encrypt.format=aes)",
    unbuilt: true,
  },
  encrypt('format', "Encrypt the image, format choices: 'aes', 'luks'"),
  encrypt('key-secret', 'ID of secret providing qcow AES key or LUKS passphrase'),
  encrypt('cipher-alg', 'Name of encryption cipher algorithm'),
  encrypt('cipher-mode', 'Name of encryption cipher mode'),
  encrypt('ivgen-alg', 'Name of IV generator algorithm'),
  encrypt('ivgen-hash-alg', 'Name of IV generator hash algorithm'),
  encrypt('hash-alg', 'Name of encryption hash algorithm'),
  encrypt('iter-time', 'Time to spend in PBKDF in milliseconds', 'num'),
  { name: 'cluster_size', type: 'size', help: 'qcow2 cluster size', default: '65536' },
  { name: 'extended_l2', type: 'bool (on/off)', help: 'Extended L2 tables', default: 'off' },
  {
    name: 'preallocation',
    type: 'str',
    help: 'Preallocation mode (allowed values: off, metadata, falloc, full)',
  },
  {
    name: 'compression_type',
    type: 'str',
    help: 'Compression method used for image cluster compression',
    default: 'zlib',
  },
  SIZE_OPTION,
  { name: 'compat', type: 'str', help: 'Compatibility level (v2 [0.10] or v3 [1.1])' },
  { name: 'backing_file', type: 'str', help: 'File name of a base image' },
  { name: 'backing_fmt', type: 'str', help: 'Image format of the base image' },
  { name: 'data_file', type: 'str', help: 'File name of an external data file', unbuilt: true },
  {
    name: 'data_file_raw',
    type: 'bool (on/off)',
    help: 'The external data file must stay valid as a raw image',
  },
  {
    name: 'lazy_refcounts',
    type: 'bool (on/off)',
    help: 'Postpone refcount updates',
    default: 'off',
  },
  {
    name: 'refcount_bits',
    type: 'num',
    help: 'Width of a reference count entry in bits',
    default: '16',
  },
]

function optionsSchema(drivers: readonly string[]): Schema {
  const backingFormat = {
    ...CREATE_OPTIONS['backing-fmt'],
    schema: shape.enum('BlockdevDriver', drivers),
  }
  const members = { ...CREATE_OPTIONS, 'backing-fmt': backingFormat }
  return shape.struct('BlockdevCreateOptionsQcow2', members)
}

const VERSIONS: Readonly<Record<string, string>> = { '0.10': 'v2', '1.1': 'v3' }

/** The same as `blockdev-create` takes them, checked as there. */
export function creationOptions(values: ImageValues, drivers: readonly string[]): CreateOptions {
  const compat = values.text('compat')
  const members: [string, Json | undefined][] = [
    ['size', alignedSize(values.integer('size') ?? 0n)],
    ['version', compat === undefined ? undefined : (VERSIONS[compat] ?? compat)],
    ['backing-file', values.text('backing_file')],
    ['backing-fmt', values.text('backing_fmt')],
    ['data-file-raw', values.flag('data_file_raw')],
    ['extended-l2', values.flag('extended_l2')],
    ['cluster-size', values.integer('cluster_size')],
    ['preallocation', values.text('preallocation')],
    ['lazy-refcounts', values.flag('lazy_refcounts')],
    ['refcount-bits', signed(values.integer('refcount_bits'))],
    ['compression-type', values.text('compression_type')],
  ]
  const given = members.filter((member): member is [string, Json] => member[1] !== undefined)
  const checked = checkValue(optionsSchema(drivers), new Map(given), 'json')
  // The schema is that of these very members.
  return checked as CreateOptions
}

const SECTOR = 512n

function alignedSize(bytes: bigint): bigint {
  return ((bytes + SECTOR - 1n) / SECTOR) * SECTOR
}

function signed(value: bigint | undefined): bigint | undefined {
  return value === undefined ? undefined : BigInt.asIntN(64, value)
}
