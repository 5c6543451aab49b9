/** Rounding of offsets and lengths. `unit` is positive and need not be a power of two. */

export function alignDown(value: number, unit: number): number {
  return value - (value % unit)
}

export function alignUp(value: number, unit: number): number {
  return alignDown(value + unit - 1, unit)
}

export function isAligned(value: number, unit: number): boolean {
  return value % unit === 0
}
