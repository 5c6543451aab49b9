/** `--profile` of every tool: taken off the command line before anything else is read. */
import { PROFILES, type ProfileName } from '../profiles/index.ts'

interface Taken {
  readonly profile: ProfileName
  /** The other words. */
  readonly argv: readonly string[]
  /** What is wrong with the option, if anything is. */
  readonly problem?: string
}

/** Reads `--profile NAME` and `--profile=NAME`, the last of them; words behind `--` are left alone. */
export function takeProfile(argv: readonly string[]): Taken {
  const end = argv.indexOf('--')
  const words = end < 0 ? argv : argv.slice(0, end)
  const others: string[] = []
  let name: string | undefined = 'qemu'
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? ''
    if (word === '--profile') {
      index += 1
      name = words[index]
    } else if (word.startsWith('--profile=')) {
      name = word.slice('--profile='.length)
    } else {
      others.push(word)
    }
  }
  const rest = [...others, ...argv.slice(words.length)]
  if (name !== undefined && Object.hasOwn(PROFILES, name)) {
    return { profile: name as ProfileName, argv: rest }
  }
  const names = Object.keys(PROFILES).join(', ')
  const problem =
    name === undefined
      ? "option '--profile' requires an argument"
      : `there is no profile '${name}'; profiles are ${names}`
  return { profile: 'qemu', argv: rest, problem }
}
