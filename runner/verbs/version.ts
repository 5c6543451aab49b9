/** The version in package.json: written in by the build, read from the file when run from source. */
import { readFileSync } from 'node:fs'

/** Defined by the build (esbuild `define`); absent when the sources run directly. */
declare const BLOCKSPEC_VERSION: string | undefined

export const VERSION: string =
  typeof BLOCKSPEC_VERSION === 'string' ? BLOCKSPEC_VERSION : versionFromPackage()

function versionFromPackage(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { readonly version: string }).version
}
