/**
 * Options of new images as words: what `img create -o` takes, and what is printed of an image that a
 * command makes. Each driver declares its own.
 */
export interface ImageOption {
  readonly name: string
  readonly type: 'str' | 'size' | 'num' | 'bool (on/off)'
  readonly help: string
  /** What it is when it is not given; printed too. */
  readonly default?: string
  /** Read and refused in words of our own. */
  readonly unbuilt?: boolean
}

/** What every image has. */
export const SIZE_OPTION: ImageOption = { name: 'size', type: 'size', help: 'Virtual disk size' }

/** What storage has that takes an image where it is. */
export const STORAGE_OPTIONS: readonly ImageOption[] = [
  SIZE_OPTION,
  { name: 'preallocation', type: 'str', help: 'Preallocation mode (allowed values: off)' },
]

/** What is given and what is so without being given, in the order in which QEMU keeps them. */
export function completed(
  options: readonly ImageOption[],
  given: ReadonlyMap<string, string>,
): Map<string, string> {
  const all = new Map<string, string>()
  for (const option of options) {
    const value = given.get(option.name) ?? option.default
    if (value !== undefined) all.set(option.name, value)
  }
  return all
}

/** Options with values, which were looked at one by one. */
export interface ImageValues {
  text(name: string): string | undefined
  number(name: string): number | undefined
  /** The same where numbers are not exact any more; what is printed as negative is 2^63 and more. */
  integer(name: string): bigint | undefined
  flag(name: string): boolean | undefined
}

/** Words for yes and no, as command lines have them. */
export const TRUE_WORDS: readonly string[] = ['on', 'yes', 'true', 'y']
export const FALSE_WORDS: readonly string[] = ['off', 'no', 'false', 'n']

export function imageValues(words: ReadonlyMap<string, string>): ImageValues {
  return {
    text: (name) => words.get(name),
    number: (name) => {
      const word = words.get(name)
      return word === undefined ? undefined : Number(word)
    },
    integer: (name) => {
      const word = words.get(name)
      return word === undefined ? undefined : BigInt.asUintN(64, BigInt(word))
    },
    flag: (name) => {
      const word = words.get(name)
      return word === undefined ? undefined : TRUE_WORDS.includes(word)
    },
  }
}

/** `Formatting 'NAME', fmt=FORMAT` and all values in the order in which options are declared. */
export function formattingLine(
  filename: string,
  format: string,
  values: ReadonlyMap<string, string>,
): string {
  const words = [...values].map(([name, value]) => ` ${name}=${value.replaceAll(',', ',,')}`)
  return `Formatting '${filename}', fmt=${format}${words.join('')}`
}

/** What QEMU makes images of, or in, and no driver here does. */
export const UNBUILT_MAKERS: readonly string[] = [
  'gluster',
  'host_cdrom',
  'iscsi',
  'luks',
  'nfs',
  'nvme',
  'parallels',
  'qcow',
  'qed',
  'rbd',
  'vdi',
  'vhdx',
  'vmdk',
  'vpc',
]

/** What QEMU has, no driver here is, and no images are made of. */
export const UNBUILT_READERS: readonly string[] = [
  'blkreplay',
  'cloop',
  'dmg',
  'ftp',
  'ftps',
  'http',
  'https',
  'replication',
  'vvfat',
]
