/** Options of new images as words, in the order in which QEMU has them. */
import { SIZE_OPTION, type ImageOption } from '../../block/image-options.ts'

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
