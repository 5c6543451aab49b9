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
    flag: (name) => {
      const word = words.get(name)
      return word === undefined ? undefined : TRUE_WORDS.includes(word)
    },
  }
}

/** What an image has that a command makes with nothing but defaults. */
export function plainWords(about: {
  readonly bytes: number
  readonly backing: { readonly filename: string; readonly format: string } | undefined
}): ReadonlyMap<string, string> {
  const { bytes, backing } = about
  const words = new Map([['size', String(bytes)]])
  if (backing !== undefined) {
    words.set('backing_file', backing.filename)
    words.set('backing_fmt', backing.format)
  }
  return words
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

/** Formats that QEMU makes images of and no driver here does. */
export const UNBUILT_FORMATS: readonly string[] = [
  'luks',
  'parallels',
  'qcow',
  'qed',
  'vdi',
  'vhdx',
  'vmdk',
  'vpc',
]
