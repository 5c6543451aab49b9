/** The version that clients see: that of the QEMU whose behaviour profile `qemu` has. */

export const VERSION = {
  qemu: { major: 7, minor: 2, micro: 22 },
  package: 'blockspec',
} as const

export function versionText(): string {
  const { major, minor, micro } = VERSION.qemu
  return `${major}.${minor}.${micro}`
}
