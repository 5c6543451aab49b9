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
