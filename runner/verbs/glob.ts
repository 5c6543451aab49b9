/** Globs over ids: `*` stays inside one segment, `**` crosses slashes, `?` is one character. */

export function isGlob(text: string): boolean {
  return /[*?]/.test(text)
}

/** A test for whole names; everything but `*` and `?` stands for itself. */
export function globTest(glob: string): (name: string) => boolean {
  const source = glob.replace(/\*\*|[*?]|[^*?]+/g, (part) => {
    if (part === '**') return '.*'
    if (part === '*') return '[^/]*'
    if (part === '?') return '[^/]'
    return part.replace(/[.+^${}()|[\]\\]/g, '\\$&')
  })
  const regex = new RegExp(`^${source}$`, 's')
  return (name) => regex.test(name)
}
