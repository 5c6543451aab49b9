/**
 * `koffi`, which calls functions of the system's libraries, loaded when the first is wanted. Only
 * 64-bit Linux has the records that its users lay out by hand.
 */
import { createRequire } from 'node:module'

export type Koffi = typeof import('koffi')

/** A function of a library that returns a number. */
export type Call = (...parameters: readonly unknown[]) => number

/** @throws {Error} that says why it cannot be had. */
export function loadKoffi(): Koffi {
  const is64 = process.arch === 'x64' || process.arch === 'arm64'
  if (process.platform !== 'linux' || !is64) {
    throw new Error(`no system calls known for ${process.platform} on ${process.arch}`)
  }
  try {
    return createRequire(import.meta.url)('koffi') as Koffi
  } catch (error) {
    throw new Error(`koffi cannot be loaded: ${(error as Error).message}`, { cause: error })
  }
}
